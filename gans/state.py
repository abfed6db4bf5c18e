"""What makes the next request for a unit conditional: the validators of its last answer (RFC 9110, 13.1), a file a source.

`collect` remembers them once the answer is landed; `load` forgets those of an answer that meant nothing, so that the next run
asks for a whole one. The file only saves traffic: one that is lost or overwritten costs an answer that was not needed.
"""

from collections.abc import Iterable, Mapping

import msgspec

from gans.landing import Store

Validators = dict[str, dict[str, str]]
"""By unit: the URL that was asked, under `URL`, and the headers that make asking for it again conditional."""

URL = "url"


def _key(source: str) -> str:
    return f"state/{source}.json"


def recall(store: Store, source: str) -> Validators:
    """What is remembered of the units of `source`; nothing where the file is not as this code writes it."""
    data = store.read(_key(source))
    try:
        return msgspec.json.decode(data, type=Validators) if data else {}
    except msgspec.DecodeError:
        return {}


def remember(store: Store, source: str, fresh: Mapping[str, dict[str, str]]) -> None:
    """Adds what the newest answers said."""
    if fresh:
        _write(store, source, {**recall(store, source), **fresh})


def forget(store: Store, source: str, units: Iterable[str]) -> None:
    """Drops what is remembered of `units`."""
    known, dropped = recall(store, source), set(units)
    if dropped & known.keys():
        _write(store, source, {unit: told for unit, told in known.items() if unit not in dropped})


def _write(store: Store, source: str, validators: Validators) -> None:
    store.write(_key(source), msgspec.json.encode(validators, order="sorted"))
