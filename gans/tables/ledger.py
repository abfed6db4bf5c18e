"""The ledger: what every run asked, got, stored and refused, and of which landing."""

from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ForeignKeyConstraint, Index, Integer, SmallInteger, String, Text

from gans.tables._columns import Instant, key, table, value
from gans.tables._retention import Aged

STATUSES = ("ok", "partial", "failed", "not_modified")


def _outcome(name: str, kind: Any, comment: str, *, required: bool = False, **bounds: int) -> Column[Any]:
    """A column that each loading of the part writes anew."""
    return value(name, kind, comment, required=required, newest_by="loaded_at", **bounds)


def _count(name: str, comment: str) -> Column[Any]:
    return _outcome(name, Integer, comment, required=True, ge=0, le=2_147_483_647)


def _run_key() -> list[Column[Any]]:
    return [
        key("source", String(64), "the source"),
        key("slot_at", Instant, "the scheduled time: the identity of the run (UTC)"),
        key("attempt_at", Instant, "when this attempt began (UTC)"),
        key("part", SmallInteger, "a long run lands in several parts, numbered from 1", ge=1, le=9_999),
    ]


collection_runs = table(
    "collection_runs",
    *_run_key(),
    _outcome("finished_at", Instant, "when the part was landed (UTC)"),
    _outcome("status", String(12), f"one of {', '.join(STATUSES)}", required=True),
    _count("requests", "requests made, tries again included"),
    _outcome("bytes_received", BigInteger, "size of the answers, B", required=True, ge=0, le=2**62),
    _count("units_planned", "units the plan asked for (cities, batches of cities, airports)"),
    _count("units_failed", "units without a usable answer"),
    _count("rows_offered", "rows that the answers gave"),
    _count(
        "rows_rejected",
        "items and answers refused; each has its line in rejects, but of one answer's many the last are counted in one",
    ),
    _outcome("missing", String(2_000), "JSON: how many rows lack which column, where any does", required=True),
    _outcome("landing_key", String(255), "where the raw answers are kept", required=True),
    _outcome("code_version", String(64), "the version of Gans that loaded it", required=True),
    _outcome("error", String(2_000), "the first failure, or why there was nothing to do"),
    _outcome("stale_at", Instant, "until when this run keeps its source fresh (UTC); null after a failed run"),
    _outcome("loaded_at", Instant, "when it was loaded last (UTC)", required=True),
    about="One landed part of one attempt of a source's run; a run of one part, as nearly all are, is one row.",
    is_long=True,
    rows="one per source and run: 9 a day for cities and weather",
)

rejects = table(
    "rejects",
    *_run_key(),
    key("ordinal", Integer, "its place in the part, from 1", ge=1, le=2_147_483_647),
    value("unit", String(255), "what the answer was about", required=True),
    value("reason", String(1_000), "why it was refused", required=True),
    value("item", Text, "the refused item, shortened to 4,000 characters", required=True),
    ForeignKeyConstraint(
        ["source", "slot_at", "attempt_at", "part"],
        ["collection_runs.source", "collection_runs.slot_at", "collection_runs.attempt_at", "collection_runs.part"],
    ),
    about="An item that could not become a row, or an answer that failed, and why.",
    rows="none on a good day",
    retain=Aged("slot_at", timedelta(days=90)),  # the ledger's counts stay, and so does what was landed
)

Index(None, collection_runs.c.landing_key)

installation = table(
    "installation",
    key("installation_id", SmallInteger, "always 1: there is one row", ge=1, le=1),
    value("landing_id", String(64), "the landing that the rows were loaded from, as its state/identity.json says", required=True),
    value("is_simulated", Boolean, "whether simulated upstreams were asked, and not the real ones", required=True),
    about="Which landing this database belongs to, and whether what it tells was simulated.",
    rows="one",
)
