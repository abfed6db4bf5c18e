"""From a landed part to rows: its captures parsed, the rows validated, what does not fit refused with its reason. No I/O."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Table

from gans.database.rows import BadValue, validate_rows
from gans.database.upsert import newest_by
from gans.errors import BadData
from gans.source import MOST_REFUSED, Capture, Item, Omitted, Reject, Row, Rows, Source
from gans.storage.landing import Part
from gans.tables import metadata

EXCERPT_CHARS = 4_000
MOST_MISSING = 30
"""How many columns that some rows lack the ledger names: as many as its column for them has room for."""

MOST_ROWS = 500_000
"""How many rows an answer may give: ten times what the largest real one does."""

PARSE_S = 60.0
"""How long parsing and validating an answer may take; the largest real one takes a second."""

BATCH_ROWS = 10_000
"""How many rows are validated at once, where they come one by one."""

Columns = tuple[str, ...]
Target = tuple[str, Columns]
"""A table, and those of its columns that rows have values for."""

FixedKeys = Mapping[str, Set[Any]]
"""By table that only migrations fill: its keys."""


class Refused(msgspec.Struct, frozen=True):
    """An item of a unit's answer, or the whole of it, and why it is no row."""

    unit: str
    reason: str
    item: str = ""


class ParsedPart(msgspec.Struct, kw_only=True):
    """What a part, or a piece of one, holds, parsed and validated.

    Attributes:
        rows: by table and columns, in key order.
        refused: the items and answers that are no rows; of an answer with more than `MOST_REFUSED`, the last counts the others.
        rejected: how many they are, those others too.
        omitted: by column, how many items were left out since they lack it; by rule, how many values it mended.
        offered: how many items the answers gave; without those left out.
        good: how many units gave rows, or had nothing to give.
        not_modified: how many units had nothing newer.
        failed: how many units gave no answer, or one without a good row.
        unusable: those of the failed that were answered.
    """

    rows: dict[Target, list[msgspec.Struct]] = {}
    refused: list[Refused] = []
    rejected: int = 0
    omitted: dict[str, int] = {}
    offered: int = 0
    good: int = 0
    not_modified: int = 0
    failed: int = 0
    unusable: list[str] = []

    @property
    def status(self) -> str:
        if not self.failed and not self.refused:
            return "not_modified" if self.not_modified and not self.good else "ok"
        return "partial" if self.good or self.not_modified else "failed"

    def take_in(self, piece: "ParsedPart") -> None:
        """Adds all that a piece tells but its rows, of which it notes what they lack."""
        self.refused += piece.refused
        self.unusable += piece.unusable
        self.omitted = dict(Counter(self.omitted) + _lacking(piece))
        for name in ("rejected", "offered", "good", "not_modified", "failed"):
            setattr(self, name, getattr(self, name) + getattr(piece, name))


def is_fixed(table: Table) -> bool:
    """Whether only migrations fill `table`: its rows have no version."""
    return "fetched_at" not in table.columns


def parse_part(source: Source, part: Part, fixed: FixedKeys) -> ParsedPart:
    """Parses and validates every capture of a part; of two rows with one key, the one of the later capture stays."""
    (whole,) = parse_pieces(source, part, fixed, most_rows=sys.maxsize)
    return whole


def parse_pieces(source: Source, part: Part, fixed: FixedKeys, most_rows: int) -> Iterator[ParsedPart]:
    """The same in pieces: with `most_rows` a piece ends before the next capture. Nearly every part is one piece."""
    piece, newest = ParsedPart(), dict[Target, dict[Any, msgspec.Struct]]()
    for capture in sorted(part.captures, key=lambda capture: capture.fetched_at):
        if sum(map(len, newest.values())) >= most_rows:
            yield _in_order(piece, newest)
            piece, newest = ParsedPart(), {}
        if capture.error:
            piece.failed += 1
            piece.rejected += 1
            piece.refused.append(Refused(capture.unit, capture.error))
            continue
        if capture.status == 304:
            piece.not_modified += 1
            continue
        found = _parse(source, capture, fixed)
        for target, valid in found.newest.items():
            newest.setdefault(target, {}).update(valid)
        piece.refused += found.refused
        piece.rejected += found.rejected
        piece.offered += found.offered
        piece.omitted = dict(Counter(piece.omitted) + found.omitted)
        if capture.url:  # what the plan provided is no unit
            is_good = any(found.newest.values()) or not found.refused
            piece.good += is_good
            piece.failed += not is_good
            if not is_good:
                piece.unusable.append(capture.unit)
    yield _in_order(piece, newest)


def _in_order(piece: ParsedPart, newest: Mapping[Target, Mapping[Any, msgspec.Struct]]) -> ParsedPart:
    piece.rows = {target: [newest[target][key] for key in sorted(newest[target])] for target in sorted(newest)}
    return piece


class _Unusable(Exception):
    """An answer that is bad as a whole."""


class _Found:
    """What one capture holds: as in `ParsedPart`, its rows by key."""

    def __init__(self, source: Source, capture: Capture) -> None:
        self.source, self.capture = source, capture
        self.newest: dict[Target, dict[Any, msgspec.Struct]] = {}
        self.refused: list[Refused] = []
        self.rejected = self.offered = 0
        self.omitted = Counter[str]()

    def refuse(self, item: Reject) -> None:
        """Keeps the reason, or only counts where there are too many."""
        self.rejected += item.times
        if item.times == 1 and len(self.refused) < MOST_REFUSED:
            # A reject outlives what may only be kept so long.
            shown = "" if self.source.retention else _storable(item.item[:EXCERPT_CHARS])
            self.refused.append(Refused(self.capture.unit, _storable(item.reason), shown))

    def close(self) -> "_Found":
        """Says how many are only counted."""
        if more := self.rejected - len(self.refused):
            self.refused.append(Refused(self.capture.unit, f"and {more:,} more items of this answer"))
        return self


def _parse(source: Source, capture: Capture, fixed: FixedKeys) -> _Found:
    """What a capture holds; one that is bad as a whole is one reject, so that it costs no other."""
    found, rows_given = _Found(source, capture), 0
    try:
        for rows in _batches(source, capture, found):
            rows_given += len(rows.values)
            if rows_given > MOST_ROWS:
                raise _Unusable(f"The answer gives more than {MOST_ROWS:,} rows: no honest one does")
            for target, valid in _validated(source, capture, rows, fixed, found):
                found.newest.setdefault(target, {}).update(valid)
    except _Unusable as error:
        found = _Found(source, capture)
        found.offered = 1
        found.refuse(Reject(str(error), capture.body[:EXCERPT_CHARS].decode(errors="replace")))
    return found.close()


def _batches(source: Source, capture: Capture, found: _Found) -> Iterator[Rows]:
    """The rows of a capture, those of a table with the same columns together; what else it holds is noted in `found`."""
    alike: dict[tuple[str, int], list[Row]] = {}

    def together(rows: list[Row]) -> Iterator[Rows]:
        found.offered += len(rows)
        return _together(rows)

    for item in _items(source, capture):
        if isinstance(item, Row):
            rows = alike.setdefault((item.table, len(item.values)), [])
            rows.append(item)
            if len(rows) == BATCH_ROWS:
                yield from together(alike.pop((item.table, len(item.values))))
        elif isinstance(item, Rows):
            found.offered += len(item.values)
            if item.values:
                yield item
        elif isinstance(item, Reject):
            found.offered += item.times
            found.refuse(item)
        else:
            name, times = (item.column, 1) if isinstance(item, Omitted) else (item.rule, item.times)
            found.omitted[name] += times
    for rows in alike.values():
        yield from together(rows)


def _together(rows: list[Row]) -> Iterator[Rows]:
    """Rows of a table with as many columns at once; singly, where some have others than the first."""
    columns = tuple(sorted(rows[0].values))
    # Of one name alone, itemgetter gives no tuple.
    values_of = itemgetter(*columns) if len(columns) > 1 else lambda values: tuple(values[name] for name in columns)
    try:
        yield Rows(rows[0].table, columns, [values_of(row.values) for row in rows])
    except KeyError:
        for row in rows:
            yield from _together([row])


def _items(source: Source, capture: Capture) -> Iterator[Item]:
    """What a capture holds.

    Raises:
        _Unusable: it is bad as a whole. A parser's bug costs no other capture its rows either; the raw is kept, to be replayed.
    """
    until = time.monotonic() + PARSE_S
    try:
        for item in source.parse(capture):
            if time.monotonic() > until:
                raise BadData(f"It took longer than the {PARSE_S:.0f} s that an answer may take")
            yield item
    except BadData as error:
        raise _Unusable(str(error)) from None
    except Exception as error:
        raise _Unusable(f"{source.name}.parse failed, please report it: {type(error).__name__}: {error}") from None


def _validated(
    source: Source, capture: Capture, rows: Rows, fixed: FixedKeys, found: _Found
) -> Iterator[tuple[Target, Iterable[tuple[Any, msgspec.Struct]]]]:
    """The rows that fit, with their keys; where one does not, each half by itself, until it alone is left.

    Of that one, a value that may be missing is left out, and counted; for any other the row is refused.
    """
    try:
        yield _validate(source, capture, rows, fixed)
    except BadData:
        if len(rows.values) == 1:
            yield from _validated_alone(source, capture, rows, fixed, found)
            return
        half = len(rows.values) // 2
        for values in (rows.values[:half], rows.values[half:]):
            yield from _validated(source, capture, Rows(rows.table, rows.columns, values), fixed, found)


def _validated_alone(
    source: Source, capture: Capture, rows: Rows, fixed: FixedKeys, found: _Found
) -> Iterator[tuple[Target, Iterable[tuple[Any, msgspec.Struct]]]]:
    left, rules = rows, list[str]()
    while True:
        try:
            yield _validate(source, capture, left, fixed)
        except BadData as error:
            if not isinstance(error, BadValue) or not _may_be_missing(rows, error.column):
                (row,) = rows.each()
                found.refuse(Reject(str(error), _as_json(row.values)))
                return
            left = _without(left, error.column)
            rules.append(f"{rows.table}.{error.column} does not fit")
        else:
            found.omitted.update(rules)
            return


def _may_be_missing(rows: Rows, column: str) -> bool:
    return column in rows.columns and bool(metadata.tables[rows.table].columns[column].nullable)


def _without(rows: Rows, column: str) -> Rows:
    values = [tuple(None if name == column else value for name, value in zip(rows.columns, rows.values[0], strict=True))]
    return Rows(rows.table, rows.columns, values)


def _validate(
    source: Source, capture: Capture, rows: Rows, fixed: FixedKeys
) -> tuple[Target, Iterable[tuple[Any, msgspec.Struct]]]:
    """Rows as structs that fit their table, with their keys.

    Raises:
        BadData: one of them does not fit.
    """
    if rows.table not in source.writes:
        raise BadData(f"{source.name} says that it does not write {rows.table}")
    table = metadata.tables[rows.table]
    layout = _layout(table, rows.columns)
    versions = (capture.fetched_at,) * layout.versions
    valid = validate_rows(table, layout.columns, [values + versions for values in rows.values])
    for column, parent in layout.fixed_parents:
        if unknown := set(map(attrgetter(column), valid)) - fixed[parent] - {None}:
            raise BadValue(table, column, f"{unknown.pop()!r} is not in {parent}")
    return (rows.table, layout.columns), zip(map(layout.key, valid), valid, strict=True)


class _Layout(NamedTuple):
    """How rows with the same columns become structs.

    Attributes:
        columns: all their columns, versions last.
        versions: how many columns are versions.
        key: the key of a struct.
        fixed_parents: the columns that refer to a table that only migrations fill, and which.
    """

    columns: Columns
    versions: int
    key: Callable[[msgspec.Struct], Any]
    fixed_parents: tuple[tuple[str, str], ...]


@cache
def _layout(table: Table, columns: Columns) -> _Layout:
    """For rows with these columns.

    Raises:
        BadData: a column that the table has not or that is a version; or one is missing that must not be null, or that shares
            the version of another: were it left out, the order of two loads would decide what is in it.
    """
    key = [str(column.name) for column in table.primary_key]
    version_of = {str(column.name): newest_by(table, column.name) for column in table.columns if not column.primary_key}
    versions = sorted({version_of[name] for name in columns if version_of.get(name, name) != name})
    needed = [
        str(column.name)
        for column in table.columns
        if (not column.nullable and column.server_default is None) or version_of.get(column.name) in versions
    ]
    wrong = [f"no column {name}" for name in columns if name not in table.columns]
    wrong += [f"{name} is not for a source to give" for name in columns if name in version_of.values()]
    wrong += [f"{name} is missing" for name in needed if name not in columns and name not in version_of.values()]
    if wrong:
        raise BadData(f"{table.name}: {'; '.join(wrong)}")
    parents = [(key.parent.name, key.column.table) for key in table.foreign_keys if key.parent.name in columns]
    fixed = tuple((str(name), str(parent.name)) for name, parent in parents if is_fixed(parent))
    return _Layout((*columns, *versions), len(versions), attrgetter(*key), fixed)


def _as_json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, default=str, ensure_ascii=False, separators=(",", ":"))


def _storable(text: str) -> str:
    """`text` as UTF-8 can hold it: an upstream's JSON may name half of a surrogate pair."""
    return text.encode(errors="replace").decode()


def missing(parsed: ParsedPart) -> dict[str, int]:
    """How many rows, or items that are none for want of it, lack which column, and which rule mended how many; the most first."""
    return dict(_lacking(parsed).most_common(MOST_MISSING))


def _lacking(parsed: ParsedPart) -> Counter[str]:
    counts = Counter(parsed.omitted)
    for (table, columns), rows in parsed.rows.items():
        for name in columns:
            if omitted := list(map(attrgetter(name), rows)).count(None):
                counts[f"{table}.{name}"] += omitted
    return counts
