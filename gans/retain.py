"""Retention: what grows is thinned, by the rule that stands at each table."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Select,
    Table,
    and_,
    case,
    cast,
    delete,
    func,
    select,
    text,
)

from gans.database.transactions import in_transaction
from gans.tables import Aged, Thinned, metadata, table_facts

READ_ROWS = 20_000
"""The most keys in memory at once."""

BATCH_ROWS = 1_000
"""The most rows in a transaction: some tenths of a second's locks, on rows that loaders hardly ever write."""

WINDOW = timedelta(days=31)
"""How much of a series is looked at at once."""


class Retained(msgspec.Struct, frozen=True):
    """What a night's retention did.

    Attributes:
        rows: rows deleted, by table; every table that has a rule.
    """

    rows: Mapping[str, int]


class _Step(msgspec.Struct, frozen=True):
    """Some rows of a table that its rule looks at.

    Attributes:
        series: the values that name a series; none for a rule without series.
        until: rows before it are old enough.
    """

    table: Table
    series: tuple[Any, ...]
    until: datetime


def retain(engine: Engine, now: datetime, *, on_progress: Callable[[int, int], None] = lambda done, planned: None) -> Retained:
    """Deletes what the rules of the tables drop at `now`.

    Keys are read without a lock and deleted in transactions of `BATCH_ROWS`, so that loaders go on meanwhile. It may be stopped
    at any time: what is left goes the next time, and a second run finds nothing. The newest comes first, so that a run that is
    cut short has only missed to look again at what was thinned long ago. An old part that is loaded again (`gans replay`) brings
    its dropped rows back, until the next run.

    Args:
        on_progress: called with how many steps (a table, or a window of a series) are done, and how many there are.

    Raises:
        DBAPIError: the database failed, or went away for longer than a few tries.
    """
    ruled = [table for table in metadata.sorted_tables if table_facts(table).retention]
    steps = [step for table in ruled for step in _steps(engine, table, now)]
    rows = Counter({str(table.name): 0 for table in ruled})
    for done, step in enumerate(steps, 1):
        rows[str(step.table.name)] += _drop(engine, step)
        on_progress(done, len(steps))
    return Retained(dict(rows))


def _steps(engine: Engine, table: Table, now: datetime) -> Iterator[_Step]:
    rule = table_facts(table).retention
    assert rule is not None
    until = now - rule.after
    if isinstance(rule, Aged):
        yield _Step(table, (), until)
        return
    series = [table.c[name] for name in rule.series]
    with engine.connect() as connection:
        query = select(*series, func.min(table.c[rule.about])).group_by(*series).order_by(*series)
        found = [(tuple(values), first) for *values, first in connection.execute(query) if first]
    while waiting := [values for values, first in found if first < until]:
        yield from (_Step(table, values, until) for values in waiting)
        until -= WINDOW


def _expired(engine: Engine, step: _Step) -> tuple[Select[Any], ColumnElement[bool]]:
    """What the step drops.

    Returns:
        A query for the keys; and the condition that is asked again when a row is deleted, since a loader may have renewed it.
    """
    rule, columns, key = table_facts(step.table).retention, step.table.c, step.table.primary_key
    if isinstance(rule, Aged):
        is_old = columns[rule.column] < step.until
        return select(*key).where(is_old), is_old
    assert isinstance(rule, Thinned)
    about, issued = columns[rule.about], columns[rule.issued]
    is_old = and_(about >= step.until - WINDOW, about < step.until)
    is_of_series = and_(*(columns[name] == value for name, value in zip(rule.series, step.series, strict=True)))
    lead_s = _seconds_between(engine, issued, about)
    band = case(*((lead_s >= hours * 3600, hours) for hours in reversed(rule.leads_hours)), else_=0)
    # Of the versions between two leads, the newest is the last one issued at least so many hours before.
    ordinal = func.rank().over(partition_by=(about, band), order_by=issued.desc()).label("ordinal")
    ranked = select(*key, ordinal).where(is_of_series, is_old).subquery()
    return select(*(ranked.c[column.name] for column in key)).where(ranked.c.ordinal > 1), is_old


def _drop(engine: Engine, step: _Step) -> int:
    """Deletes what the step drops.

    Returns:
        How many rows it was.
    """
    query, is_old = _expired(engine, step)
    deleted, found = 0, READ_ROWS
    while found == READ_ROWS:
        with engine.connect() as connection:
            keys = sorted(map(tuple, connection.execute(query.limit(READ_ROWS))))
        found = len(keys)
        for start in range(0, found, BATCH_ROWS):
            batch = keys[start : start + BATCH_ROWS]
            deleted += in_transaction(engine, partial(_delete, table=step.table, keys=batch, is_old=is_old))
    return deleted


def _delete(connection: Connection, table: Table, keys: list[tuple[Any, ...]], is_old: ColumnElement[bool]) -> int:
    """Deletes the rows of `keys`, which are in order: those that differ in the last column alone by one statement.

    An IN over all columns would be shorter, but SQLite and MariaDB read the whole table for it.

    Returns:
        How many there were.
    """
    *first, last = table.primary_key
    deleted = 0
    for values, alike in groupby(keys, key=lambda key: key[:-1]):
        is_first = (column == value for column, value in zip(first, values, strict=True))
        is_last = last.in_([key[-1] for key in alike])
        deleted += connection.execute(delete(table).where(*is_first, is_last, is_old)).rowcount
    return deleted


def _seconds_between(engine: Engine, earlier: Column[Any], later: Column[Any]) -> ColumnElement[int]:
    """From one instant to another, s."""
    if engine.dialect.name == "sqlite":
        return cast(func.strftime("%s", later), Integer) - cast(func.strftime("%s", earlier), Integer)
    return func.timestampdiff(text("SECOND"), earlier, later)
