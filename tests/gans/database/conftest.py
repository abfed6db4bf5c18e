"""Upgrades that break off: as a kill would end them, which leaves on MySQL and MariaDB whatever DDL came before."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event


class BrokenOff(Exception):
    """The process dies here."""


@contextmanager
def breaking_off(engine: Engine, beginning: str, nth: int) -> Iterator[None]:
    """Ends what is under way before its nth statement with this beginning."""
    seen = count(1)

    def hook(_: Connection, __: Any, statement: str, *___: Any) -> None:
        if statement.lstrip().startswith(beginning) and next(seen) == nth:
            raise BrokenOff

    event.listen(engine, "before_cursor_execute", hook)
    try:
        with pytest.raises(BrokenOff):
            yield
    finally:
        event.remove(engine, "before_cursor_execute", hook)


def breaking_off_at_each(engine: Engine, work: Callable[[], None]) -> Iterator[str]:
    """Begins `work` again and again, and ends it before the first statement that changes something and that never came so far.

    Yields:
        Each of these statements, once; `work` has then broken off before it. At last `work` was done.
    """
    met = set[str]()

    def hook(_: Connection, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        one = f"{statement} {parameters}"
        if re.match(r"\s*(CREATE|ALTER|DROP|RENAME|INSERT|UPDATE|DELETE)\b", statement) and one not in met:
            met.add(one)
            raise BrokenOff(statement)

    event.listen(engine, "before_cursor_execute", hook)
    try:
        while True:
            try:
                work()
            except BrokenOff as broken:
                yield str(broken)
            else:
                return
    finally:
        event.remove(engine, "before_cursor_execute", hook)
