"""Where a MySQL server comes from: an installed one, Docker, or Debian's packages; MariaDB where none of them is possible."""

# ruff: noqa: S603 - commands are lists of arguments, and no shell reads them

import fcntl
import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from gans.errors import ConfigError

Flavour = Literal["mysql", "mariadb"]
Progress = Callable[[str], object]

COMPOSE = Path(__file__).with_name("compose.yaml")
_OLDEST: dict[Flavour, tuple[int, int]] = {"mysql": (8, 4), "mariadb": (10, 11)}
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SBIN = ("/usr/sbin", "/usr/local/sbin")  # where servers are on Debian, and not on everybody's PATH
_FETCH_S = 900

_log = logging.getLogger(__name__)


class Program(NamedTuple):
    """A server that can be started.

    Attributes:
        command: the beginning of its command line; () in Docker.
    """

    flavour: Flavour
    version: str
    how: str
    command: tuple[str, ...]


class Impossible(ConfigError):
    """Why a way to a server is not open here."""


class _Way(NamedTuple):
    name: str
    flavour: Flavour
    in_docker: bool
    find: Callable[[Progress], Program]


def find(flavour: Flavour | None, on_progress: Progress = _log.info, *, in_docker: bool | None = None, hint: str = "") -> Program:
    """The first server that is possible here, fetched if need be.

    Args:
        in_docker: whether it must, or must not, run in Docker; None where either will do.
        hint: what else a person may do where none is possible.

    Raises:
        ConfigError: none is possible; it names each way that was tried and why it is closed.
    """
    ways = [way for way in _WAYS if flavour in (None, way.flavour) and in_docker in (None, way.in_docker)]
    closed: list[tuple[str, str]] = []
    for way in ways:
        try:
            program = way.find(on_progress)
        except Impossible as why:
            closed.append((way.name, str(why)))
            continue
        if flavour is None and program.flavour == "mariadb":
            on_progress(f"WARNING: this is MariaDB, not MySQL.{_listed(closed)}")
            return program._replace(how=f"{program.how}, instead of MySQL")
        return program
    raise ConfigError(
        f"No {'MariaDB' if flavour == 'mariadb' else 'MySQL'} server can be started here.{_listed(closed)}\n{hint}"
        "Install and start Docker, or name a server that runs elsewhere: "
        "GANS_DATABASE_URL=mysql+pymysql://user:password@host:3306/gans"
    )


def _listed(closed: Iterable[tuple[str, str]]) -> str:
    return " Tried:" + "".join(f"\n- {name}: {why}" for name, why in closed)


def product(version_line: str) -> tuple[Flavour, str, str]:
    """Flavour, product and version from what a server says to `--version`. Percona Server counts as MySQL.

    Raises:
        ValueError: it is not the answer of such a server.
    """
    found = re.search(r"\b(?:Ver|from) (\d+\.\d+\.\d+\S*)", version_line)
    if not found:
        raise ValueError(f"not the version of a MySQL or MariaDB server: {version_line!r}")
    if "mariadb" in version_line.lower():
        return "mariadb", "MariaDB", found[1]
    return "mysql", "Percona Server" if "percona" in version_line.lower() else "MySQL", found[1]


def _mysql_on_path(_: Progress) -> Program:
    return _program((_which("mysqld"),), "mysql")


def _mysql_in_docker(on_progress: Progress) -> Program:
    engine = run("docker", "version", "--format", "{{.Server.Version}}", timeout_s=5).strip()
    run("docker", "compose", "version", timeout_s=5)
    on_progress(f"Docker {engine} answers; fetching the image of MySQL where it is not there yet (once)")
    run("docker", "compose", "--file", str(COMPOSE), "pull", "--policy", "missing", timeout_s=_FETCH_S)
    return Program("mysql", "8.4", "MySQL 8.4 from Docker", ())


def _mysql_from_debian(on_progress: Progress) -> Program:
    """MySQL and all that it needs, down to the C library, from Debian's unstable suite (the only one that has it).

    It is run by the dynamic loader that came with it, so it needs neither root nor a chroot, and nothing is installed.
    """
    tree = folder("XDG_CACHE_HOME", ".cache", "/var/cache") / "mysql"
    tree.parent.mkdir(parents=True, exist_ok=True)
    with locked(tree.parent):
        if not tree.exists():
            _unpack("sid", "mysql-server-core", tree, on_progress)
    loader = next(tree.glob("usr/lib/*/ld-linux*.so.*"), None)
    if loader is None:
        raise Impossible(f"{tree} is not whole: remove that folder")
    command = (str(loader), "--library-path", str(loader.parent), str(tree / "usr/sbin/mysqld"))
    program = _program(command, "mysql")
    return program._replace(
        how=f"MySQL {program.version} from Debian's packages in {tree}",
        command=(*program.command, f"--basedir={tree / 'usr'}"),
    )


def _mariadb_on_path(_: Progress) -> Program:
    _which("mariadb-install-db")
    _which("my_print_defaults")  # which the former needs, and Debian has in another package
    return _program((_which("mariadbd", "mysqld"),), "mariadb")


def _mariadb_from_debian(on_progress: Progress) -> Program:
    _which("apt-get")
    if os.geteuid() != 0:
        raise Impossible("only root can install them")
    on_progress("installing MariaDB from Debian's packages (once, about a minute); no service is started")
    apt = ("apt-get", "-qq", "--yes", "-o", "DPkg::Lock::Timeout=300")
    with suppress(Impossible):  # some other source may be broken: whether it matters, the next line tells
        run(*apt, "update", timeout_s=_FETCH_S)
    packages = ("mariadb-server-core", "mariadb-client-core")
    run(*apt, "install", "--no-install-recommends", *packages, timeout_s=_FETCH_S)
    return _mariadb_on_path(on_progress)


_WAYS = (
    _Way("mysqld on the PATH", "mysql", False, _mysql_on_path),
    _Way("Docker", "mysql", True, _mysql_in_docker),
    _Way("MySQL from Debian's packages", "mysql", False, _mysql_from_debian),
    _Way("mariadbd on the PATH", "mariadb", False, _mariadb_on_path),
    _Way("MariaDB from Debian's packages", "mariadb", False, _mariadb_from_debian),
)


def _which(*names: str) -> str:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SBIN))
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise Impossible(f"{names[0]} is not installed")


def _program(command: tuple[str, ...], flavour: Flavour) -> Program:
    """What `command` starts, if it is of this flavour and new enough."""
    file = command[-1]
    try:
        is_flavour, name, version = product(run(*command, "--version"))
    except ValueError as error:
        raise Impossible(f"{file} says something that is {error}") from None
    if is_flavour != flavour:
        raise Impossible(f"{file} is {name} {version}")
    oldest = _OLDEST[flavour]
    if tuple(map(int, version.split(".")[:2])) < oldest:
        raise Impossible(f"{file} is {name} {version}, and Gans needs {oldest[0]}.{oldest[1]} or newer")
    return Program(flavour, version, f"{name} {version} from {file}", (*command, "--no-defaults"))


def _unpack(suite: str, package: str, tree: Path, on_progress: Progress) -> None:
    """Unpacks a package of Debian and everything it depends on into `tree`."""
    for tool in ("apt-get", "dpkg-deb"):
        _which(tool)
    if not _KEYRING.exists():
        raise Impossible(f"this is not Debian, or Debian's keys are missing ({_KEYRING})")
    on_progress(f"fetching {package} and what it needs from Debian's packages (once, 60 MB, 330 MB unpacked)")
    with tempfile.TemporaryDirectory(dir=tree.parent) as name:
        work = Path(name)
        for folder in ("state/lists/partial", "cache/archives/partial", "tree"):
            (work / folder).mkdir(parents=True)
        (work / "status").touch()  # of what is installed: nothing, so that apt fetches all
        settings = {
            "Dir::State": work / "state",
            "Dir::State::status": work / "status",
            "Dir::Cache": work / "cache",
            "Acquire::Languages": "none",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",  # where root runs this: its own sandbox user could not write here
        }
        apt = ["apt-get", "-qq", "--yes", *_apt_options(settings)]
        mirror = _debian_mirror(apt)
        (work / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {mirror} {suite} main\n")
        apt += _apt_options({"Dir::Etc::SourceList": work / "sources.list", "Dir::Etc::SourceParts": "/dev/null"})
        run(*apt, "update", timeout_s=_FETCH_S)
        run(*apt, "install", "--download-only", package, timeout_s=_FETCH_S)
        for archive in sorted((work / "cache/archives").glob("*.deb")):
            run("dpkg-deb", "--extract", str(archive), str(work / "tree"))
        (work / "tree").rename(tree)


def _apt_options(settings: Mapping[str, object]) -> list[str]:
    return [f"--option={name}={value}" for name, value in settings.items()]


def _debian_mirror(apt: Sequence[str]) -> str:
    """The mirror of Debian that this system is set to use."""
    targets = ("indextargets", "--format", "$(REPO_URI)", "Origin: Debian")
    known = run("apt-get", *targets)
    if not known:  # before its first update, apt does not know whose packages a mirror has
        run(*apt, "update", timeout_s=_FETCH_S)
        known = run(*apt, *targets)
    for address in known.splitlines():
        if address.rstrip("/").endswith("/debian"):  # and not /debian-security
            return address
    raise Impossible("apt knows no mirror of Debian")


def folder(variable: str, below_home: str, for_root: str) -> Path:
    """Gans's part of a user's XDG folder; of the system's for root, since no other user can enter root's own."""
    if os.environ.get(variable):
        return Path(os.environ[variable], "gans")
    return (Path(for_root) if os.geteuid() == 0 else Path.home() / below_home) / "gans"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps others from working in `folder` at the same time."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(*command: str, timeout_s: float = 60, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints; a failure is an `Impossible` with the last line that it said."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env={**os.environ, **(environment or {})},
        )
    except OSError as error:
        raise Impossible(f"{name} cannot be run ({error.strerror})") from None
    except subprocess.TimeoutExpired:
        raise Impossible(f"{name} did not answer within {timeout_s:g} s") from None
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        raise Impossible(f"{name} says: {lines[-1]}")
    return done.stdout
