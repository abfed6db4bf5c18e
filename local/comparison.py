"""Two databases compared, row by row: which rows one of them lacks, and in which columns the others differ."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import merge
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Engine, Table, inspect, select

from gans.tables import metadata

EXCEPTED: Final[Mapping[str, Collection[str]]] = {
    "archived_hours": ("archived_at",),
    "collection_runs": ("code_version", "loaded_at"),
    "station_usuals": ("fetched_at",),
}
"""Columns that say when, or by which code, a row was made; of a rate that rests on other hours alone, when it changed last."""

FETCHED: Final = 5_000
"""So many rows are fetched at once."""


class TableCompared(msgspec.Struct, frozen=True, kw_only=True):
    """A table of two databases.

    Attributes:
        rows, other_rows: how many each has.
        missing: how many rows of the first the other lacks.
        added: how many rows only the other has.
        changed: how many rows with the same key differ.
        columns: those in which they do.
        example: the key of one that is missing, added or changed; "" where none is.
    """

    table: str
    rows: int
    other_rows: int
    missing: int
    added: int
    changed: int
    columns: list[str]
    example: str

    @property
    def is_same(self) -> bool:
        """Whether both have the same rows."""
        return not (self.missing or self.added or self.changed)


def compare(engine: Engine, other: Engine, without_sources: Collection[str] = ()) -> Iterator[TableCompared]:
    """Compares every table that both have, by the columns that both have, but for `EXCEPTED`.

    Two servers need not be of one kind. What one has and the other lacks is kept in memory, whatever else there is is not.

    Args:
        without_sources: whose lines of the ledger, and rejects, do not count.

    Raises:
        DBAPIError: one of them does not answer.
    """
    found, others = inspect(engine), inspect(other)
    for table in metadata.sorted_tables:
        if found.has_table(table.name) and others.has_table(table.name):
            names = [{column["name"] for column in each.get_columns(table.name)} for each in (found, others)]
            shared = names[0] & names[1] - {*EXCEPTED.get(table.name, ())}
            columns = [*table.primary_key, *(column for column in table.columns if not column.primary_key)]
            compared = [column for column in columns if column.name in shared]
            yield _compare(table, compared, *(_rows(each, table, compared, without_sources) for each in (engine, other)))


def _rows(engine: Engine, table: Table, columns: Sequence[Column[Any]], without: Collection[str]) -> Iterator[tuple[Any, ...]]:
    query = select(*columns).order_by(*table.primary_key)
    if "source" in table.columns:
        query = query.where(table.c.source.not_in(without))
    with engine.connect() as connection:
        for row in connection.execute(query, execution_options={"yield_per": FETCHED}):
            yield tuple(row)


def _compare(
    table: Table, columns: Sequence[Column[Any]], rows: Iterator[tuple[Any, ...]], others: Iterator[tuple[Any, ...]]
) -> TableCompared:
    width = len(table.primary_key)
    counted, differing, example = Counter[bool](), Counter[str](), ()
    changed = 0
    # Both come in the order of the key. Where databases order a rare text otherwise than Python, a row only waits for longer.
    waiting: dict[tuple[Any, ...], tuple[bool, tuple[Any, ...]]] = {}
    both = merge(((False, row) for row in rows), ((True, row) for row in others), key=lambda one: one[1][:width])
    for is_other, row in both:
        counted[is_other] += 1
        key = row[:width]
        before = waiting.pop(key, None)
        if before is None:
            waiting[key] = is_other, row
        elif before[1] != row:
            changed, example = changed + 1, example or key
            differing.update(str(c.name) for c, one, two in zip(columns, before[1], row, strict=True) if one != two)
    alone = Counter(is_other for is_other, _ in waiting.values())
    example = example or next(iter(waiting), ())
    return TableCompared(
        table=str(table.name),
        rows=counted[False],
        other_rows=counted[True],
        missing=alone[False],
        added=alone[True],
        changed=changed,
        columns=sorted(differing),
        example=", ".join(map(str, example)),
    )
