"""A MySQL server on this machine, for a laptop and for the tests: found or fetched, started, stopped, killed.

A server lives in a folder, its *home*: the data, a log, and `server.json`, which holds how it was last started. A home
keeps to the kind of server it began with, since one kind cannot read the data of another. Real MySQL comes from, in this
order, a `mysqld` on the PATH, Docker (`compose.yaml`), or Debian's packages, unpacked into a folder of their own. MariaDB
stands in only where none of these is possible, and says so.

Servers listen on 127.0.0.1 alone, and their users have no passwords.
"""

# ruff: noqa: S603 - commands are lists of arguments, and no shell reads them

import fcntl
import hashlib
import logging
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import pymysql

from gans.database.engine import make_database, open_engine
from gans.database.grants import grant_read_only
from gans.errors import ConfigError
from gans.secrets import Login
from gans.settings import Settings
from local.servers.mysql_binaries import COMPOSE, Flavour, Impossible, Progress, find, folder, locked, run

PORTS: dict[Flavour, int] = {"mysql": 33306, "mariadb": 33307}
READER, ANALYST = "gans_reader", "gans_analyst"
"""Who may only read: the dashboard's pages, and what people write in SQL."""
_COMMON = ("--character-set-server=utf8mb4", "--default-time-zone=+00:00", "--local-infile=ON")
OPTIONS: dict[Flavour, tuple[str, ...]] = {"mysql": (*_COMMON, "--mysqlx=OFF"), "mariadb": _COMMON}
"""What differs from the defaults of the servers, wherever they come from. Commits are durable, as they are by default."""

_USER = "nobody"  # who a server runs as that root starts: MySQL and MariaDB refuse to run as root

_START_S = 180  # a recovery after a crash included
_STOP_S = 60
_LOG_LINES = 12

_log = logging.getLogger(__name__)


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server that was started; kept as `server.json` in its home.

    Attributes:
        version: as the server says it, like "8.4.6" or "10.11.14-MariaDB-0+deb12u2".
        how: where it comes from, for a person.
        is_throwaway: `stop` removes its home.
    """

    flavour: Flavour
    version: str
    how: str
    home: Path
    port: int
    in_docker: bool
    is_throwaway: bool

    @property
    def url(self) -> str:
        """The SQLAlchemy URL, without a database."""
        return self.url_of("root")

    def url_of(self, user: str) -> str:
        """The same for another user."""
        return f"mysql+pymysql://{user}@127.0.0.1:{self.port}/"

    def kill(self) -> None:
        """Ends it as a crash would (SIGKILL). `start(self.flavour, home=self.home)` recovers the data."""
        if self.in_docker:
            _compose(self.home, "kill")
        else:
            _end(self, signal.SIGKILL)


def default_home(flavour: Flavour = "mysql") -> Path:
    """Where `gans mysql start` keeps its data."""
    return folder("XDG_DATA_HOME", ".local/share", "/var/lib") / flavour


def start(
    flavour: Flavour | None = None,
    port: int | None = None,
    home: Path | None = None,
    *,
    throwaway: bool = False,
    on_progress: Progress = _log.info,
) -> Server:
    """Starts a server and waits until it answers; one that already runs in `home` is returned as it is.

    Args:
        flavour: "mysql" is real MySQL and nothing else; None is MySQL, or else MariaDB with a warning.
        port: None takes the home's last one, or 33306 (MariaDB: 33307), or, where that is taken, any that is free.
        home: where the data stays from start to start; None for `default_home(flavour)`.
        throwaway: give it a new temporary home, and any free port. The server itself is set up like any other.
        on_progress: called with what takes long, and what is not as asked.

    Raises:
        ConfigError: no way to a server is open here, its port is taken, it did not start, or `home` is not for it.
    """
    if throwaway and home:
        raise ValueError("a throwaway server has a home of its own: give no home")
    if throwaway:
        home = Path(tempfile.mkdtemp(prefix="gans-"))
        home.chmod(0o711)  # so that the server's user gets to its data
    home = (home or default_home(flavour or "mysql")).resolve()
    home.mkdir(parents=True, exist_ok=True)
    try:
        with locked(home):
            return _start(flavour, port, home, throwaway, on_progress)
    except BaseException:
        if throwaway:
            stop(home)
            shutil.rmtree(home, ignore_errors=True)  # where it did not come as far as to a server
        raise


def stop(home: Path | None = None) -> Server | None:
    """Stops the server of `home` (None: the default one) and returns it; None where none was running.

    Raises:
        ConfigError: it does not stop.
    """
    home = (home or default_home()).resolve()
    last = _last(home)
    if last is None:
        return None
    with locked(home):
        was_running = _is_running(last)
        if last.in_docker:
            _compose(home, "down", *(["--volumes"] if last.is_throwaway else []))
        else:
            _end(last, signal.SIGKILL if last.is_throwaway else signal.SIGTERM)
        if last.is_throwaway:
            shutil.rmtree(home)
    return last if was_running else None


def running(home: Path | None = None) -> Server | None:
    """The server that runs in `home` (None: the default one)."""
    last = _last((home or default_home()).resolve())
    return last if last and _is_running(last) else None


def set_up(server: Server) -> None:
    """The database `gans`, where it is not there yet, and the users who may only read it, and the demo's beside it."""
    settings = Settings(database_url=f"{server.url}gans")
    make_database(settings)
    engine = open_engine(settings)
    for user in (READER, ANALYST):
        for database in ("gans", "gans_demo"):
            grant_read_only(engine, Login(user, ""), database)
    engine.dispose()


def _start(flavour: Flavour | None, port: int | None, home: Path, throwaway: bool, on_progress: Progress) -> Server:
    last = _last(home)
    if last and flavour not in (None, last.flavour):
        raise ConfigError(
            f"{home} holds the data of {last.how}, which {flavour} cannot read: give another home, or remove that folder."
        )
    if last and _is_running(last):
        if port not in (None, last.port):
            raise ConfigError(f"{last.how} already runs in {home}, on port {last.port}: stop it first.")
        return last
    if last:
        hint = f"{home} holds the data of {last.how}; without that folder another could begin.\n"
        program = find(last.flavour, on_progress, in_docker=last.in_docker, hint=hint)
    else:
        program = find(flavour, on_progress)
    usual = last.port if last else None if throwaway else PORTS[program.flavour]
    server = Server(
        flavour=program.flavour,
        version=program.version,
        how=program.how,
        home=home,
        port=_choose_port(port, usual, on_progress),
        in_docker=not program.command,
        is_throwaway=last.is_throwaway if last else throwaway,
    )
    on_progress(f"starting {server.how} on port {server.port}")
    return _start_in_docker(server) if server.in_docker else _start_process(server, program.command)


# A server as a process


def _start_process(server: Server, command: Sequence[str]) -> Server:
    data, files, log = server.home / "data", server.home / "files", server.home / "server.log"
    _check_entry(server.home)
    if not data.exists():
        _make_database(server.flavour, command, data, log)
    for left in data.glob("server.sock*"):  # by a crash: the process number in it may belong to another process now
        left.unlink()
    if not files.exists():
        _makefolder(files)
    _save(server)
    options = (
        *_as_user(),
        f"--datadir={data}",
        "--bind-address=127.0.0.1",
        f"--port={server.port}",
        "--socket=server.sock",  # below the data: a whole path may be longer than a socket's may be
        f"--secure-file-priv={files}",
        *OPTIONS[server.flavour],
    )
    with (server.home / "server.pid").open("w") as alive, log.open("ab") as output:
        fcntl.flock(alive, fcntl.LOCK_EX)  # see `_process`
        process = subprocess.Popen(
            (*command, *options),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # a Ctrl-C is not for it
            pass_fds=(alive.fileno(),),
        )
        alive.write(str(process.pid))
    try:
        _await_answer(server, process)
    except BaseException:
        process.kill()
        process.wait()
        raise
    process.returncode = 0  # it is to outlive this program, which Python would warn of
    return server


def _make_database(flavour: Flavour, command: Sequence[str], data: Path, log: Path) -> None:
    """An empty database; it gets its name when it is whole."""
    new = data.with_name("data.new")
    shutil.rmtree(new, ignore_errors=True)
    _makefolder(new)
    if flavour == "mysql":
        making = (*command, "--initialize-insecure")
    else:
        making = ("mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db")
    with log.open("ab") as output:
        making = (*making, *_as_user(), f"--datadir={new}")
        done = subprocess.run(making, check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    if done.returncode:
        raise ConfigError(f"An empty database could not be made in {new}. {_end_of(log)}")
    new.rename(data)


def _await_answer(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        if _ask(server.port, "SELECT @@datadir") == f"{server.home / 'data'}/":  # not another that took the port
            return
        time.sleep(0.1)
    raise ConfigError(f"{server.how} did not start. {_end_of(server.home / 'server.log')}")


def _process(home: Path) -> int | None:
    """The process that runs in `home`.

    From start to end it holds a lock on the file that has its number, so the number is never that of another process.
    """
    with suppress(FileNotFoundError), (home / "server.pid").open() as alive:
        try:
            fcntl.flock(alive, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(alive.read())
    return None


def _end(server: Server, number: signal.Signals) -> None:
    """Sends this signal to the server's process and waits until it has ended."""
    process = _process(server.home)
    if process is None:
        return
    os.kill(process, number)
    deadline = time.monotonic() + _STOP_S
    while _process(server.home) is not None:
        if time.monotonic() > deadline:
            log = _end_of(server.home / "server.log")
            raise ConfigError(f"{server.how}, process {process}, has not stopped within {_STOP_S} s. {log}")
        time.sleep(0.05)
    with suppress(ChildProcessError):
        os.waitpid(process, 0)  # where this program started it, it stays in the table of processes until then


def _as_user() -> tuple[str, ...]:
    return (f"--user={_USER}",) if os.geteuid() == 0 else ()


def _makefolder(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(folder, _USER)


def _check_entry(home: Path) -> None:
    closed = next((folder for folder in (home, *home.parents) if not folder.stat().st_mode & stat.S_IXOTH), None)
    if closed and os.geteuid() == 0:
        raise ConfigError(f"The server of root runs as {_USER}, who cannot enter {closed}: give a home elsewhere.")


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return "\n  ".join([f"The end of {log}:", *lines])


# A server in Docker


def _start_in_docker(server: Server) -> Server:
    _save(server)
    try:
        _compose(server.home, "up", "--detach", "--wait", port=server.port)
    except Impossible as error:
        log = _compose(server.home, "logs", "--tail", str(_LOG_LINES))
        raise ConfigError(f"{server.how} did not start: {error}\n{log}") from None
    server = msgspec.structs.replace(server, version=_ask(server.port, "SELECT VERSION()") or server.version)
    _save(server)
    return server


def _compose(home: Path, *command: str, port: int = PORTS["mysql"]) -> str:
    """Runs `docker compose` on the project of this home; the default home's is also that of the file used by hand."""
    project = "gans" if home == default_home().resolve() else f"gans-{hashlib.sha256(bytes(home)).hexdigest()[:8]}"
    compose = ("docker", "compose", "--file", str(COMPOSE), "--project-name", project)
    return run(*compose, *command, timeout_s=_START_S, environment={"MYSQL_PORT": str(port)})


# Both


def _is_running(server: Server) -> bool:
    if not server.in_docker:
        return _process(server.home) is not None
    with suppress(Impossible):  # without an engine nothing runs in it
        return bool(_compose(server.home, "ps", "--quiet", "--status", "running").strip())
    return False


def _ask(port: int, question: str) -> str | None:
    """The one value that a server answers; None while it does not."""
    try:
        with (
            pymysql.connect(host="127.0.0.1", port=port, user="root", connect_timeout=2, read_timeout=10) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(question)
            return str(cursor.fetchall()[0][0])
    except pymysql.MySQLError:
        return None


def _last(home: Path) -> Server | None:
    """The server that was last started in `home`, running or not."""
    try:
        text = (home / "server.json").read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(text, type=Server, dec_hook=lambda kind, value: kind(value))


def _save(server: Server) -> None:
    new = server.home / "server.json.new"
    new.write_bytes(msgspec.json.encode(server, enc_hook=str))
    new.replace(server.home / "server.json")


def _choose_port(wanted: int | None, usual: int | None, on_progress: Progress) -> int:
    if wanted is not None and not _is_free(wanted):
        raise ConfigError(f"Port {wanted} is taken by another program: give another, or none to take one that is free.")
    if wanted is not None:
        return wanted
    if usual is not None and _is_free(usual):
        return usual
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = int(listener.getsockname()[1])
    if usual is not None:
        on_progress(f"port {usual} is taken by another program, taking {free}")
    return free


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
