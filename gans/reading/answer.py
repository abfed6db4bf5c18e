"""The process in which people's SQL runs: one for each query, gone with it, behind walls of the system and of the database.

`gans.reading.ask` starts this module once, as a program without threads that has all it needs imported. For every query that
comes by its standard input, as a socket, it forks; the child answers on that socket, and is gone. Nothing is shared with
another query: no connection, no session, no memory that SQLite's limits hold for.
"""

import gc
import os
import resource
import signal
import socket
import sqlite3
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Final, Literal

import msgspec
import pymysql.cursors
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from gans.database.engine import open_reader
from gans.database.transactions import is_of_statement
from gans.errors import ConfigError, Refused
from gans.reading.statements import FUNCTIONS, Dialects, relations, validated
from gans.settings import Settings

GRACE_S: Final = 2
"""The database ends a query by itself; the system ends the process so much later."""

_MEMORY: Final = 1 << 30
"""Of the process, bytes of addresses, the program itself included (RLIMIT_AS; macOS does not keep to it)."""
_QUERY_MEMORY: Final = 256 << 20
"""Of a query, where the database can be told: in SQLite, and of a session of MariaDB."""
_TEMPORARY: Final = 1 << 30
"""Of a query's temporary tables on the disk of MariaDB; MySQL has no such limit."""
_PIECE: Final = 1 << 16


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much a query may take.

    Attributes:
        rows: the first so many are answered.
        bytes: of the answer; more than these are refused.
        seconds: of the clock, and of the processor.
    """

    rows: int
    bytes: int
    seconds: float


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the process.

    Attributes:
        url: of the database, with the password.
        authority: the file that verifies its certificate; "" for what the system knows.
    """

    url: str
    authority: str
    sql: str
    limits: Limits


class Started(msgspec.Struct, tag=True, frozen=True):
    """The first message: which process answers."""

    process: int


class Head(msgspec.Struct, tag=True, frozen=True):
    """The names of the columns."""

    columns: list[str]


class Rows(msgspec.Struct, tag=True, frozen=True):
    """Some rows; of values as `encoded` writes them."""

    rows: list[list[Any]]


class End(msgspec.Struct, tag=True, frozen=True):
    """The last message.

    Attributes:
        error: why there is no answer, for a person; "" where all came.
        kind: what it is of: the statement, the settings, or a database that is away.
        is_cut: whether there are more rows than were asked for.
    """

    error: str = ""
    kind: Literal["", "statement", "settings", "away"] = ""
    is_cut: bool = False


Message = Started | Head | Rows | End

_KINDS: Final = (Decimal, datetime, date, timedelta)  # a datetime is a date too: the first that fits


def encoded(value: Any) -> Any:
    """A value of the database as msgpack keeps it: of the kinds that it does not know, the kind and the text."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    number = next((number for number, kind in enumerate(_KINDS) if isinstance(value, kind)), None)
    if number is None:
        return str(value)
    text = str(value.total_seconds()) if isinstance(value, timedelta) else str(value)
    return msgspec.msgpack.Ext(number, text.encode())


def decoded(number: int, data: memoryview) -> Any:
    """The inverse of `encoded`."""
    kind, text = _KINDS[number], bytes(data).decode()
    if kind is timedelta:
        return timedelta(seconds=float(text))
    return Decimal(text) if kind is Decimal else (datetime if kind is datetime else date).fromisoformat(text)


def main() -> None:
    """Forks for each socket that comes, until nobody is there to send one."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the children
    for dialect in FUNCTIONS:
        validated("SELECT name FROM countries", dialect)  # what is imported and read now, no child has to
    gc.freeze()  # the memory that all children share stays shared
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as control:
        while True:
            message, sockets, *_ = socket.recv_fds(control, 1, 1)
            if not message:
                return
            if os.fork() == 0:
                control.close()
                _answer(socket.socket(fileno=sockets[0]))
            os.close(sockets[0])


def _answer(connection: socket.socket) -> None:
    """Answers one question, and ends the process, whatever happens."""

    def send(message: Message) -> None:
        data = msgspec.msgpack.encode(message)
        connection.sendall(len(data).to_bytes(4) + data)

    try:
        send(Started(os.getpid()))
        with connection.makefile("rb") as stream:
            question = msgspec.msgpack.decode(stream.read(), type=Question)
        _limit_process(question.limits.seconds)
        for message in _messages(question):
            send(message)
    except MemoryError:
        send(End(f"Refused: the query needs more memory than a query may have, {_QUERY_MEMORY >> 20} MB.", "statement"))
    except OSError:
        pass  # nobody waits for it any more
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _limit_process(seconds: float) -> None:
    """What the system keeps to, whatever the database does."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_S)
    most_s = round(seconds) + GRACE_S
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, most_s),
        (resource.RLIMIT_FSIZE, 64 << 20),  # SQLite's file of locks; no sort or dump fills a disk
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _messages(question: Question) -> Iterator[Message]:
    """The answer; an error of the statement or of the database as its end."""
    settings, limits = Settings(database_url=question.url, database_ca=question.authority), question.limits
    try:
        engine = open_reader(settings, limits.seconds)
        dialect: Dialects = "sqlite" if engine.dialect.name == "sqlite" else "mysql"
        yield from _read(engine, validated(question.sql, dialect), limits)
    except Refused as error:
        yield End(str(error), "statement")
    except ConfigError as error:
        yield End(str(error), "settings")
    except DBAPIError as error:
        yield End(_said(error, limits), "statement" if is_of_statement(error) else "away")


def _said(error: DBAPIError, limits: Limits) -> str:
    """What the database said, without the number that its driver puts in front; of its limit of time, in our words."""
    original = error.orig
    said = str(original.args[-1] if original is not None and original.args else original or error)
    return f"The query was ended: it takes longer than {limits.seconds:g} s." if "interrupted" in said else said


def _read(engine: Engine, sql: str, limits: Limits) -> Iterator[Message]:
    raw: Any = engine.connect().connection.driver_connection  # never closed: to close it is to read all that was not read
    if engine.dialect.name == "sqlite":
        _guard_sqlite(raw, limits)
        cursor = raw.cursor()
    else:
        _guard_mysql(raw, limits)
        cursor = raw.cursor(pymysql.cursors.SSCursor)
    try:
        cursor.execute(sql)
        yield Head([column[0] for column in cursor.description or ()])
        yield from _rows(cursor, limits)
    except (sqlite3.Error, pymysql.MySQLError) as error:
        raise DBAPIError(sql, None, error) from None


def _rows(cursor: Any, limits: Limits) -> Iterator[Message]:
    """The rows, in pieces of about `_PIECE` bytes."""
    rows, size, sent = list[list[Any]](), 0, 0
    for row in islice(cursor, limits.rows):
        rows.append([encoded(value) for value in row])
        size += _size(row)
        if sent + size > limits.bytes:
            raise Refused(
                f"Refused: the answer is larger than {limits.bytes >> 20} MB. Choose fewer columns, add a LIMIT, or aggregate."
            )
        if size > _PIECE:
            yield Rows(rows)
            rows, size, sent = [], 0, sent + size
    yield Rows(rows)
    yield End(is_cut=cursor.fetchone() is not None)


def _size(row: Sequence[Any]) -> int:
    return sum(len(value) if isinstance(value, (str, bytes)) else 8 for value in row)


# SQLite


def _guard_sqlite(connection: sqlite3.Connection, limits: Limits) -> None:
    """Only reading of our own tables and views, by functions that may be called, in bounded memory and without files."""
    for pragma in (f"hard_heap_limit={_QUERY_MEMORY}", "trusted_schema=OFF", "temp_store=MEMORY", "query_only=ON"):
        connection.execute(f"PRAGMA {pragma}")
    if sys.version_info >= (3, 12):  # before, Python has no name for it; the authorizer lets no statement through that it is for
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
    for what, most in (
        (sqlite3.SQLITE_LIMIT_LENGTH, limits.bytes),
        (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000),  # the views' texts are longer than a person's
        (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 50),
        (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
        (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
        (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
    ):
        connection.setlimit(what, most)
    ends_at = time.monotonic() + limits.seconds
    connection.set_progress_handler(lambda: time.monotonic() > ends_at, 10_000)
    connection.set_authorizer(_authorize)


def _authorize(action: int, first: str | None, second: str | None, database: str | None, _: str | None) -> int:
    """SQLite's question before each step of a statement (https://sqlite.org/c3ref/c_alter_table.html has the arguments)."""
    if action == sqlite3.SQLITE_READ:
        name = (first or "").lower()
        # Of a query of a WITH, it asks without a column and without a database, when none of its columns is needed.
        is_named_query = not second and database is None and not name.startswith(("sqlite", "pragma"))
        allowed = is_named_query or (database in ("main", None) and name in relations())
    elif action == sqlite3.SQLITE_FUNCTION:
        allowed = (second or "").lower() in FUNCTIONS["sqlite"]
    else:
        allowed = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


# MySQL and MariaDB


def _guard_mysql(connection: Any, limits: Limits) -> None:
    """A session that only reads, does not wait for long, and gives no more rows; `open_reader` has limited its time."""
    statements = ["SET SESSION TRANSACTION READ ONLY", f"SET SESSION sql_select_limit = {limits.rows + 1}, lock_wait_timeout = 5"]
    if "MariaDB" in connection.get_server_info():
        statements.append(f"SET SESSION max_session_mem_used = {_QUERY_MEMORY}, tmp_disk_table_size = {_TEMPORARY}")
    statements.append("START TRANSACTION READ ONLY")
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


if __name__ == "__main__":
    main()
