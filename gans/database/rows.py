"""Validation: what a row must be before it may go to the database, read from the table that it is for.

The check is a msgspec struct made from the table: types, bounds, lengths, and which columns may be missing. An error names the
column. Rows with the same columns are checked together: all at once it takes a quarter of the time of one by one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from itertools import chain
from operator import attrgetter, ne
from typing import Annotated, Any

import msgspec
from sqlalchemy import Boolean, Column, Date, Float, Integer, String, Table

from gans.errors import BadData
from gans.tables import Instant, column_facts


class BadValue(BadData):
    """A value that does not fit its column.

    Attributes:
        column: its name; "" where the row as a whole does not fit.
    """

    def __init__(self, table: Table, column: str, reason: str) -> None:
        super().__init__(f"{table.name}.{column}: {reason}" if column else f"{table.name}: {reason}")
        self.column = column


@cache
def row_type(table: Table, columns: tuple[str, ...]) -> type[msgspec.Struct]:
    """The struct that a row with just these `columns` of `table` must fit."""
    fields = [(str(name), _type(table.columns[name])) for name in columns]
    return msgspec.defstruct(str(table.name), fields, array_like=True, frozen=True, gc=False)


def _type(column: Column[Any]) -> Any:
    """The Python type of a column's values, with its bounds; a number without them could be infinite, or too large to store."""
    kind: Any = column.type
    facts = column_facts(column)
    bounds: dict[str, Any] = {name: bound for name, bound in (("ge", facts.ge), ("le", facts.le)) if bound is not None}
    field: Any
    if isinstance(kind, (Integer, Float)) and len(bounds) < 2:
        raise TypeError(f"{column}: a number needs its least and greatest value, ge and le")
    if isinstance(kind, Instant):
        field = Annotated[datetime, msgspec.Meta(tz=True)]
    elif isinstance(kind, Boolean):
        field = bool
    elif isinstance(kind, Integer):
        field = Annotated[int, msgspec.Meta(**bounds)]
    elif isinstance(kind, Float):
        field = Annotated[float, msgspec.Meta(**bounds)]
    elif isinstance(kind, Date):
        field = date
    elif isinstance(kind, String):
        field = Annotated[str, msgspec.Meta(max_length=kind.length)]
    else:
        raise TypeError(f"{column}: no check for {kind!r}")
    return field | None if column.nullable else field


@cache
def _columns_of(table: Table, columns: tuple[str, ...], kind: type) -> tuple[str, ...]:
    return tuple(name for name in columns if isinstance(table.columns[name].type, kind))


_POSITION = re.compile(r" - at `\$\[\d+\](?:\[(\d+)\])?`")


def validate_row(table: Table, columns: tuple[str, ...], values: Sequence[Any]) -> msgspec.Struct:
    """The values of a row, in the order of `columns`, as a struct that fits `table`, its instants in UTC.

    Raises:
        BadValue: a value is of the wrong type, out of bounds, too long, or missing where it must not be.
    """
    return validate_rows(table, columns, [values])[0]


def validate_rows(table: Table, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> list[msgspec.Struct]:
    """The same for many rows, in their order.

    Raises:
        BadValue: as `validate_row`, for one of the rows.
    """
    if not rows:
        return []
    try:
        valid: list[msgspec.Struct] = msgspec.convert(rows, list[row_type(table, columns)])  # type: ignore[misc]
    except msgspec.ValidationError as error:
        found = _POSITION.search(str(error))
        column = columns[int(found[1])] if found and found[1] else ""
        raise BadValue(table, column, _POSITION.sub("", str(error))) from None
    _check_texts(table, dict(zip(columns, zip(*rows, strict=True), strict=True)))
    for name in _columns_of(table, columns, Instant):
        _make_utc(table, name, valid)
    return valid


def _make_utc(table: Table, name: str, rows: Sequence[msgspec.Struct]) -> None:
    """Instants in UTC: of another zone, MariaDB would drop the offset and keep the local time."""
    instants = list(map(attrgetter(name), rows))
    if {instant.tzinfo for instant in instants if instant is not None} <= {UTC}:
        return
    for row, instant in zip(rows, instants, strict=True):
        if instant is not None:
            try:
                msgspec.structs.force_setattr(row, name, instant.astimezone(UTC))
            except OverflowError:
                raise BadValue(table, name, f"{instant.isoformat()} is not a time in UTC") from None


def _check_texts(table: Table, values: Mapping[str, Sequence[Any]]) -> None:
    """Texts that all databases store as they are; `values` by column."""
    texts = _columns_of(table, tuple(values), String)
    if not _is_text(chain.from_iterable(map(values.__getitem__, texts))):
        name = next(name for name in texts if not _is_text(values[name]))
        raise BadValue(table, name, "a NUL, where most tools stop, or half of a surrogate pair, which is no UTF-8")
    for name in texts:
        if table.columns[name].primary_key and any(map(ne, values[name], map(str.strip, values[name]))):
            raise BadValue(table, name, "white space at an end of a key: MySQL takes 'a ' for 'a', SQLite does not")


def _is_text(texts: Iterable[str | None]) -> bool:
    try:
        return b"\0" not in "".join(filter(None, texts)).encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
