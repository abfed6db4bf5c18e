"""What makes the next request for a unit conditional: the validators of its last answer (RFC 9110, 13.1), a file a source.

Of an answer that tells for how long it holds (`Source.holds_until`), that time and a digest of the body are validators too.

They hold for the question that was answered: its URL and its context, for an unchanged answer means something else beside another
context (a city more) and must then be landed again.

`collect` remembers them once the answer is landed; `load` forgets those of an answer that meant nothing, so that the next run
asks for a whole one. Both read the file, change it and write it, and nothing keeps them apart: of two that do so in the same
moment, one is undone. At worst an answer that meant nothing, or not the newest one, then counts as unchanged for as long as the
upstream says so, but not longer than `KEPT`: after that it is asked for in full, whatever is remembered. Otherwise the file only
saves traffic: one that is lost costs answers that were not needed.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from gans.source import Capture, Request
from gans.storage.store import Store

Validators = dict[str, dict[str, str]]
"""By unit: the URL that was asked, a digest of its context and the time of the answer, under `url`, `context` and `at`; the
headers that make asking again conditional; and where it tells for how long it holds, that time and a digest of its body, under
`holds_until` and `body`."""

KEPT = timedelta(days=30)
"""How long an answer may be called unchanged."""

_HEADERS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


def _key(source: str) -> str:
    return f"state/{source}.json"


def recall(store: Store, source: str) -> Validators:
    """What is remembered of the units of `source`; nothing where the file is not as this code writes it."""
    data = store.read(_key(source))
    try:
        return msgspec.json.decode(data, type=Validators) if data else {}
    except msgspec.DecodeError:
        return {}


def validators(capture: Capture, holds_until: datetime | None) -> dict[str, str]:
    """What is to be remembered of an answer; nothing where it has no validators, or none that can be sent back in a header.

    Args:
        holds_until: until when the answer holds by its own word; None where it does not say.
    """
    told = {name: capture.headers.get(header, "") for header, name in _HEADERS.items()}
    told = {name: value for name, value in told.items() if value and value.isascii() and value.isprintable()}
    if holds_until:
        told |= {"holds_until": holds_until.isoformat(), "body": _digest(capture.body)}
    return {**_question(capture.url, capture.context), "at": capture.fetched_at.isoformat(), **told} if told else {}


def answered(known: Mapping[str, str], request: Request, now: datetime) -> Mapping[str, str]:
    """What is remembered of a unit, as far as it was the answer to `request`; nothing where that was `KEPT` ago."""
    asked = _question(request.full_url, request.context)
    if "at" not in known or not asked.items() <= known.items() or now - datetime.fromisoformat(known["at"]) >= KEPT:
        return {}
    return known


def conditions(known: Mapping[str, str]) -> dict[str, str]:
    """The headers that make asking again conditional."""
    return {name: known[name] for name in _HEADERS.values() if name in known}


def still_holds(known: Mapping[str, str], now: datetime) -> bool:
    """Whether the last answer, by its own word, still holds."""
    until = known.get("holds_until")
    return until is not None and now < datetime.fromisoformat(until)


def is_same(known: Mapping[str, str], body: bytes) -> bool:
    """Whether `body` is the last answer's, byte for byte."""
    return known.get("body") == _digest(body)


def _question(url: str, context: Mapping[str, Any]) -> dict[str, str]:
    return {"url": url, "context": _digest(msgspec.json.encode(context, order="deterministic"))}


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def remember(store: Store, source: str, fresh: Mapping[str, dict[str, str]]) -> None:
    """Adds what the newest answers said; what is empty takes away what was remembered of its unit."""
    known = recall(store, source)
    newest = {unit: told for unit, told in {**known, **fresh}.items() if told}
    if newest != known:
        _write(store, source, newest)


def forget(store: Store, source: str, units: Iterable[str]) -> None:
    """Drops what is remembered of `units`."""
    known, dropped = recall(store, source), set(units)
    if dropped & known.keys():
        _write(store, source, {unit: told for unit, told in known.items() if unit not in dropped})


def _write(store: Store, source: str, validators: Validators) -> None:
    store.write(_key(source), msgspec.json.encode(validators, order="sorted"))
