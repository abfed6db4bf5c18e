"""Files to the landing: each piece as a captured answer, a part of its own, so that neither step holds more than a piece."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from gans import __version__
from gans.clock import utc_now
from gans.errors import BadData, ConfigError
from gans.schedule import why_no_slot
from gans.source import Capture, File, ImportOptions, Piece, Reference, Source
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.store import Store

_GZIP: Final = b"\x1f\x8b"
MOST_PARTS: Final = 9_999
"""Of a run, as the landing numbers them."""


class Imported(msgspec.Struct, frozen=True):
    """A file that is landed.

    Attributes:
        parts: the keys of what was landed.
        notes: what was read out of it, in words.
    """

    file: str
    parts: list[str]
    notes: list[str]


def import_file(
    source: Source,
    path: Path,
    options: ImportOptions,
    *,
    store: Store,
    reference: Reference,
    clock: Callable[[], datetime] = utc_now,
    on_progress: Callable[[int, int], None] = lambda done, planned: None,
) -> Imported:
    """Lands a file, packed with gzip or not, for a source that takes files.

    Nothing is landed of one that is not whole, or not what the source takes.

    Args:
        on_progress: called with how many bytes are landed, and about how many there are.

    Raises:
        BadData: the file is not whole, or not what the source takes.
        ConfigError: the source misses an option, or does not take one; or the file cannot be read.
        NotKnown, NotReady: the area set that is named is not there.
    """
    assert source.files is not None
    _require(source, options)
    now = clock()
    size = _size(path)
    name = path.name.encode(errors="replace").decode()  # a folder may hold names that are no UTF-8
    written_at = min(datetime.fromtimestamp(path.stat().st_mtime, UTC), now)
    file = File(name, written_at, now, lambda: _opened(path))
    first, landed, parts = None, 0, list[str]()
    try:
        for part in land(source, name, f"file:{name}", source.files.pieces(file, options, reference), store, now):
            parts.append(part.key)
            first = first or part.piece
            landed += len(part.piece.body)
            on_progress(landed, max(size, landed))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadData(f"{name} is damaged, or not whole: {error}. Fetch it again.") from None
    return Imported(name, parts, list(source.files.notes(first.context)) if first else [])


class LandedPiece(msgspec.Struct, frozen=True):
    """A piece, and the key of the part that it was landed in."""

    key: str
    piece: Piece


def land(source: Source, unit: str, url: str, pieces: Iterable[Piece], store: Store, now: datetime) -> Iterator[LandedPiece]:
    """Lands pieces as one run of `source`, whose slot is `now`, as they come.

    Raises:
        BadData: there are more than a run has parts.
        ConfigError: the clock that `now` is of was never set.
    """
    if reason := why_no_slot(now, now):
        raise ConfigError(reason)
    for number, piece in enumerate(pieces, 1):
        if number > MOST_PARTS:
            raise BadData(f"{unit} has more than {MOST_PARTS:,} pieces: cut it into several files, and import them one by one")
        header = Header(source=source.name, slot=now, attempt=now, part=number, code_version=__version__)
        writer = PartWriter(header)
        writer.add(Capture(unit=unit, url=url, status=200, slot=now, fetched_at=now, context=piece.context, body=piece.body))
        key = str(PartKey.of(header))
        store.write(key, writer.close(Footer(finished_at=now, requests=0, bytes_received=len(piece.body), captures=1)))
        yield LandedPiece(key, piece)


def _require(source: Source, options: ImportOptions) -> None:
    """That the options are those which the source takes.

    Raises:
        ConfigError: one is missing, or is not for this source.
    """
    assert source.files is not None
    said = {name for name in options.__struct_fields__ if getattr(options, name) is not None}
    if missing := [OPTIONS[name] for name in source.files.needs if name not in said]:
        raise ConfigError(f"{source.name} needs {', '.join(missing)}: see `gans import --help`.")
    if others := sorted(OPTIONS[name] for name in said - {*source.files.needs, *source.files.takes}):
        raise ConfigError(f"{source.name} does not take {', '.join(others)}.")


OPTIONS: Final = {"areas": "--areas", "is_simulated": "--simulated", "complete_to": "--complete-to"}
"""What a field of `ImportOptions` is called on the command line."""


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file from its beginning, unpacked.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(len(_GZIP)) == _GZIP
            raw.seek(0)
            if not is_packed:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield unpacked  # type: ignore[misc]
    except gzip.BadGzipFile:
        raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None


def _size(path: Path) -> int:
    """How many bytes the file has, unpacked; of a packed one as its end says, which forgets whole 4 GiB (RFC 1952).

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        with path.open("rb") as raw:
            size = raw.seek(0, os.SEEK_END)
            raw.seek(0)
            if raw.read(len(_GZIP)) != _GZIP or size < 18:
                return size
            raw.seek(-4, os.SEEK_END)
            return int.from_bytes(raw.read(4), "little")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
