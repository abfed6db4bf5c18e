"""CSV files of upstreams that are the whole truth of their time: a line a thing, no line break within a field, a line end last.

Each line is read by itself, so that a stray quote costs a line and not the rest of the file. A file may begin with a byte-order
mark and have Windows' line ends. Bytes that are no UTF-8 make their field unknown.
"""

import codecs
import csv
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from gans.errors import BadData

NOT_UTF8 = "bytes that are no UTF-8"
UNREADABLE = "\ufffd"

MOST_LINES: Final = 500_000
"""What a file may hold; the largest real one has 85,000."""


def lines(body: bytes, name: str, required: Collection[str]) -> tuple[list[str], Iterator[str]]:
    """The names of the columns, and the lines below them, where bytes that are no UTF-8 are `UNREADABLE`.

    They are decoded one by one: one character beyond the Basic Multilingual Plane makes four bytes of each character of its text.

    Raises:
        BadData: not the file that `name` says, for a column of `required` is missing; not the whole of it; or too long.
    """
    if (found := body.count(b"\n")) > MOST_LINES:
        raise BadData(f"The file holds {found:,} lines: no honest one has more than {MOST_LINES:,}")
    head, *below = body.removeprefix(codecs.BOM_UTF8).split(b"\n")
    names = fields(_decoded(head))
    if missing := set(required) - set(names):
        raise BadData(f"Not {name}: it has no column {', '.join(sorted(missing))}")
    if not below or below.pop():
        raise BadData("The answer is cut short: its last line does not end")
    return names, map(_decoded, below)


def _decoded(line: bytes) -> str:
    return line.decode(errors="replace")


def record(line: str, names: Sequence[str]) -> dict[str, str]:
    """The fields of a line, by the names of the columns.

    Raises:
        BadData: it is not CSV, or has more or fewer fields than there are columns.
    """
    values = fields(line)
    if len(values) != len(names):
        raise BadData(f"it has {len(values)} fields for {len(names)} columns")
    return dict(zip(names, values, strict=True))


def fields(line: str, delimiter: str = ",") -> list[str]:
    """The fields of a line.

    Raises:
        BadData: it is not CSV.
    """
    try:
        return next(csv.reader((line.rstrip("\r"),), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise BadData(f"not CSV: {error}") from None
