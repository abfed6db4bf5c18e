"""What was decided: proposals, with what they rest on."""

from datetime import timedelta

from sqlalchemy import String, Text

from gans.tables._columns import JSON_TEXT, Instant, fetched_at, key, table, value
from gans.tables._retention import Aged

proposals = table(
    "proposals",
    key("decision", String(32), "the decision, like placement"),
    key("scope", String(64), "what it was asked for, like the system velib"),
    key("proposed_at", Instant, "when it was asked (UTC)"),
    value("as_of", Instant, "nothing that became known later was read (UTC)", required=True),
    value("data_at", Instant, "how old the newest input was (UTC)", required=True),
    value("model_version", String(64), "the version of the model, or the name of the rule", required=True),
    value("reason", String(1_000), "what weighed most, in words", required=True),
    value("request", Text, "JSON: what was asked for", required=True),
    value("answer", JSON_TEXT, "JSON: what was proposed", required=True),
    fetched_at(comment="the same as proposed_at (UTC): of two versions the newer stays"),
    about="An answer of a decision that says what to do, as it was given.",
    rows="one per request of `gans place`",
    retain=Aged("proposed_at", timedelta(days=400)),
)
