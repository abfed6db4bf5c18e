"""CSV files of upstreams that are the whole truth of their time: a line a thing, no line break within a field, a line end last.

Each line is read by itself, so that a stray quote costs a line and not the rest of the file. A file may begin with a byte-order
mark and have Windows' line ends. Bytes that are no UTF-8 make their field unknown.
"""

import csv
from collections.abc import Collection, Sequence

from gans.errors import BadData

NOT_UTF8 = "bytes that are no UTF-8"
UNREADABLE = "\ufffd"


def lines(body: bytes, name: str, required: Collection[str]) -> tuple[list[str], list[str]]:
    """The names of the columns, and the lines below them, where bytes that are no UTF-8 are `UNREADABLE`.

    Raises:
        BadData: not the file that `name` says, for a column of `required` is missing; or not the whole of it.
    """
    head, *below = body.decode("utf-8-sig", errors="replace").split("\n")
    names = _fields(head)
    if missing := set(required) - set(names):
        raise BadData(f"Not {name}: it has no column {', '.join(sorted(missing))}")
    if not below or below.pop():
        raise BadData("The answer is cut short: its last line does not end")
    return names, below


def record(line: str, names: Sequence[str]) -> dict[str, str]:
    """The fields of a line, by the names of the columns.

    Raises:
        BadData: it is not CSV, or has more or fewer fields than there are columns.
    """
    fields = _fields(line)
    if len(fields) != len(names):
        raise BadData(f"it has {len(fields)} fields for {len(names)} columns")
    return dict(zip(names, fields, strict=True))


def _fields(line: str) -> list[str]:
    try:
        return next(csv.reader((line.rstrip("\r"),), strict=True), [])
    except csv.Error as error:
        raise BadData(f"not CSV: {error}") from None
