"""Asks what a person wrote in SQL: in a process of its own, which is kept to its limits from here."""

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy.exc import OperationalError

from gans.database.engine import database_url
from gans.errors import ConfigError, Refused
from gans.reading.answer import GRACE_S, End, Head, Limits, Message, Question, Rows, Started, decoded
from gans.secrets import read_login
from gans.settings import Settings

AT_ONCE: Final = 4
"""Queries that run at the same time; the next ones wait."""

_decoder = msgspec.msgpack.Decoder(Message, ext_hook=decoded)
_turn = threading.BoundedSemaphore(AT_ONCE)


class Answer(msgspec.Struct, frozen=True):
    """What a query answers.

    Attributes:
        is_cut: whether there are more rows than the limits give.
    """

    columns: list[str]
    rows: Sequence[tuple[Any, ...]]
    is_cut: bool = False


def ask(settings: Settings, sql: str, limits: Limits) -> Answer:
    """The answer to one statement, of the user for people's SQL where the settings name one.

    Raises:
        Refused: the statement may not run, the database refuses it, or it takes more than it may.
        ConfigError: a setting is wrong.
        OperationalError: the database is away.
    """
    authority = settings.database_ca and str(Path(settings.database_ca).absolute())
    question = Question(url=_url(settings), authority=authority, sql=sql, limits=limits)
    if not _turn.acquire(timeout=limits.seconds):
        raise Refused(f"{AT_ONCE} queries of others are running: try again in a moment.")
    try:
        return _read(_send(msgspec.msgpack.encode(question)), limits)
    finally:
        _turn.release()


def _url(settings: Settings) -> str:
    """Where to log in, and as whom, for a process that was started in another folder, perhaps, and knows no AWS."""
    given = settings.for_people()
    url = database_url(given)
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(Path(url.database or "").absolute()))
    elif given.database_secret:
        login = read_login(given.database_secret)
        url = url.set(username=login.username, password=login.password)
    return url.render_as_string(hide_password=False)


def _read(connection: socket.socket, limits: Limits) -> Answer:
    """What the process answers; ended where it takes more than it may, and where nobody waits any more."""
    process: int | None = None
    columns: list[str] = []
    rows: list[tuple[Any, ...]] = []
    began = time.monotonic()
    try:
        for message in _messages(connection, began + limits.seconds + 2 * GRACE_S, 2 * limits.bytes + (1 << 20)):
            match message:
                case Started():
                    process = message.process
                case Head():
                    columns = message.columns
                case Rows():
                    rows += map(tuple, message.rows)
                case End(error="") if len(rows) > limits.rows:
                    raise Refused("The query was ended: it gave more than it was asked for.")
                case End(error=""):
                    return Answer(columns, rows, message.is_cut)
                case End():
                    raise _error(message)
        if process is None:
            raise ConfigError("The process that answers SQL did not start: pip install 'gans[local]' has what it needs.")
        if time.monotonic() - began < limits.seconds:
            raise Refused("The query was ended: it needs more memory or processor time than it may have.")
        raise Refused(f"The query was ended: it takes longer than {limits.seconds:g} s.")
    finally:
        if process is not None and not _is_over(connection):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        connection.close()


def _error(end: End) -> Exception:
    if end.kind == "away":
        return OperationalError(None, None, Exception(end.error))
    return ConfigError(end.error) if end.kind == "settings" else Refused(end.error)


def _messages(connection: socket.socket, until: float, most_bytes: int) -> Iterator[Message]:
    """The messages as they come, until the process has ended, time is up, or too much has come."""
    waiting, came = bytearray(), 0
    while came <= most_bytes:
        readable, _, _ = select.select([connection], [], [], max(until - time.monotonic(), 0))
        data = connection.recv(1 << 16) if readable else b""
        if not data:
            return
        came += len(data)
        waiting += data
        while len(waiting) >= 4 and len(waiting) >= (end := 4 + int.from_bytes(waiting[:4])):
            yield _decoder.decode(waiting[4:end])
            del waiting[:end]
    raise Refused(f"The query was ended: its answer is larger than {most_bytes >> 20} MB.")


def _is_over(connection: socket.socket) -> bool:
    """Whether the process has ended: as long as it has not, its number is no other's."""
    connection.setblocking(False)
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


# The process that forks


class _Forks:
    """The program of `gans.reading.answer`, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._program: subprocess.Popen[bytes] | None = None

    def hand_over(self, connection: socket.socket) -> None:
        """Has a new process answer on `connection`."""
        with self._lock:
            if self._program is None or self._program.poll() is not None:
                self._start()
            assert self._control is not None
            socket.send_fds(self._control, [b"."], [connection.fileno()])

    def _start(self) -> None:
        if self._control is not None:
            self._control.close()
        ours, theirs = socket.socketpair()
        secrets = ("AWS_", "GANS_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(secrets)}
        self._program = subprocess.Popen(
            [sys.executable, "-m", "gans.reading.answer"],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            env={**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            start_new_session=True,  # a Ctrl-C is for us, who end what is asked
        )
        theirs.close()
        self._control = ours

    def end(self) -> None:
        """Ends the program; it ends by itself where this process is killed."""
        if self._control is not None and self._program is not None:
            self._control.close()
            self._program.wait()


_forks = _Forks()
atexit.register(_forks.end)


def _send(question: bytes) -> socket.socket:
    """The connection on which a process of its own answers the question."""
    ours, theirs = socket.socketpair()
    with theirs:
        _forks.hand_over(theirs)
    ours.sendall(question)
    ours.shutdown(socket.SHUT_WR)
    return ours
