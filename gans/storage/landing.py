"""The raw store: what the upstreams said, as they said it, in a folder or in S3, behind one Protocol.

A landed part is gzipped NDJSON: a header, a line per capture, a footer with the counts. Its key is
`landing/<source>/<slot>/<attempt start>/<part>.ndjson.gz`, so that one attempt never overwrites another.
"""

import logging
import re
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from gans.errors import BadData
from gans.schedule import EARLIEST
from gans.source import Capture

VERSION = 1
MAX_PART_BYTES = 72 * 1024 * 1024
"""The most that a part may hold uncompressed, little enough for the memory of a small function.

`collect` never puts more into one: its bodies come to 4 MiB, or it holds a single one of at most 32 MiB, and a body takes at most
twice its size (`CaptureLine`).
"""

MAX_TEXT_BYTES = 4 * 1024 * 1024
"""The most that stands as text."""

_log = logging.getLogger(__name__)

_CONTROLS = bytes({*range(0x20)} - set(b"\t\n\r"))

_STAMP = "%Y%m%dT%H%M%S.%fZ"
_KEY = re.compile(r"landing/(?P<source>[a-z0-9_]+)/(?P<slot>[0-9TZ.]+)/(?P<attempt>[0-9TZ.]+)/(?P<part>[0-9]{4})\.ndjson\.gz")


class Header(msgspec.Struct, frozen=True, kw_only=True, tag="header", tag_field="line"):
    """The first line of a part."""

    source: str
    slot: datetime
    attempt: datetime
    part: int
    code_version: str
    version: int = VERSION


class PartKey(msgspec.Struct, frozen=True, order=True):
    """Where a part is landed; also the key of its line in the ledger."""

    source: str
    slot: datetime
    attempt: datetime
    part: int

    def __str__(self) -> str:
        return f"landing/{self.source}/{self.slot:{_STAMP}}/{self.attempt:{_STAMP}}/{self.part:04}.ndjson.gz"

    @classmethod
    def of(cls, header: Header) -> "PartKey":
        """The key of the part that begins with `header`."""
        return cls(header.source, header.slot, header.attempt, header.part)

    @classmethod
    def parse(cls, key: str) -> "PartKey":
        """The reverse of `str`.

        Raises:
            BadData: `key` is not the key of a landed part.
        """
        found = _KEY.fullmatch(key)
        try:
            if not found:
                raise ValueError
            slot, attempt = (datetime.strptime(found[name], _STAMP).replace(tzinfo=UTC) for name in ("slot", "attempt"))
            parsed = cls(found["source"], slot, attempt, int(found["part"]))
            if str(parsed) != key or parsed.part < 1 or parsed.slot < EARLIEST:
                raise ValueError
        except ValueError:
            raise BadData(f"{key!r} is not the key of a landed part") from None
        return parsed


def parts_among(keys: Iterable[str]) -> list[PartKey]:
    """The landed parts among `keys`, oldest slot first; a file that is none is named and left alone."""
    found = []
    for key in keys:
        try:
            found.append(PartKey.parse(key))
        except BadData as error:
            _log.warning("%s; it is left alone", error)
    return sorted(found, key=lambda part: (part.slot, part))


class CaptureLine(msgspec.Struct, frozen=True, kw_only=True, tag="capture", tag_field="line", omit_defaults=True):
    """A capture in a part.

    The body stands as text; as base64 where it is not UTF-8, or holds control characters, of which JSON makes six for one, or is
    large: as text, one character beyond the Basic Multilingual Plane would make four bytes of each.
    """

    unit: str
    url: str
    status: int
    fetched_at: datetime
    headers: dict[str, str] = {}
    context: dict[str, object] = {}
    text: str = ""
    base64: bytes = b""
    error: str = ""


class Footer(msgspec.Struct, frozen=True, kw_only=True, tag="footer", tag_field="line"):
    """The last line of a part.

    Attributes:
        requests: how many requests were made, tries again included.
        bytes_received: the size of the bodies.
        captures: how many lines stand between header and footer.
        is_cut_short: the run was stopped (Ctrl-C, a crash in the code) before every unit was asked.
        note: why there was nothing to ask, for a run without captures.
    """

    finished_at: datetime
    requests: int
    bytes_received: int
    captures: int
    is_cut_short: bool = False
    note: str = ""


class Part(msgspec.Struct, frozen=True):
    """A part, read back."""

    header: Header
    captures: list[Capture]
    footer: Footer


class PartWriter:
    """Builds a part in memory, compressed as it grows."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.captures = self.body_bytes = 0
        self._packer = zlib.compressobj(6, zlib.DEFLATED, wbits=31)
        self._chunks: list[bytes] = []
        self._line(header)

    def _line(self, line: Header | CaptureLine) -> None:
        self._chunks.append(self._packer.compress(_encoded(line)))

    def add(self, capture: Capture) -> None:
        """Appends a capture."""
        text, base64 = _body(capture.body)
        self._line(
            CaptureLine(
                unit=capture.unit,
                url=capture.url,
                status=capture.status,
                fetched_at=capture.fetched_at,
                headers=dict(capture.headers),
                context=dict(capture.context),
                text=text,
                base64=base64,
                error=capture.error,
            )
        )
        self.captures += 1
        self.body_bytes += len(capture.body)

    def close(self, footer: Footer) -> bytes:
        """The whole part, ready to be written; may be asked for again, where writing failed."""
        packer = self._packer.copy()
        return b"".join([*self._chunks, packer.compress(_encoded(footer)), packer.flush()])


def _body(body: bytes) -> tuple[str, bytes]:
    """The body as text, or else as bytes."""
    if len(body) > MAX_TEXT_BYTES:
        return "", body
    try:
        return ("", body) if len(body.translate(None, _CONTROLS)) < len(body) else (body.decode(), b"")
    except UnicodeDecodeError:
        return "", body


def _encoded(line: Header | CaptureLine | Footer) -> bytes:
    return msgspec.json.encode(line) + b"\n"


_decode_header = msgspec.json.Decoder(Header).decode
_decode_lines = msgspec.json.Decoder(CaptureLine | Footer).decode_lines


def read_part(data: bytes) -> Part:
    """A part from its bytes.

    Raises:
        BadData: not gzip, too large, cut short, not ours, or of a version that this code does not know.
    """
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(data, MAX_PART_BYTES)
        if unpacker.unconsumed_tail:
            raise BadData(f"The part holds more than {MAX_PART_BYTES >> 20} MiB uncompressed")
        if not unpacker.eof:
            raise BadData("The part is cut short: its gzip stream does not end")
    except zlib.error as error:
        raise BadData(f"The part is not gzip: {error}") from None
    view, end = memoryview(text), text.find(b"\n") + 1
    try:
        header = _decode_header(view[:end])
        if header.version > VERSION:  # before the other lines, which that version may write in another way
            raise BadData(f"The part is of version {header.version}; this code reads up to {VERSION}: update Gans, then replay")
        lines = _decode_lines(view[end:])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadData(f"A line of the part is not one of ours: {error}") from None
    if not lines or not isinstance(footer := lines.pop(), Footer):
        raise BadData("The part does not end with a footer")
    captures = [line for line in lines if isinstance(line, CaptureLine)]
    if (others := len(lines) - len(captures)) or footer.captures != len(captures):
        raise BadData(f"The part holds {len(captures)} captures and {others} other lines, its footer says {footer.captures}")
    return Part(
        header,
        [
            Capture(
                unit=line.unit,
                url=line.url,
                status=line.status,
                slot=header.slot,
                fetched_at=line.fetched_at,
                headers=line.headers,
                context=line.context,
                body=line.base64 or line.text.encode(),
                error=line.error,
            )
            for line in captures
        ],
        footer,
    )
