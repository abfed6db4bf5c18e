"""A folder and a bucket keep objects alike: whole or not at all."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from gans.errors import BadData, ConfigError, Transient
from gans.storage.store import FolderStore, S3Store, Store, open_store


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "data")) if request.param == "folder" else request.getfixturevalue("bucket")


def test_what_is_written_is_read(store: Store) -> None:
    assert store.read("landing/a") is None
    store.write("landing/a", b"\x00\xff")
    store.write("landing/a", b"newer")
    store.write("landing/empty", b"")
    assert store.read("landing/a") == b"newer"
    assert store.read("landing/empty") == b""
    assert store.read("landing") is None
    assert store.read("landing/a/b") is None


def test_keys_are_listed_in_order_by_any_prefix(store: Store) -> None:
    assert list(store.keys("")) == list(store.keys("landing/")) == []
    keys = ["landing/a/2", "landing/a/10", "landing/a_b/1", "landing/b/1", "reference/a.json", "landing/a/1"]
    for key in keys:
        store.write(key, b"x")
    assert list(store.keys("")) == sorted(keys)
    assert list(store.keys("landing/a")) == ["landing/a/1", "landing/a/10", "landing/a/2", "landing/a_b/1"]
    assert list(store.keys("landing/a/")) == ["landing/a/1", "landing/a/10", "landing/a/2"]
    assert list(store.keys("landing/a/1")) == ["landing/a/1", "landing/a/10"]
    assert list(store.keys("landing/c/")) == []


def test_more_keys_than_a_bucket_lists_at_once(bucket: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    for number in range(8):
        bucket.write(f"landing/{number}", b"")
    assert len(bucket.client.list_objects_v2(Bucket="gans-landing")["Contents"]) == 3
    assert list(bucket.keys("landing/")) == [f"landing/{number}" for number in range(8)]


@pytest.mark.parametrize("key", ["../outside", "landing/../../outside", "/etc/passwd", "landing/./../../x"])
def test_a_key_never_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    store = FolderStore(tmp_path / "data")
    for ask in (lambda: store.read(key), lambda: store.write(key, b""), lambda: list(store.keys(f"{key}/"))):
        with pytest.raises(BadData, match="leads out of"):
            ask()
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("died_in", ["write", "fsync", "replace"])
def test_a_crash_while_writing_leaves_the_old_object_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, died_in: str
) -> None:
    store = FolderStore(tmp_path)
    store.write("landing/a", b"old")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    if died_in == "write":
        monkeypatch.setattr(tempfile._TemporaryFileWrapper, "write", die, raising=False)
    else:
        monkeypatch.setattr(os if died_in == "fsync" else Path, died_in, die)
    for key in ("landing/a", "landing/b"):
        with pytest.raises(KeyboardInterrupt):
            store.write(key, b"new" * 10_000)
    assert store.read("landing/a") == b"old"
    assert list(store.keys("")) == ["landing/a"]
    assert [path.name for path in (tmp_path / "landing").iterdir()] == ["a"], "nothing half-written is left behind"


def test_a_process_killed_while_writing_leaves_nothing_that_can_be_read(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    program = "import os, sys, pathlib; pathlib.Path.replace = lambda *_: os._exit(9)\n"
    program += "from gans.storage.store import FolderStore; FolderStore(pathlib.Path(sys.argv[1])).write('landing/a', b'half')"
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == 9
    assert list((tmp_path / "landing").iterdir()), "it died with something on the disk"
    assert store.read("landing/a") is None
    assert list(store.keys("")) == []


def test_a_full_disk_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"Cannot write .*landing/a: No space left on device\. Free some space"):
        FolderStore(tmp_path).write("landing/a", b"x")
    assert list((tmp_path / "landing").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands where the folder should")
    with pytest.raises(ConfigError, match=r"Cannot write .*data/landing/a: .*GANS_LANDING"):
        FolderStore(tmp_path / "data").write("landing/a", b"x")


def test_an_object_that_cannot_be_read_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(ConfigError, match=r"Cannot read .*landing/a: Permission denied"):
        FolderStore(tmp_path).read("landing/a")


def test_a_bucket_that_cannot_be_used_is_said_plainly(bucket: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = S3Store("gans-typo", bucket.client)
    for ask in (lambda: missing.read("a"), lambda: missing.write("a", b""), lambda: list(missing.keys(""))):
        with pytest.raises(ConfigError, match=r"Cannot use s3://gans-typo/a?: .*NoSuchBucket.*Check GANS_LANDING"):
            ask()

    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://s3.test")

    monkeypatch.setattr(bucket.client, "put_object", unreachable)
    with pytest.raises(Transient, match=r"s3://gans-landing/a was not reached: Could not connect.*Try again"):
        bucket.write("a", b"")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("SlowDown", 503, Transient),
        ("InternalError", 500, Transient),
        ("RequestTimeout", 400, Transient),
        ("AccessDenied", 403, ConfigError),
        ("NoSuchBucket", 404, ConfigError),
        ("InvalidAccessKeyId", 403, ConfigError),
    ],
)
def test_what_passes_by_itself_is_no_matter_of_credentials(
    bucket: S3Store, monkeypatch: pytest.MonkeyPatch, code: str, status: int, kind: type[Exception]
) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")

    monkeypatch.setattr(bucket.client, "put_object", refuse)
    with pytest.raises(kind, match=code):
        bucket.write("a", b"")


def test_a_landing_is_a_folder_or_a_bucket(tmp_path: Path) -> None:
    assert open_store(str(tmp_path)).root == tmp_path
    for wrong in ("s3://", "s3://bucket/with/path"):
        with pytest.raises(ConfigError, match="must name a bucket alone"):
            open_store(wrong)
