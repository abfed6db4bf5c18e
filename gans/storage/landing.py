"""The raw store: what the upstreams said, as they said it, in a folder or in S3, behind one Protocol.

A landed part is gzipped NDJSON: a header, a line per capture, a footer with the counts. Its key is
`landing/<source>/<slot>/<attempt start>/<part>.ndjson.gz`, so that one attempt never overwrites another.
"""

import os
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from gans.errors import BadData, ConfigError
from gans.source import Capture

VERSION = 1
MAX_PART_BYTES = 72 * 1024 * 1024
"""The most that a part may hold uncompressed, little enough for the memory of a small function.

`collect` never puts more into one: its bodies come to 4 MiB, or it holds a single one of at most 32 MiB, and a body takes at most
twice its size (`CaptureLine`).
"""

_CONTROLS = bytes({*range(0x20)} - set(b"\t\n\r"))

_STAMP = "%Y%m%dT%H%M%S.%fZ"
_KEY = re.compile(r"landing/(?P<source>[a-z0-9_]+)/(?P<slot>[0-9TZ.]+)/(?P<attempt>[0-9TZ.]+)/(?P<part>[0-9]{4})\.ndjson\.gz")


class Store(Protocol):
    """Objects by key, with `/` between the segments; each is written whole or not at all."""

    def read(self, key: str) -> bytes | None:
        """The object, or None where there is none."""
        ...

    def write(self, key: str, data: bytes) -> None:
        """Keeps `data` under `key`, in place of what was there."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that begins with `prefix`, in order."""
        ...


class FolderStore:
    """A folder on this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def _path(self, key: str) -> Path:
        path = (self.root / key).resolve()
        if not path.is_relative_to(self.root):
            raise BadData(f"The key {key!r} leads out of {self.root}")
        return path

    def read(self, key: str) -> bytes | None:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise ConfigError(f"Cannot read {self.root / key}: {error.strerror}. Mend that, or set GANS_LANDING.") from error

    def write(self, key: str, data: bytes) -> None:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Beside its place and then renamed, so that a reader or a crash never meets half an object.
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
                try:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).replace(path)
                except BaseException:
                    Path(file.name).unlink()
                    raise
        except OSError as error:
            raise ConfigError(
                f"Cannot write {path}: {error.strerror}. Free some space, or set GANS_LANDING to another folder."
            ) from error

    def drop(self, key: str) -> None:
        """Deletes the object; in a bucket its lifecycle does that."""
        self._path(key).unlink(missing_ok=True)

    def keys(self, prefix: str) -> Iterator[str]:
        above, _, name = prefix.rpartition("/")
        folder = self._path(above)
        tops = [top for top in folder.iterdir() if top.name.startswith(name)] if folder.is_dir() else []
        for path in sorted((path for top in tops for path in (top, *top.rglob("*"))), key=str):
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self.root).as_posix()


class S3Store:
    """A bucket."""

    def __init__(self, bucket: str, client: Any) -> None:
        self.bucket, self.client = bucket, client

    def read(self, key: str) -> bytes | None:
        try:
            with self._asking(key):
                data: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
                return data
        except self.client.exceptions.NoSuchKey:
            return None

    def write(self, key: str, data: bytes) -> None:
        with self._asking(key):
            self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def replace(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Keeps `new` under `key` where `old` still is there (None: nothing), whoever else writes at the same time.

        Returns:
            Whether it does; False where another had written there, and that stays.
        """
        from botocore.exceptions import ClientError

        with self._asking(key):
            condition = {"IfNoneMatch": "*"}
            if old is not None:
                found = self.client.get_object(Bucket=self.bucket, Key=key)
                if found["Body"].read() != old:
                    return False
                condition = {"IfMatch": found["ETag"]}
            try:
                self.client.put_object(Bucket=self.bucket, Key=key, Body=new, **condition)
            except ClientError as error:
                # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
                if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
                    return False
                raise
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        with self._asking(prefix):
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                for item in page.get("Contents", ()):
                    yield item["Key"]

    @contextmanager
    def _asking(self, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except self.client.exceptions.NoSuchKey:
            raise
        except (BotoCoreError, ClientError) as error:
            raise ConfigError(
                f"Cannot use s3://{self.bucket}/{key}: {error}. Check GANS_LANDING, the credentials, and what they allow."
            ) from error


def open_store(where: str) -> Store:
    """The store that the setting `landing` names: `s3://bucket`, or a folder.

    Raises:
        ConfigError: a bucket without boto3, or with a path behind it.
    """
    if not where.startswith("s3://"):
        return FolderStore(Path(where))
    try:
        import boto3
    except ImportError:
        raise ConfigError(f"GANS_LANDING={where} needs boto3: pip install 'gans[local]'") from None
    bucket, _, path = where.removeprefix("s3://").partition("/")
    if path or not bucket:
        raise ConfigError(f"GANS_LANDING={where} must name a bucket alone, like s3://gans-landing")
    return S3Store(bucket, boto3.client("s3"))


class Header(msgspec.Struct, frozen=True, tag="header", tag_field="line"):
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
            if str(parsed) != key or parsed.part < 1:
                raise ValueError
        except ValueError:
            raise BadData(f"{key!r} is not the key of a landed part") from None
        return parsed


class CaptureLine(msgspec.Struct, frozen=True, tag="capture", tag_field="line", omit_defaults=True):
    """A capture in a part.

    The body stands as text; as base64 where it is not UTF-8, or holds control characters, of which JSON makes six for one.
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


class Footer(msgspec.Struct, frozen=True, tag="footer", tag_field="line"):
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
                capture.unit,
                capture.url,
                capture.status,
                capture.fetched_at,
                dict(capture.headers),
                dict(capture.context),
                text,
                base64,
                capture.error,
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
                line.unit,
                line.url,
                line.status,
                header.slot,
                line.fetched_at,
                line.headers,
                line.context,
                line.base64 or line.text.encode(),
                line.error,
            )
            for line in captures
        ],
        footer,
    )
