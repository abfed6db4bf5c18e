"""Items of an answer that do not fit their struct, read without what does not fit and may be missing."""

import re
from collections import Counter
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_PATH = re.compile(r" - at `\$(.+)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_MOST = 20


def without_bad(item: Any, kind: type[T], *, strict: bool = True) -> tuple[T, Counter[str]]:
    """`item`, a decoded JSON value, as `kind`; and how often which field was left out, like "wind.speed does not fit".

    What does not fit is left out as deep down as it can be: a field, of a list the one item; else what it is a required part of.

    Raises:
        ValidationError: what does not fit may not be missing.
    """
    found = Counter[str]()
    first: msgspec.ValidationError | None = None
    for _ in range(_MOST):
        try:
            return msgspec.convert(item, kind, strict=strict), found
        except msgspec.ValidationError as error:
            first = first or error
            path = _PATH.search(str(error))
            steps = [name or int(index) for name, index in _STEP.findall(path[1])] if path else []
            if not steps or not _leave_out(item, steps):
                break
            found[f"{'.'.join(step for step in steps if isinstance(step, str))} does not fit"] += 1
    assert first is not None
    raise first


def _leave_out(item: Any, steps: list[str | int]) -> bool:
    """Whether what `steps` lead to was there, and now is not."""
    for step in steps[:-1]:
        item = item[step]
    try:
        del item[steps[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True
