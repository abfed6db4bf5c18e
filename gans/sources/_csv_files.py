"""CSV files that people import: cut into pieces, and read line by line.

A file may be written with commas, semicolons or tabs, with a byte-order mark and with Windows' line ends; numbers have a decimal
point. A line is a thing: there is no line break within a field, and the last line ends, or the file may have been cut short.
"""

import codecs
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gans.errors import BadData
from gans.source import Capture, File, Piece
from gans.sources import _csv

PIECE_BYTES: Final = 1024 * 1024
LINE_BYTES: Final = 64 * 1024
_OTHERS: Final = {
    b"PK\x03\x04": "a zip archive, perhaps a workbook of Excel: save its sheet as CSV",
    b"PAR1": "Parquet: write it as CSV",
    b"{": "JSON: write it as CSV",
    b"[": "JSON: write it as CSV",
    b"<": "a page or XML, perhaps an error that was saved: fetch it again",
    codecs.BOM_UTF16_LE: "text in UTF-16: save it as CSV in UTF-8",
    codecs.BOM_UTF16_BE: "text in UTF-16: save it as CSV in UTF-8",
}
"""What begins so is no CSV, and what to do."""


class CsvFile:
    """A file, with the columns that its first line names.

    Attributes:
        names: the columns.
    """

    def __init__(self, file: File) -> None:
        """Raises:
        BadData: it is empty, or no CSV.
        """
        self.file = file
        with file.open() as handle:
            head = handle.readline(LINE_BYTES)
        for beginning, what in _OTHERS.items():
            if head.startswith(beginning):
                raise BadData(f"{file.name} is {what}")
        if len(head) == LINE_BYTES:
            raise BadData(_too_long(file.name, 1))
        head = head.removeprefix(codecs.BOM_UTF8)
        if not head.strip():
            raise BadData(f"{file.name} {'begins with an empty line' if head else 'is empty'}: its first line names the columns")
        self._head = head.rstrip(b"\r\n") + b"\n"
        try:
            self.names, _ = columns(self._head.decode(errors="replace"))
        except BadData as error:
            raise BadData(f"{file.name}: {error}") from None

    def lines(self) -> Iterator[bytes]:
        """The lines below the first.

        Raises:
            BadData: the file is not whole, or a line is too long to be one.
        """
        number = 0
        with self.file.open() as handle:
            while line := handle.readline(LINE_BYTES):
                number += 1
                if len(line) == LINE_BYTES:
                    raise BadData(_too_long(self.file.name, number))
                if not line.endswith(b"\n"):
                    raise BadData(
                        f"{self.file.name}: its last line, {number}, does not end, so the file may be cut short. Fetch it again; "
                        "if it is whole, end that line"
                    )
                if number > 1:
                    yield line
        if number < 2:
            raise BadData(f"{self.file.name} has no line below the one that names its columns")

    def rows(self) -> Iterator[dict[str, str]]:
        """The fields of each line that can be read, by column."""
        for _, _, fields in _read(self._head, 2, self.lines()):
            if isinstance(fields, dict):
                yield fields

    def pieces(self, context: Mapping[str, Any]) -> Iterator[Piece]:
        """The file cut between lines, with its first line above each piece, and in the context the number of the next.

        It is read through before the first: of a file that is not whole there is none.

        Raises:
            BadData: as `lines`.
        """
        for _ in self.lines():
            pass
        body, first = bytearray(), 2
        for number, line in enumerate(self.lines(), 2):
            if body and len(body) + len(line) > PIECE_BYTES:
                yield Piece(self._head + bytes(body), {**context, "first_line": first})
                body, first = bytearray(), number
            body += line
        yield Piece(self._head + bytes(body), {**context, "first_line": first})


def _too_long(name: str, number: int) -> str:
    return f"{name}: line {number} is longer than {LINE_BYTES >> 10} KiB: is it CSV?"


Line = tuple[int, str, dict[str, str] | BadData]
"""A line's number in the file, its text, and its fields by column, or why there are none."""


def read(capture: Capture) -> Iterator[Line]:
    """The lines of a piece.

    Raises:
        BadData: the piece is not whole.
    """
    head, *lines = capture.body.removeprefix(codecs.BOM_UTF8).split(b"\n")
    if not lines or lines.pop():
        raise BadData("The piece is cut short: its last line does not end")
    yield from _read(head, capture.context["first_line"], lines)


def _read(head: bytes, first: int, lines: Iterable[bytes]) -> Iterator[Line]:
    names, delimiter = columns(head.decode(errors="replace"))
    for number, line in enumerate(lines, first):
        text = line.decode(errors="replace").rstrip("\r\n")
        if not text.strip():
            continue
        try:
            fields = [field.strip() for field in _csv.fields(text, delimiter)]
            if len(fields) != len(names):
                raise BadData(f"{len(fields)} fields for {len(names)} columns")
        except BadData as error:
            yield number, text, error
        else:
            yield number, text, dict(zip(names, fields, strict=True))


def columns(head: str) -> tuple[list[str], str]:
    """The columns that a first line names, and what parts them.

    Raises:
        BadData: it is no line of CSV, or two columns have one name.
    """
    delimiter = max(",;\t", key=head.count)
    names = [name.strip() for name in _csv.fields(head.rstrip("\r\n"), delimiter)]
    if len(set(names)) < len(names):
        raise BadData(f"two columns have one name: {', '.join(names)}")
    return names, delimiter


def words(name: str) -> str:
    """A column's name as small words joined by _: `End Community Area Number` is end_community_area_number."""
    return "_".join("".join(c if c.isalnum() else " " for c in name.casefold()).split())
