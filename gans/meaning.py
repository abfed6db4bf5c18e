"""What a landed part means: its captures parsed, their rows checked, what does not fit refused with its reason. No I/O."""

import json
from collections import Counter
from collections.abc import Mapping, Set
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Table

from gans.check import checked
from gans.database import newest_by
from gans.errors import BadData
from gans.landing import Part
from gans.source import Capture, Lacking, Reject, Row, Source
from gans.tables import metadata

EXCERPT_CHARS = 4_000
MOST_MISSING = 30
"""How many columns the ledger tells of that some rows lack: as many as its column for them has room for."""

Columns = tuple[str, ...]
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

    rows: dict[tuple[str, Columns], list[msgspec.Struct]] = {}
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
    newest: dict[tuple[str, Columns, tuple[Any, ...]], msgspec.Struct] = {}
    for capture in sorted(part.captures, key=lambda capture: capture.fetched_at):
        if capture.error:
            meaning.failed += 1
            meaning.refused.append(Refused(capture.unit, capture.error))
            continue
        if capture.status == 304:
            meaning.not_modified += 1
            continue
        refused_before, rows = len(meaning.refused), 0
        for item in _items(source, capture):
            if isinstance(item, Lacking):
                meaning.lacking[item.column] = meaning.lacking.get(item.column, 0) + 1
                continue
            meaning.offered += 1
            if isinstance(item, Row):
                try:
                    table, columns, key, row = _checked(source, capture, item, fixed)
                except BadData as error:
                    item = Reject(str(error), _as_json(item.values))
                else:
                    newest[table, columns, key] = row
                    rows += 1
                    continue
            meaning.refused.append(Refused(capture.unit, _storable(item.reason), _storable(item.item[:EXCERPT_CHARS])))
        if capture.url:  # what was only given is no unit
            is_good = bool(rows) or len(meaning.refused) == refused_before
            meaning.good += is_good
            meaning.failed += not is_good
            if not is_good:
                meaning.misunderstood.append(capture.unit)
    for (table, columns, _), row in sorted(newest.items(), key=lambda entry: entry[0]):
        meaning.rows.setdefault((table, columns), []).append(row)
    return meaning


def _items(source: Source, capture: Capture) -> list[Row | Reject | Lacking]:
    """What a capture holds; a capture that is bad as a whole is one reject, so that it costs no other."""
    try:
        return list(source.parse(capture))
    except BadData as error:
        reason = str(error)
    except Exception as error:  # a parser's bug costs no other capture its rows; the raw is kept, to be replayed
        reason = f"{source.name}.parse failed, please report it: {type(error).__name__}: {error}"
    return [Reject(reason, capture.body[:EXCERPT_CHARS].decode(errors="replace"))]


def _checked(
    source: Source, capture: Capture, row: Row, fixed: FixedKeys
) -> tuple[str, Columns, tuple[Any, ...], msgspec.Struct]:
    """The row as a struct that fits its table, with its table, columns and key."""
    if row.table not in source.writes:
        raise BadData(f"{source.name} says that it does not write {row.table}")
    table = metadata.tables[row.table]
    columns, versions, key, fixed_parents = _layout(table, tuple(row.values))
    values = [row.values[name] for name in columns if name not in versions] + [capture.fetched_at] * len(versions)
    fitting = checked(table, columns, values)
    for name, parent in fixed_parents:
        value = getattr(fitting, name)
        if value is not None and value not in fixed[parent]:
            raise BadData(f"{row.table}.{name}: {value!r} is not in {parent}")
    return row.table, columns, tuple(getattr(fitting, name) for name in key), fitting


@cache
def _layout(table: Table, given: Columns) -> tuple[Columns, Columns, Columns, tuple[tuple[str, str], ...]]:
    """For a row with the columns `given`: all its columns, versions last; its versions; its key; its fixed parents.

    Raises:
        BadData: a column that the table has not or that is a version; or one is missing that must not be null, or that shares
            the version of another: were it left out, the order of two loads would decide what is in it.
    """
    key = tuple(str(column.name) for column in table.primary_key)
    version_of = {str(column.name): newest_by(table, column.name) for column in table.columns if not column.primary_key}
    versions = tuple(sorted({version_of[name] for name in given if version_of.get(name, name) != name}))
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
    return (*sorted(given), *versions), versions, key, fixed


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
