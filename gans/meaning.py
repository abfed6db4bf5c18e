"""What a landed part means: its captures parsed, their rows checked, what does not fit refused with its reason. No I/O."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Table

from gans.check import all_checked
from gans.database import newest_by
from gans.errors import BadData
from gans.landing import Part
from gans.source import Capture, Lacking, Reject, Row, Source
from gans.tables import metadata

EXCERPT_CHARS = 4_000
MOST_MISSING = 30
"""How many columns the ledger tells of that some rows lack: as many as its column for them has room for."""

Columns = tuple[str, ...]
Place = tuple[str, Columns]
"""A table, and those of its columns that are told of."""

FixedKeys = Mapping[str, Set[Any]]
"""By table that only migrations fill: its keys."""


class Refused(msgspec.Struct, frozen=True):
    """An item of a unit's answer, or the whole of it, and why it is no row."""

    unit: str
    reason: str
    item: str = ""


class Meaning(msgspec.Struct):
    """What a part means.

    Attributes:
        rows: by table and columns, in key order.
        refused: the items and answers that are no rows.
        lacking: by column: how many items were left out since they lack it.
        offered: how many items the answers gave; without those left out.
        good: how many units gave rows, or had nothing to give.
        not_modified: how many units had nothing newer.
        failed: how many units gave no answer, or one without a good row.
        misunderstood: those of the failed that were answered.
    """

    rows: dict[Place, list[msgspec.Struct]] = {}
    refused: list[Refused] = []
    lacking: dict[str, int] = {}
    offered: int = 0
    good: int = 0
    not_modified: int = 0
    failed: int = 0
    misunderstood: list[str] = []

    @property
    def status(self) -> str:
        if not self.failed and not self.refused:
            return "not_modified" if self.not_modified and not self.good else "ok"
        return "partial" if self.good or self.not_modified else "failed"


def is_fixed(table: Table) -> bool:
    """Whether only migrations fill `table`: its rows have no version."""
    return "fetched_at" not in table.columns


def understand(source: Source, part: Part, fixed: FixedKeys) -> Meaning:
    """Parses and checks every capture of a part; of two rows with one key, the one of the later capture stays."""
    meaning = Meaning()
    newest: dict[Place, dict[Any, msgspec.Struct]] = {}
    for capture in sorted(part.captures, key=lambda capture: capture.fetched_at):
        if capture.error:
            meaning.failed += 1
            meaning.refused.append(Refused(capture.unit, capture.error))
            continue
        if capture.status == 304:
            meaning.not_modified += 1
            continue
        refused_before, has_rows = len(meaning.refused), False
        for rows in _batches(source, capture, meaning):
            for place, fitting in _fitting(source, capture, rows, fixed, meaning):
                newest.setdefault(place, {}).update(fitting)
                has_rows = True
        if capture.url:  # what was only given is no unit
            is_good = has_rows or len(meaning.refused) == refused_before
            meaning.good += is_good
            meaning.failed += not is_good
            if not is_good:
                meaning.misunderstood.append(capture.unit)
    meaning.rows = {place: [newest[place][key] for key in sorted(newest[place])] for place in sorted(newest)}
    return meaning


def _batches(source: Source, capture: Capture, meaning: Meaning) -> Iterable[list[Row]]:
    """The rows of a capture, those of a table with as many columns together; what else it holds is noted in `meaning`."""
    batches: dict[tuple[str, int], list[Row]] = {}
    for item in _items(source, capture):
        if isinstance(item, Row):
            batches.setdefault((item.table, len(item.values)), []).append(item)
        elif isinstance(item, Lacking):
            meaning.lacking[item.column] = meaning.lacking.get(item.column, 0) + 1
        else:
            meaning.offered += 1
            _refuse(meaning, capture, item)
    meaning.offered += sum(map(len, batches.values()))
    return batches.values()


def _items(source: Source, capture: Capture) -> list[Row | Reject | Lacking]:
    """What a capture holds; a capture that is bad as a whole is one reject, so that it costs no other."""
    try:
        return list(source.parse(capture))
    except BadData as error:
        reason = str(error)
    except Exception as error:  # a parser's bug costs no other capture its rows; the raw is kept, to be replayed
        reason = f"{source.name}.parse failed, please report it: {type(error).__name__}: {error}"
    return [Reject(reason, capture.body[:EXCERPT_CHARS].decode(errors="replace"))]


def _fitting(
    source: Source, capture: Capture, rows: list[Row], fixed: FixedKeys, meaning: Meaning
) -> Iterator[tuple[Place, Iterable[tuple[Any, msgspec.Struct]]]]:
    """The rows that fit, with their keys; where one does not, each half by itself, until it alone is left and is refused."""
    try:
        found = _checked(source, capture, rows, fixed)
    except BadData as error:
        if len(rows) == 1:
            _refuse(meaning, capture, Reject(str(error), _as_json(rows[0].values)))
            return
        half = len(rows) // 2
        yield from _fitting(source, capture, rows[:half], fixed, meaning)
        yield from _fitting(source, capture, rows[half:], fixed, meaning)
    else:
        yield found


def _refuse(meaning: Meaning, capture: Capture, item: Reject) -> None:
    meaning.refused.append(Refused(capture.unit, _storable(item.reason), _storable(item.item[:EXCERPT_CHARS])))


def _checked(
    source: Source, capture: Capture, rows: list[Row], fixed: FixedKeys
) -> tuple[Place, Iterable[tuple[Any, msgspec.Struct]]]:
    """Rows of a table with as many columns, as structs that fit it, with their keys.

    Raises:
        BadData: one of them does not fit, or has other columns than the first.
    """
    name = rows[0].table
    if name not in source.writes:
        raise BadData(f"{source.name} says that it does not write {name}")
    table = metadata.tables[name]
    layout = _layout(table, tuple(rows[0].values))
    versions = (capture.fetched_at,) * layout.versions
    try:
        told = [layout.told(row.values) + versions for row in rows]
    except KeyError as other:
        raise BadData(f"{name}: a row without {other} among others") from None
    fitting = all_checked(table, layout.columns, told)
    for column, parent in layout.fixed_parents:
        if unknown := set(map(attrgetter(column), fitting)) - fixed[parent] - {None}:
            raise BadData(f"{name}.{column}: {unknown.pop()!r} is not in {parent}")
    return (name, layout.columns), zip(map(layout.key, fitting), fitting, strict=True)


class _Layout(NamedTuple):
    """How rows with the same columns become structs.

    Attributes:
        columns: all their columns, versions last.
        told: the values of a row for the others, in that order.
        versions: how many columns are versions.
        key: the key of a struct.
        fixed_parents: the columns that refer to a table that only migrations fill, and which.
    """

    columns: Columns
    told: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    versions: int
    key: Callable[[msgspec.Struct], Any]
    fixed_parents: tuple[tuple[str, str], ...]


@cache
def _layout(table: Table, given: Columns) -> _Layout:
    """For rows with the columns `given`.

    Raises:
        BadData: a column that the table has not or that is a version; or one is missing that must not be null, or that shares
            the version of another: were it left out, the order of two loads would decide what is in it.
    """
    key = [str(column.name) for column in table.primary_key]
    version_of = {str(column.name): newest_by(table, column.name) for column in table.columns if not column.primary_key}
    versions = sorted({version_of[name] for name in given if version_of.get(name, name) != name})
    needed = [
        str(column.name)
        for column in table.columns
        if (not column.nullable and column.server_default is None) or version_of.get(column.name) in versions
    ]
    wrong = [f"no column {name}" for name in given if name not in table.columns]
    wrong += [f"{name} is not for a source to tell" for name in given if name in version_of.values()]
    wrong += [f"{name} is missing" for name in needed if name not in given and name not in version_of.values()]
    if wrong:
        raise BadData(f"{table.name}: {'; '.join(wrong)}")
    parents = [(key.parent.name, key.column.table) for key in table.foreign_keys if key.parent.name in given]
    fixed = tuple((str(name), str(parent.name)) for name, parent in parents if is_fixed(parent))
    first, *others = sorted(given)
    # Of one name alone, itemgetter gives no tuple.
    told = itemgetter(first, *others) if others else lambda values: (values[first],)
    return _Layout((first, *others, *versions), told, len(versions), attrgetter(*key), fixed)


def _as_json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, default=str, ensure_ascii=False, separators=(",", ":"))


def _storable(text: str) -> str:
    """`text` as UTF-8 can hold it: an upstream's JSON may name half of a surrogate pair."""
    return text.encode(errors="replace").decode()


def missing(meaning: Meaning) -> dict[str, int]:
    """How many rows, or items that are none for want of it, lack which column; those that most lack."""
    counts = Counter(meaning.lacking)
    for (table, columns), rows in meaning.rows.items():
        for row in rows:
            values = msgspec.structs.astuple(row)
            if None in values:
                counts.update(f"{table}.{name}" for name, value in zip(columns, values, strict=True) if value is None)
    return dict(counts.most_common(MOST_MISSING))
