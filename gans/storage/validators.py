"""What makes the next request for a unit conditional: the validators of its last answer (RFC 9110, 13.1), a file a source.

Of an answer that says for how long it holds (`Source.holds_until`), that time and a digest of the body are validators too.

They hold for the question that was answered: its URL and its context, for an unchanged answer means something else beside another
context (a city more) and must then be landed again.

`collect` writes them once the answer is landed; `load` drops those of an answer that gave nothing, so that the next run asks for
a whole one. Both read the file, change it and write it, and nothing keeps them apart: of two that do so in the same moment, one
is undone. At worst an answer that gave nothing, or not the newest one, then counts as unchanged for as long as the upstream says
so, but not longer than `KEPT`: after that it is asked for in full, whatever is stored. Otherwise the file only saves traffic: one
that is lost costs answers that were not needed.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Annotated, Any

import msgspec

from gans.clock import CLOCKS_DIFFER
from gans.source import Capture, Request
from gans.storage.store import Store

KEPT = timedelta(days=30)
"""How long an answer may be called unchanged."""

SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=1)
"""For how long an answer may ask to be left alone: for as long as its source counts as fresh, but between these two."""

_HEADERS = {"etag": "If-None-Match", "last_modified": "If-Modified-Since"}
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Validators(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=_HEADERS):
    """What is kept of the last answer for a unit.

    Attributes:
        url: what was asked.
        context: a digest of the context.
        at: when the answer was complete.
        etag, last_modified: its headers of these names.
        holds_until: until when it holds by its own word.
        body: a digest of its body, where it says for how long it holds.
    """

    url: str
    context: str
    at: _Instant
    etag: str = ""
    last_modified: str = ""
    holds_until: _Instant | None = None
    body: str = ""

    def are_for(self, request: Request, now: datetime) -> bool:
        """Whether they are of an answer to `request`, less than `KEPT` ago; one of a time to come was taken by a wrong clock."""
        asked = (request.full_url, _digest_context(request.context))
        return (self.url, self.context) == asked and -CLOCKS_DIFFER < now - self.at < KEPT

    def headers(self) -> dict[str, str]:
        """The headers that make asking again conditional."""
        return {header: value for name, header in _HEADERS.items() if (value := getattr(self, name))}

    def is_fresh(self, now: datetime, stale_after: timedelta) -> bool:
        """Whether the answer, by its own word, still holds.

        Args:
            stale_after: how long it counts as fresh.
        """
        longest = min(max(stale_after, SHORTEST), LONGEST)
        return self.holds_until is not None and now < min(self.holds_until, self.at + longest)

    def is_same(self, body: bytes) -> bool:
        """Whether `body` is the answer's, byte for byte."""
        return self.body == _digest(body)


def validators_of(capture: Capture, holds_until: datetime | None) -> Validators | None:
    """What is to be kept of an answer; None where it has no validators, or none that can be sent back in a header.

    A `Last-Modified` after the fetch is not kept: a clock upstream is ahead, and once it is right, everything until then would
    count as unchanged.

    Args:
        holds_until: until when the answer holds by its own word; None where it does not say.
    """
    sendable = {
        name: value
        for name in _HEADERS
        if (value := capture.headers.get(name.replace("_", "-"), "")) and value.isascii() and value.isprintable()
    }
    if _is_after(sendable.get("last_modified", ""), capture.fetched_at):
        del sendable["last_modified"]
    if not (sendable or holds_until):
        return None
    return Validators(
        url=capture.url,
        context=_digest_context(capture.context),
        at=capture.fetched_at,
        holds_until=holds_until,
        body=_digest(capture.body) if holds_until else "",
        **sendable,
    )


def _is_after(date: str, instant: datetime) -> bool:
    """Whether a date of HTTP lies after `instant`; one that cannot be read means nothing to its upstream either."""
    try:
        found = parsedate_to_datetime(date)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)) > instant
    except (ValueError, OverflowError):
        return False


def read_validators(store: Store, source: str) -> dict[str, Validators]:
    """What is kept of the units of `source`; nothing where the file is not as this code writes it."""
    data = store.read(_key(source))
    try:
        return msgspec.json.decode(data, type=dict[str, Validators]) if data else {}
    except msgspec.DecodeError:
        return {}


def write_validators(store: Store, source: str, fresh: Mapping[str, Validators | None]) -> None:
    """Adds those of the newest answers; None takes away what was kept of its unit."""
    known = read_validators(store, source)
    newest = {unit: validators for unit, validators in {**known, **fresh}.items() if validators}
    if newest != known:
        _write(store, source, newest)


def drop_validators(store: Store, source: str, units: Iterable[str]) -> None:
    """Drops what is kept of `units`."""
    known, dropped = read_validators(store, source), set(units)
    if dropped & known.keys():
        _write(store, source, {unit: validators for unit, validators in known.items() if unit not in dropped})


def _write(store: Store, source: str, validators: Mapping[str, Validators]) -> None:
    store.write(_key(source), msgspec.json.encode(validators, order="sorted"))


def _key(source: str) -> str:
    return f"state/{source}.json"


def _digest_context(context: Mapping[str, Any]) -> str:
    return _digest(msgspec.json.encode(context, order="deterministic"))


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
