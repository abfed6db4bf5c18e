"""What a row must be before it may go to the database, read from the table that it is for.

The check is a msgspec struct made from the table: types, bounds, lengths, and which columns may be missing. An error names the
column.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any

import msgspec
from sqlalchemy import Boolean, Column, Date, Float, Integer, String, Table

from gans.errors import BadData
from gans.tables import Instant

_NO_TEXT = r"\x00\ud800-\udfff"  # most tools stop at a NUL; half a surrogate pair is no UTF-8
_WHOLE = rf"^[^{_NO_TEXT}]*\Z"
_KEY = rf"^(|[^\s{_NO_TEXT}]([^{_NO_TEXT}]*[^\s{_NO_TEXT}])?)\Z"  # MySQL takes 'a ' and 'a' for the same key, SQLite does not


@cache
def checker(table: Table, columns: tuple[str, ...]) -> type[msgspec.Struct]:
    """The struct that a row with just these `columns` of `table` must fit."""
    fields = [(str(name), _type(table.columns[name])) for name in columns]
    return msgspec.defstruct(str(table.name), fields, array_like=True, frozen=True, gc=False)


def _type(column: Column[Any]) -> Any:
    """The Python type of a column's values, with its bounds; a number without them could be infinite, or too large to store."""
    kind: Any = column.type
    bounds = {name: column.info[name] for name in ("ge", "le") if name in column.info}
    checked: Any
    if isinstance(kind, (Integer, Float)) and len(bounds) < 2:
        raise TypeError(f"{column}: a number needs its least and greatest value, ge and le")
    if isinstance(kind, Instant):
        checked = Annotated[datetime, msgspec.Meta(tz=True)]
    elif isinstance(kind, Boolean):
        checked = bool
    elif isinstance(kind, Integer):
        checked = Annotated[int, msgspec.Meta(**bounds)]
    elif isinstance(kind, Float):
        checked = Annotated[float, msgspec.Meta(**bounds)]
    elif isinstance(kind, Date):
        checked = date
    elif isinstance(kind, String):
        checked = Annotated[str, msgspec.Meta(max_length=kind.length, pattern=_KEY if column.primary_key else _WHOLE)]
    else:
        raise TypeError(f"{column}: no check for {kind!r}")
    return checked | None if column.nullable else checked


@cache
def _instants(table: Table, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in columns if isinstance(table.columns[name].type, Instant))


_POSITION = re.compile(r" - at `\$\[(\d+)\]`")


def checked(table: Table, columns: tuple[str, ...], values: Sequence[Any]) -> msgspec.Struct:
    """The values of a row, in the order of `columns`, as a struct that fits `table`, its instants in UTC.

    Raises:
        BadData: a value is of the wrong type, out of bounds, too long, or missing where it must not be.
    """
    try:
        row = msgspec.convert(values, checker(table, columns))
    except msgspec.ValidationError as error:
        found = _POSITION.search(str(error))
        where = f"{table.name}.{columns[int(found[1])]}" if found else table.name
        raise BadData(f"{where}: {_POSITION.sub('', str(error))}") from None
    for name in _instants(table, columns):
        instant = getattr(row, name)
        if instant is not None and instant.utcoffset():  # MariaDB would drop the offset and keep the local time
            try:
                msgspec.structs.force_setattr(row, name, instant.astimezone(UTC))
            except OverflowError:
                raise BadData(f"{table.name}.{name}: {instant.isoformat()} is not a time in UTC") from None
    return row
