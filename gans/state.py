"""What makes the next request for a unit conditional: the validators of its last answer (RFC 9110, 13.1), a file a source.

They hold for the question that was answered: its URL and its context, for an unchanged answer means something else beside another
context (a city more) and must then be landed again.

`collect` remembers them once the answer is landed; `load` forgets those of an answer that meant nothing, so that the next run
asks for a whole one. The file only saves traffic: one that is lost or overwritten costs an answer that was not needed.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from gans.landing import Store

Validators = dict[str, dict[str, str]]
"""By unit: the URL that was asked, under `URL`; a digest of its context, under `CONTEXT`; the headers that make asking again
conditional."""

URL = "url"
CONTEXT = "context"


def _key(source: str) -> str:
    return f"state/{source}.json"


def recall(store: Store, source: str) -> Validators:
    """What is remembered of the units of `source`; nothing where the file is not as this code writes it."""
    data = store.read(_key(source))
    try:
        return msgspec.json.decode(data, type=Validators) if data else {}
    except msgspec.DecodeError:
        return {}


def question(url: str, context: Mapping[str, Any]) -> dict[str, str]:
    """The question that an answer is to, as it is remembered with its validators."""
    told = msgspec.json.encode(context, order="deterministic")
    return {URL: url, CONTEXT: blake2b(told, digest_size=16).hexdigest()}


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
