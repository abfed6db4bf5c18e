"""Objects by key, in a folder or in S3, behind one Protocol."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from gans.errors import BadData, ConfigError, Transient

_PASSING = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "RequestLimitExceeded", "Throttling"})
"""Errors of S3 that pass by themselves, whatever status they come with.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""


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
        from botocore import exceptions

        try:
            yield
        except self.client.exceptions.NoSuchKey:
            raise
        except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
            raise Transient(f"s3://{self.bucket}/{key} was not reached: {error}. Try again.") from error
        except (exceptions.BotoCoreError, exceptions.ClientError) as error:
            answer = error.response if isinstance(error, exceptions.ClientError) else {}
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status >= 500 or answer.get("Error", {}).get("Code") in _PASSING:
                raise Transient(f"S3 did not take s3://{self.bucket}/{key} now: {error}. Try again.", status) from error
            raise ConfigError(
                f"Cannot use s3://{self.bucket}/{key}: {error}. Check GANS_LANDING, the credentials, and what they allow."
            ) from error


def open_store(where: str) -> Store:
    """The store that the setting `landing` names: `s3://bucket`, or a folder.

    Raises:
        ConfigError: a bucket without boto3, or with a path behind it.
    """
    if not where.startswith("s3://"):
        if "://" in where:
            raise ConfigError(
                f"GANS_LANDING={where.partition('://')[0]}://… is neither a folder nor a bucket, like s3://gans-landing"
            )
        return FolderStore(Path(where))
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise ConfigError(f"GANS_LANDING={where} needs boto3: pip install 'gans[local]'") from None
    bucket, _, path = where.removeprefix("s3://").partition("/")
    if path or not bucket:
        raise ConfigError(f"GANS_LANDING={where} must name a bucket alone, like s3://gans-landing")
    try:
        return S3Store(bucket, boto3.client("s3"))
    except BotoCoreError as error:
        raise ConfigError(f"GANS_LANDING={where} cannot be used: {error}. Check AWS_PROFILE and AWS_DEFAULT_REGION.") from None
