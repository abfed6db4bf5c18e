"""The programs that stand on the PATH here are small scripts of ours; the servers that are started are real."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pymysql
import pytest
from typer.testing import CliRunner

from gans.errors import ConfigError
from gans.settings import read_settings
from local.cli.main import app
from local.doctor import examine
from local.servers import mysql, mysql_binaries

MYSQL = "mysqld  Ver 8.4.6 for Linux on x86_64 (MySQL Community Server - GPL)"
MARIADB = "mysqld  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)"


Put = Callable[[str, str], Path]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts a script on a PATH that has nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # where nothing of Debian's was unpacked yet
    monkeypatch.setattr(mysql_binaries, "_SBIN", ())

    def put(name: str, script: str) -> Path:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        return folder / name

    return put


def _server(home: Path, *, in_docker: bool = False, port: int = 33306) -> mysql.Server:
    return mysql.Server(
        flavour="mysql",
        version="8.4.6",
        how="MySQL 8.4.6 from here",
        home=home,
        port=port,
        in_docker=in_docker,
        is_throwaway=False,
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (MYSQL, ("mysql", "MySQL", "8.4.6")),
        ("/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))", ("mysql", "MySQL", "9.7.4-2")),
        ("/opt/homebrew/opt/mysql/bin/mysqld  Ver 9.5.0 for macos26.0 on arm64 (Homebrew)", ("mysql", "MySQL", "9.5.0")),
        (
            "mysqld  Ver 8.0.43-34 for Linux on x86_64 (Percona Server (GPL), Release 34, Revision 7a841cd1)",
            ("mysql", "Percona Server", "8.0.43-34"),
        ),
        (MARIADB, ("mariadb", "MariaDB", "10.11.14-MariaDB-0+deb12u2")),
        ("mariadbd from 12.1.2-MariaDB for Linux on x86_64", ("mariadb", "MariaDB", "12.1.2-MariaDB")),
    ],
)
def test_products_are_told_apart(line: str, expected: tuple[str, str, str]) -> None:
    assert mysql_binaries.product(line) == expected


def test_what_is_no_server_is_no_product() -> None:
    with pytest.raises(ValueError, match="not the version"):
        mysql_binaries.product("bash: mysqld: command not found")


def test_a_real_mysqld_on_the_path_comes_first(put: Put) -> None:
    mysqld = put("mysqld", f"echo '{MYSQL}'")
    put("docker", "echo 29.0.0")
    program = mysql_binaries.find(None)
    assert (program.flavour, program.version) == ("mysql", "8.4.6")
    assert program.how == f"MySQL 8.4.6 from {mysqld}"


def test_an_engine_that_answers_comes_before_debian(put: Put) -> None:
    put("docker", "echo 29.0.0")
    put("apt-get", "exit 1")
    assert mysql_binaries.find("mysql").how == "MySQL 8.4 from Docker"


def test_the_error_lists_every_way_and_why_it_is_closed(put: Put) -> None:
    mysqld = put("mysqld", f"echo '{MARIADB}'")
    put("docker", "echo 'Cannot connect to the Docker daemon.' >&2; exit 1")
    with pytest.raises(ConfigError) as error:
        mysql_binaries.find("mysql")
    assert str(error.value).splitlines() == [
        "No MySQL server can be started here. Tried:",
        f"- mysqld on the PATH: {mysqld} is MariaDB 10.11.14-MariaDB-0+deb12u2",
        "- Docker: docker says: Cannot connect to the Docker daemon.",
        "- MySQL from Debian's packages: apt-get is not installed",
        "Install and start Docker, or name a server that runs elsewhere: "
        "GANS_DATABASE_URL=mysql+pymysql://user:password@host:3306/gans",
    ]


def test_a_server_too_old_is_not_taken(put: Put) -> None:
    put("mysqld", "echo 'mysqld  Ver 8.0.43 for Linux on x86_64 (MySQL Community Server - GPL)'")
    with pytest.raises(ConfigError, match=r"is MySQL 8\.0\.43, and Gans needs 8\.4 or newer"):
        mysql_binaries.find("mysql")


def test_mariadb_stands_in_with_a_warning(put: Put) -> None:
    put("mysqld", f"echo '{MARIADB}'")
    put("mariadb-install-db", "")
    put("my_print_defaults", "")
    progress: list[str] = []
    program = mysql_binaries.find(None, progress.append)
    assert program.flavour == "mariadb"
    assert program.how.endswith(", instead of MySQL")
    assert progress[-1].startswith("WARNING: this is MariaDB, not MySQL. Tried:\n- mysqld on the PATH:")


def test_mariadb_that_was_asked_for_is_no_stand_in(put: Put) -> None:
    mariadbd = put("mariadbd", f"echo '{MARIADB}'")
    put("mariadb-install-db", "")
    put("my_print_defaults", "")
    assert mysql_binaries.find("mariadb", pytest.fail).how == f"MariaDB 10.11.14-MariaDB-0+deb12u2 from {mariadbd}"


def test_data_in_docker_is_not_hidden_by_another_server(put: Put, tmp_path: Path) -> None:
    put("mysqld", f"echo '{MYSQL}'")
    mysql._save(_server(tmp_path, in_docker=True))
    with pytest.raises(ConfigError) as error:
        mysql.start(home=tmp_path)
    assert "- Docker: docker cannot be run" in str(error.value)
    assert f"{tmp_path} holds the data of MySQL 8.4.6 from here" in str(error.value)


def test_a_home_keeps_to_its_kind(tmp_path: Path) -> None:
    mysql._save(_server(tmp_path))
    with pytest.raises(ConfigError, match="which mariadb cannot read: give another home"):
        mysql.start("mariadb", home=tmp_path)


def test_the_usual_port_gives_way_and_a_wanted_one_does_not() -> None:
    progress: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        free = mysql._choose_port(None, taken, progress.append)
        with pytest.raises(ConfigError, match=f"Port {taken} is taken"):
            mysql._choose_port(taken, None, progress.append)
    assert progress == [f"port {taken} is taken by another program, taking {free}"]
    assert mysql._choose_port(None, taken, pytest.fail) == taken
    assert mysql._choose_port(free, taken, pytest.fail) == free


def test_a_process_that_is_not_the_server_is_left_alone(tmp_path: Path) -> None:
    mysql._save(_server(tmp_path))
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / "server.pid").write_text(str(other.pid))  # the number of a server that died, given to another process
        assert mysql.running(tmp_path) is None
        assert mysql.stop(tmp_path) is None
        _server(tmp_path).kill()
        assert other.poll() is None
        other.kill()


def test_a_server_that_does_not_start_shows_its_log(put: Put) -> None:
    put("mysqld", f"case $* in --version) echo '{MYSQL}';; *--initialize*) ;; *) echo 'the disk is full'; exit 1;; esac")
    with pytest.raises(ConfigError, match=r"(?s)did not start. The end of (\S+)/server.log:\n  the disk is full") as error:
        mysql.start("mysql", throwaway=True)
    home = str(error.value).split("The end of ")[1].split("/server.log")[0]
    assert not Path(home).exists()


def test_compose_and_processes_have_the_same_options() -> None:
    service = msgspec.yaml.decode(mysql_binaries.COMPOSE.read_bytes())["services"]["mysql"]
    assert tuple(service["command"]) == mysql.OPTIONS["mysql"]
    assert service["ports"] == [f"127.0.0.1:${{MYSQL_PORT:-{mysql.PORTS['mysql']}}}:3306"]


def _query(server: mysql.Server, *statements: str) -> tuple[tuple[object, ...], ...]:
    """The rows of the last of `statements`."""
    with (
        pymysql.connect(host="127.0.0.1", port=server.port, user="root", autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall()


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> list[str]:
    return str(request.config.getoption("--databases")).split(",")


@pytest.mark.servers
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_what_was_committed_outlives_a_crash(flavour: mysql.Flavour, chosen: list[str]) -> None:
    if flavour not in chosen:
        pytest.skip(f"{flavour} is not among --databases")
    server = mysql.start(flavour, throwaway=True)
    try:
        options = "@@time_zone, @@character_set_server, @@local_infile, @@bind_address, @@innodb_flush_log_at_trx_commit"
        assert _query(server, f"SELECT {options}") == (("+00:00", "utf8mb4", 1, "127.0.0.1", 1),)
        assert ("MariaDB" in str(_query(server, "SELECT VERSION()"))) == (flavour == "mariadb")
        _query(
            server, "CREATE DATABASE crash", "CREATE TABLE crash.kept (id INT PRIMARY KEY)", "INSERT INTO crash.kept VALUES (7)"
        )
        server.kill()
        assert mysql.running(server.home) is None
        assert mysql._is_free(server.port)
        with subprocess.Popen(["sleep", "60"], user=mysql._USER if os.geteuid() == 0 else None) as other:
            (server.home / "data/server.sock.lock").write_text(f"{other.pid}\n")  # the dead server's number, given anew
            again = mysql.start(flavour, home=server.home)
            other.kill()
        assert again == server
        assert mysql.start(home=server.home) == server
        assert _query(server, "SELECT id FROM crash.kept") == ((7,),)
    finally:
        assert mysql.stop(server.home) == server
    assert not server.home.exists()


@pytest.mark.servers
def test_a_server_outlives_the_program_that_started_it_and_its_data_a_stop(chosen: list[str]) -> None:
    if "mariadb" not in chosen:
        pytest.skip("mariadb is not among --databases")
    with tempfile.TemporaryDirectory(prefix="gans-") as folder:
        Path(folder).chmod(0o711)  # where root runs this, the server's user must get to its data
        home = Path(folder, "home")
        program = "import pathlib, sys; from local.servers import mysql; mysql.start('mariadb', home=pathlib.Path(sys.argv[1]))"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", program, str(home)], check=True, env=environment)
        server = mysql.running(home)
        assert server
        _query(server, "CREATE DATABASE kept")
        assert mysql.stop(home) == server
        assert mysql.running(home) is None
        server = mysql.start("mariadb", home=home)
        try:
            assert ("kept",) in _query(server, "SHOW DATABASES")
        finally:
            mysql.stop(home)


def test_what_is_started_has_users_who_may_only_read_and_the_dashboard_refuses_others(
    killable: mysql.Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for _ in range(2):
        mysql.set_up(killable)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("local.servers.dashboard.serve", lambda *_, **__: None)
    monkeypatch.setenv("GANS_DATABASE_URL", f"{killable.url}gans")

    def start(*options: str) -> object:
        return CliRunner().invoke(app, ["dashboard", *options]).exception

    refused = start()
    assert isinstance(refused, ConfigError)
    assert "would be 'root' to the database, who may do more than read" in str(refused)
    assert start("--allow-writer") is None
    monkeypatch.setenv("GANS_READER_URL", f"{killable.url_of(mysql.READER)}gans")
    monkeypatch.setenv("GANS_ANALYST_URL", f"{killable.url}gans")
    assert isinstance(start(), ConfigError)
    verdicts = {one.what: one.verdict for one in examine(read_settings(os.environ))}
    assert (verdicts["GANS_READER_URL"], verdicts["GANS_ANALYST_URL"]) == ("ok", "wrong")
    monkeypatch.setenv("GANS_ANALYST_URL", f"{killable.url_of(mysql.ANALYST)}gans")
    assert start() is None
