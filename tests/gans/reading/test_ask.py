"""People's SQL on every database: answered in a process of its own, refused where it does harm, ended where it takes too much."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import OperationalError

from gans.database.engine import open_reader
from gans.database.views import view_texts
from gans.errors import ConfigError, Refused
from gans.reading import answer as walls
from gans.reading import ask as asking
from gans.reading.answer import End, Head, Limits, Message, Rows, Started
from gans.reading.ask import Answer, ask
from gans.reading.queries import queries
from gans.settings import Settings
from tests.gans.reading.harm import attack, state

SMALL = Limits(rows=10, bytes=1 << 20, seconds=20)
SHORT = structs.replace(SMALL, seconds=0.5)


@pytest.fixture
def settings(engine: Engine, database_url: str) -> Settings:
    return Settings(database_url=database_url)


def test_a_query_with_percent_signs_colons_and_a_comment_is_answered(settings: Settings) -> None:
    sql = "-- in Africa;\nSELECT name FROM countries WHERE name LIKE 'Na%' AND ':x' = ':x' AND '%s' <> '' ORDER BY 1; -- and"
    assert ask(settings, sql, SMALL) == Answer(["name"], [("Namibia",), ("Nauru",)], False)


def test_values_come_as_the_database_has_them(settings: Settings, engine: Engine) -> None:
    sql = "SELECT NULL, 1, -2.5, 'ä😀', x'00ff', 9007199254740993, CURRENT_DATE, CAST('2026-01-02 03:04:05' AS DATETIME)"
    ((*plain, number, day, instant),) = ask(settings, sql, SMALL).rows
    assert (plain[:2], number) == ([None, 1], 9007199254740993)
    assert (plain[3], plain[4]) == ("ä😀", b"\x00\xff")
    if engine.dialect.name == "mysql":
        assert (plain[2], instant, type(day)) == (Decimal("-2.5"), datetime(2026, 1, 2, 3, 4, 5), date)  # noqa: DTZ001 - as it is there
    else:
        assert (plain[2], instant, len(day)) == (-2.5, 2026, 10)


def test_the_ten_queries_and_every_view_pass_all_walls(settings: Settings) -> None:
    for sql in (*(one.sql for one in queries()), *(f"SELECT * FROM {name}" for name in view_texts())):
        assert len(ask(settings, sql, SMALL).columns) > 1


def test_of_many_rows_so_many_come_as_are_wanted(settings: Settings) -> None:
    found = ask(settings, "SELECT a.name FROM countries a, countries b ORDER BY 1 LIMIT 11", SMALL)
    assert (len(found.rows), found.is_cut) == (10, True)
    found = ask(settings, "SELECT a.name FROM countries a LIMIT 10", SMALL)
    assert (len(found.rows), found.is_cut) == (10, False)


@pytest.mark.parametrize("sql", ["DELETE FROM countries", "SELECT nonsense FROM cities", "SELECT 1; SELECT 2", "SELEC 1"])
def test_what_is_refused_is_said_in_a_line(settings: Settings, sql: str) -> None:
    with pytest.raises(Refused, match=r"^[^\n]+$"):
        ask(settings, sql, SMALL)


HARM = {
    "sqlite": (
        "SELECT fts3_tokenizer('evil', x'4141414141414141')",
        "CREATE VIRTUAL TABLE temp.t USING fts3(a, tokenize=evil)",
        "CREATE TEMPORARY VIEW source_freshness AS SELECT 1",
        "CREATE TEMPORARY TABLE stations AS SELECT 1 AS a",
        "PRAGMA hard_heap_limit=1",
        "SELECT zeroblob(100000000)",
        "ATTACH ':memory:' AS other",
        "SELECT load_extension('x')",
        "SELECT * FROM sqlite_master",
        "UPDATE countries SET name = 'x'",
    ),
    "mysql": (
        "USE information_schema",
        "SET SESSION sql_mode = ''",
        "SET GLOBAL max_connections = 1",
        "SHUTDOWN",
        "LOCK TABLES countries WRITE",
        "SELECT GET_LOCK('gans', 1)",
        "SELECT SLEEP(9)",
        "START TRANSACTION",
        "SELECT name FROM countries FOR SHARE",
        "SELECT name FROM countries FOR UPDATE",
        "SELECT name FROM countries INTO OUTFILE '/tmp/gans'",
        "SELECT * FROM mysql.user",
        "CREATE TEMPORARY TABLE stations AS SELECT 1 AS a",
        "UPDATE countries SET name = 'x'",
        "KILL 1",
        "SELECT @a := 1",
    ),
}
"""What was done through this door before there were walls, in the words of each database."""


def test_the_first_wall_keeps_out_what_did_harm(settings: Settings, engine: Engine) -> None:
    for sql in HARM[engine.dialect.name]:
        with pytest.raises(Refused, match=r"Refused|no table"):
            ask(settings, sql, SMALL)


@pytest.fixture
def unvalidated(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the first wall were not there."""
    monkeypatch.setattr(walls, "validated", lambda sql, _: sql)


def in_a_child(settings: Settings, sql: str) -> str:
    """What the process says of a statement that was never validated, in a fork of this one: it stays behind its walls."""
    question = walls.Question(url=settings.database_url, authority="", sql=sql, limits=SMALL)
    out, into = os.pipe()
    if (child := os.fork()) == 0:
        with suppress(BaseException):
            *_, end = walls._messages(question)
            assert isinstance(end, walls.End)
            os.write(into, end.error.encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out, encoding="utf-8") as said:
        text = said.read()
    os.waitpid(child, 0)
    return text


@pytest.mark.usefixtures("unvalidated")
def test_behind_the_first_wall_there_is_a_second(settings: Settings, engine: Engine) -> None:
    is_sqlite = engine.dialect.name == "sqlite"
    for sql in HARM["sqlite"] if is_sqlite else [sql for sql in HARM["mysql"] if sql.startswith(("CREATE", "UPDATE"))]:
        said = in_a_child(settings, sql)
        words = (
            ("not authorized", "prohibited", "too big", "no such table: sqlite_master")
            if is_sqlite
            else ("READ ONLY", "read-only")
        )
        assert any(word in said for word in words), (sql, said)


ENDLESS = {
    "sqlite": (
        "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) FROM c",
        "SELECT COUNT(*) FROM countries a, countries b, countries c, countries d WHERE a.name || b.name = c.name || d.name",
    ),
    "mysql": (
        "SELECT COUNT(*) FROM countries a, countries b, countries c, countries d WHERE CONCAT(a.name, b.name, c.name) = d.name",
        "SELECT DISTINCT CONCAT(a.name, b.name, c.name) FROM countries a, countries b, countries c, countries d ORDER BY 1",
    ),
}  # fmt: skip
LARGE = {
    "sqlite": (
        f"SELECT {', '.join(['zeroblob(100000000)'] * 40)}",
        "SELECT group_concat(a.name || b.name) FROM countries a, countries b",
        "SELECT printf('%1000000s', a.name) FROM countries a",
        "WITH RECURSIVE c (n, t) AS (SELECT 1, printf('%900000d', 1) UNION ALL SELECT n + 1, substr(t || n, 9) FROM c) "
        "SELECT t FROM c ORDER BY t DESC",
    ),
    "mysql": (
        "SELECT REPEAT('x', 900000) FROM countries",
        "SELECT CONCAT(REPEAT('x', 9000000), 'y')",
        "SELECT REPEAT(REPEAT('x', 1000), 4000) FROM countries",
    ),
}


def test_what_has_no_end_is_ended_with_a_sentence_and_the_next_is_answered(settings: Settings, engine: Engine) -> None:
    for sql in ENDLESS[engine.dialect.name]:
        with pytest.raises(Refused, match=r"it takes longer than 0\.5 s"):
            ask(settings, sql, SHORT)
    assert ask(settings, "SELECT 1", SMALL).rows == [(1,)]


def test_what_is_too_large_is_refused_with_a_sentence(settings: Settings, engine: Engine) -> None:
    for sql in LARGE[engine.dialect.name]:
        with pytest.raises(Refused, match=r"larger than 1 MB|too big|function zeroblob|more memory|takes longer"):
            ask(settings, sql, SMALL)


@pytest.fixture
def deaf() -> Iterator[subprocess.Popen[bytes]]:
    """A process that no limit ends."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def frame(message: Message) -> bytes:
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(4) + data


@pytest.mark.parametrize(
    ("sends", "said"),
    [
        ([], "takes longer than 0 s"),
        ([Head(["a"]), *[Rows([["x" * 10_000]] * 10)] * 20], "its answer is larger than"),
        ([Rows([[1]] * 11), End()], "gave more than it was asked for"),
    ],
    ids=["too slow", "too large", "too many"],
)
def test_what_keeps_to_no_limit_is_killed_by_who_reads(
    deaf: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, sends: list[Message], said: str
) -> None:
    monkeypatch.setattr(asking, "GRACE_S", 0.1)
    ours, theirs = socket.socketpair()
    with theirs:
        writer = threading.Thread(target=lambda: send(theirs, Started(deaf.pid), *sends))
        writer.start()
        with pytest.raises(Refused, match=said):
            asking._read(ours, Limits(rows=10, bytes=1000, seconds=0))
        writer.join()
    assert deaf.wait(timeout=60) == -signal.SIGKILL


def send(connection: socket.socket, *messages: Message) -> None:
    with suppress(OSError):  # nobody reads on
        for message in messages:
            connection.sendall(frame(message))


@pytest.mark.databases("sqlite")
def test_the_next_query_is_answered_after_the_program_that_forks_has_died(settings: Settings) -> None:
    assert ask(settings, "SELECT 1", SMALL).rows == [(1,)]
    program = asking._forks._program
    assert program
    program.kill()
    program.wait()
    assert ask(settings, "SELECT 2", SMALL).rows == [(2,)]


@pytest.mark.databases("sqlite")
def test_more_queries_than_may_run_at_once_wait_and_are_told_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_turn", threading.BoundedSemaphore(1))
    with asking._turn, pytest.raises(Refused, match="try again in a moment"):
        ask(settings, "SELECT 1", structs.replace(SMALL, seconds=0.1))
    assert ask(settings, "SELECT 1", SMALL).rows == [(1,)]


@pytest.mark.databases("sqlite")
def test_where_it_is_asked_from_does_not_matter(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(settings, "SELECT 1", SMALL).rows == [(1,)]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"There is no database .*gans\.db"):
        ask(Settings(database_url="sqlite:///gans.db"), "SELECT 1", SMALL)


@pytest.mark.databases("mariadb", "mysql")
def test_a_database_that_is_away_is_no_fault_of_the_statement(database_url: str) -> None:
    url = make_url(database_url).set(port=1)
    with pytest.raises(OperationalError, match="Can't connect"):
        ask(Settings(database_url=url.render_as_string(hide_password=False)), "SELECT 1", SMALL)


def test_a_grammar_of_sql_leaves_everything_as_it_was(settings: Settings, engine: Engine) -> None:
    """In short; `make attack` asks 10,000."""
    page = open_reader(settings)
    before = state(engine, page)
    answered, refused = attack(settings, engine.dialect.name, 13, 100, structs.replace(SMALL, seconds=0.3))
    assert state(engine, page) == before
    assert min(answered, refused) > 10
    page.dispose()
