"""Whatever is configured wrongly, full or forbidden: one message with what to do, and its exit code."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from gans.database import revisions
from local.simulator import Simulator
from tests.survival.conftest import Gans, Output, content


def assert_one_message(output: Output, code: int, *parts: str) -> None:
    """The command ended with `code` and one message of a few lines that says all of `parts`."""
    assert output.code == code, output
    assert 1 <= len(output.err.splitlines()) <= 3, output.err
    for part in parts:
        assert part in output.err


def test_an_unknown_title_costs_its_city_and_is_named(gans: Gans, simulator: Simulator) -> None:
    assert gans("watch", "add", "en", "Atlantis [Lost]").code == 0
    output = gans("collect", "cities")
    assert_one_message(
        output, 1, 'City 4: no article of en is called "Atlantis [Lost]"', "The simulator knows its own cities only"
    )
    assert "remove" not in output.err, "the real Wikipedia may know it"
    assert "partial" in output.out
    assert "3 city_populations" in output.out
    assert gans("watch", "remove", "4").code == 0
    assert gans("collect", "cities") == (0, gans("collect", "cities").out, "")


def test_an_id_given_twice(gans: Gans, simulator: Simulator) -> None:
    watchlist = gans.folder / "watchlist.toml"
    watchlist.write_text(watchlist.read_text().replace("city_id = 2", "city_id = 1"))
    for command in (("collect",), ("watch", "list"), ("watch", "add", "en", "Oslo")):
        assert_one_message(gans(*command), 2, "gives city_id 1 to 'Berlin' and to 'München'", "a number of its own")
    assert simulator.requests == []


@pytest.mark.parametrize(
    ("url", "code", "parts"),
    [
        ("nonsense", 2, ["GANS_DATABASE_URL=nonsense", "Give sqlite:///"]),
        ("postgresql://u:hunter2@h/gans", 2, ["is not a database that Gans runs on", "Give sqlite:///"]),
        ("mysql+pymysql://u:hunter2@127.0.0.1:port/gans", 2, ["GANS_DATABASE_URL", "Give sqlite:///"]),
        ("mysql+pymysql://u:hunter2@127.0.0.1:1", 2, ["GANS_DATABASE_URL", "names no database"]),
        ("mysql+pymysql://u:P@hunter2@127.0.0.1:1/gans", 2, ["GANS_DATABASE_URL", "write %40 for it"]),
        ("mysql+pymysql://u:a/b@hunter2#c@127.0.0.1:1/gans", 2, ["GANS_DATABASE_URL", "write %40 for it"]),
        ("mysql+pymysql://u:hunter2", 2, ["GANS_DATABASE_URL", "Give sqlite:///"]),
        ("mysql+pymysql://u:hunter2@127.0.0.1:99999/gans", 2, ["GANS_DATABASE_URL", "no host and port that can be"]),
        (f"mysql+pymysql://u:hunter2@{'x' * 64}.test/gans", 2, ["GANS_DATABASE_URL", "no host and port that can be"]),
        ("mysql+pymysql://u:hunter2@a b/gans", 2, ["GANS_DATABASE_URL", "no host and port that can be"]),
        ("mysql+pymysql://u:hunter2€@127.0.0.1:1/gans", 3, ["Can't connect", "Check GANS_DATABASE_URL"]),
        *((url, 2, ["GANS_DATABASE_URL", "names no file"]) for url in ("sqlite://", "sqlite:///", "sqlite:///:memory:")),
        ("sqlite:///x.db?timeout=5", 2, ["GANS_DATABASE_URL", "a file alone"]),
        ("sqlite+pysqlcipher://:hunter2@/x.db", 2, ["GANS_DATABASE_URL"]),
        ("sqlite+aiosqlite:///x.db", 2, ["GANS_DATABASE_URL"]),
        ("sqlite://u:hunter2@host/x.db", 2, ["GANS_DATABASE_URL", "a file alone"]),
        ("mysql+pymysql://u:hunter2@127.0.0.1:1/gans", 3, ["Can't connect", "Check GANS_DATABASE_URL"]),
        ("mysql+pymysql://u:hunter2@nowhere.invalid/gans", 3, ["nowhere.invalid", "Check GANS_DATABASE_URL"]),
        ("sqlite:///file/gans.db", 2, ["file", "GANS_DATABASE_URL"]),
        ("sqlite:////proc/no/gans.db", 2, ["/proc/no", "GANS_DATABASE_URL"]),
        ("sqlite:///folder", 3, ["unable to open database file", "Check GANS_DATABASE_URL"]),
        ("sqlite:///text", 3, ["not a database", "Check GANS_DATABASE_URL"]),
    ],
)
@pytest.mark.usefixtures("simulator")
def test_a_wrong_database_url(gans: Gans, url: str, code: int, parts: list[str]) -> None:
    for name in ("file", "text"):
        (gans.folder / name).write_text("This is a text and neither a folder nor a database. " * 30)
    (gans.folder / "folder").mkdir()
    gans.set(GANS_DATABASE_URL=url)
    for command in ("collect", "status", "load"):
        output = gans(command)
        assert_one_message(output, code, *parts)
        assert "hunter2" not in output.out + output.err
    assert "hunter2" not in gans("doctor").out


@pytest.mark.parametrize(
    ("option", "advice"),
    [
        *(
            (option, "GANS_DATABASE_CA")
            for option in ("ssl-mode=REQUIRED", "ssl_mode=REQUIRED", "sslmode=require", "useSSL=true")
        ),
        *((option, "GANS_DATABASE_CA") for option in ("ssl_ca=/ca.pem", "tls=1", "ssl_disabled=1")),
        *((option, "only unix_socket") for option in ("charset=latin1", "connect_timeout=9", "local_infile=1", "x=1")),
        *((option, "in front of the ?") for option in ("password=hunter2", "user=u", "host=h")),
    ],
)
@pytest.mark.usefixtures("simulator")
def test_an_option_that_gans_does_not_take_is_named(gans: Gans, option: str, advice: str) -> None:
    gans.set(GANS_DATABASE_URL=f"mysql+pymysql://u:hunter2@127.0.0.1:1/gans?{option}")
    for command in (("collect",), ("db", "upgrade"), ("db", "shell", "SELECT 1")):
        assert_one_message(gans(*command), 2, "GANS_DATABASE_URL", f"the option {option.partition('=')[0]}, which", advice)
    doctor = gans("doctor")
    assert (doctor.code, "hunter2" in doctor.out + doctor.err) == (2, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GANS_DATABASE_CA", "absent.pem"),
        ("GANS_DATABASE_CA", "watchlist.toml"),
        ("GANS_DATABASE_CA", "."),
        ("GANS_LANDING", "gs://u:hunter2@bucket"),
        ("GANS_LANDING", "s3://Not A Bucket"),
        ("GANS_LANDING", "x" * 300),
        ("GANS_WATCHLIST", "x" * 300),
        ("GANS_EVERY_MINUTES", "soon"),
        ("GANS_CONTACT", "ä"),
        ("GANS_SIMULATOR_URL", "http://127.0.0.1:port"),
        ("GANS_DATABASE_SECRET", "gans/absent"),
        ("AWS_PROFILE", "absent"),
    ],
)
def test_junk_in_any_setting_is_a_message(gans: Gans, simulator: Simulator, name: str, value: str) -> None:
    if name in ("GANS_DATABASE_CA", "GANS_DATABASE_SECRET"):
        gans.set(GANS_DATABASE_URL="mysql+pymysql://u:hunter2@nowhere.invalid/gans")
    if name.startswith("AWS"):
        gans.set(GANS_LANDING="s3://gans-landing")
    for variable in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        gans.monkeypatch.delenv(variable, raising=False)
    gans.set(**{name: value, "AWS_EC2_METADATA_DISABLED": "true"})
    output = gans("collect", "cities")
    assert (output.code, 1 <= len(output.err.splitlines()) <= 3) == (2, True), output
    assert "hunter2" not in output.out + output.err
    if name.startswith("GANS") and "SECRET" not in name and not value.startswith("xxx"):
        assert name in output.err, output
    assert "hunter2" not in str(gans("doctor"))
    assert not simulator.requests


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-mark"])
def test_env_may_be_in_any_encoding_that_tells_itself(gans: Gans, encoding: str) -> None:
    text = "GANS_DATABASE_URL=sqlite:///ä.db\r\n"
    data = b"\xfe\xff" + text.encode("utf-16-be") if encoding == "utf-16-be-mark" else text.encode(encoding)
    (gans.folder / ".env").write_bytes(data)
    assert gans("db", "url").out == "sqlite:///ä.db\n"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-16-be"])
def test_env_in_another_encoding_is_said(gans: Gans, encoding: str) -> None:
    (gans.folder / ".env").write_bytes("# nothing\nGANS_DATABASE_URL=sqlite:///ä.db\n".encode(encoding))
    for command in (("db", "url"), ("doctor",), ("status",)):
        assert_one_message(gans(*command), 2, ".env is not in UTF-8", "Save it as UTF-8")


@pytest.mark.parametrize("wrong", ["GANS CONTACT=ops@example.org", "=x", 'GANS_CONTACT="hunter2'])
def test_a_line_of_env_that_sets_nothing_is_named(gans: Gans, wrong: str) -> None:
    (gans.folder / ".env").write_text(f"# a comment\nGANS_LANDING=data\n\n{wrong}\n")
    for command in (("db", "url"), ("doctor",), ("status",)):
        output = gans(*command)
        assert_one_message(output, 2, "Line 4 of .env", "NAME=value")
        assert "hunter2" not in output.out + output.err


@pytest.mark.databases("mariadb", "mysql")  # SQLite has no passwords
@pytest.mark.usefixtures("simulator")
def test_a_wrong_password(gans: Gans, database_url: str) -> None:
    url = make_url(database_url).set(username="gans_nobody", password="hunter2")
    gans.set(GANS_DATABASE_URL=url.render_as_string(hide_password=False))
    output = gans("collect")
    assert_one_message(output, 3, "Access denied for user 'gans_nobody'", "Check GANS_DATABASE_URL")
    assert "hunter2" not in output.out + output.err


@pytest.mark.parametrize(
    ("revision", "parts"),
    [("0001", ["The database is at revision 0001", "`gans db upgrade`"]), ("9999", ["it is newer", "Update Gans"])],
)
def test_a_schema_too_old_or_too_new(
    gans: Gans, engine: Engine, database_url: str, simulator: Simulator, revision: str, parts: list[str]
) -> None:
    if revisions.head() == revision:
        pytest.skip("there is no older revision yet")
    gans.set(GANS_DATABASE_URL=database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    try:
        for command in ("collect", "load", "status"):
            assert_one_message(gans(command), 2, *parts)
        assert not simulator.requests
    finally:
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revisions.head()})


@pytest.mark.usefixtures("simulator")
def test_a_database_of_somebody_else_is_left_alone(gans: Gans) -> None:
    with create_engine("sqlite:///theirs.db").begin() as connection:
        connection.execute(text("CREATE TABLE accounts (id INTEGER)"))
    gans.set(GANS_DATABASE_URL="sqlite:///theirs.db")
    assert_one_message(gans("collect"), 2, "holds tables already", "Set GANS_DATABASE_URL to a database that is empty")


@pytest.mark.parametrize("landing", ["file/below", "/proc/no"])
def test_a_landing_that_cannot_be_written(gans: Gans, simulator: Simulator, landing: str) -> None:
    (gans.folder / "file").touch()
    gans.set(GANS_LANDING=landing)
    assert_one_message(gans("collect"), 2, "Cannot write", landing, "GANS_LANDING", "Set up the new database")
    assert gans("doctor").code == 2


@pytest.mark.parametrize("watchlist", ["file/watchlist.toml", "folder", "/proc/no/watchlist.toml"])
def test_a_watchlist_that_cannot_be_used(gans: Gans, watchlist: str) -> None:
    (gans.folder / "file").touch()
    (gans.folder / "folder").mkdir()
    gans.set(GANS_WATCHLIST=watchlist)
    assert_one_message(gans("watch", "add", "en", "Oslo"), 2, watchlist)
    gans("db", "upgrade")
    assert_one_message(gans("collect"), 2, watchlist)


def test_nobody_answers(gans: Gans, simulator: Simulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    gans.set(GANS_SIMULATOR_URL=f"http://127.0.0.1:{free}")
    gans.monkeypatch.setattr("gans.collect.http.BACKOFF_S", 0.0)
    output = gans("collect", "cities")
    assert output.code == 1
    assert "failed" in output.out
    assert "no connection (ConnectionRefusedError)" in output.out
    gans.set(GANS_SIMULATOR_URL=simulator.url)
    assert gans("collect").code == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = os.geteuid() == 0 and shutil.which("mount")
    made = made and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode == 0
    if not made:
        pytest.skip("making a small disk needs root; tests/gans/storage/test_landing.py has the error without the disk")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_loses_nothing_that_was_landed(gans: Gans, simulator: Simulator, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    gans.set(GANS_LANDING=str(small_disk / "data"))
    assert gans("db", "upgrade").code == 0
    _fill(ballast)
    assert_one_message(gans("collect"), 2, "Cannot write", "No space left on device", "Free some space")
    ballast.unlink()
    assert gans("collect").code == 0
    assert "Nothing waits" in gans("load").out


def test_a_full_disk_of_the_database_leaves_the_landing_to_be_loaded(gans: Gans, simulator: Simulator, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    gans.set(GANS_DATABASE_URL=f"sqlite:///{small_disk}/gans.db")
    assert gans("db", "upgrade").code == 0
    _fill(ballast)
    assert_one_message(gans("collect", "cities"), 3, "The database: ", "What was landed is kept: `gans load` stores it later")
    ballast.unlink()
    output = gans("load")
    assert output.code == 0
    assert "Loaded 1 parts" in output.out
    engine = create_engine(f"sqlite:///{small_disk}/gans.db")
    assert len(content(engine)["city_populations"]) == len(simulator.world.cities)
    engine.dispose()


def _fill(ballast: Path) -> None:
    """Takes all the space that is left."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
