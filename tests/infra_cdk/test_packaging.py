"""The folders that become the functions."""

import hashlib
import ssl
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gans.errors import ConfigError
from infra_cdk import packaging
from infra_cdk.packaging import ARCHIVE, COLLECT, LAMBDA, LOAD, LOCAL, Asset, Target, package

ASSETS = [ARCHIVE, COLLECT, LOAD]
TARGETS = [LAMBDA, LOCAL]
MB_ZIPPED = {"archive": 40, "collect": 8, "load": 25}
MB_UNZIPPED = 250
"""The most that Lambda takes (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.name)
def test_the_same_tree_gives_the_same_bytes(asset: Asset, tmp_path: Path) -> None:
    """With this interpreter, so with bytecode."""
    first, second = package(asset, LOCAL), package(asset, LOCAL, tmp_path / "elsewhere")
    found = hashes(first)
    assert found == hashes(second)
    assert first.name == second.name
    assert any(name.endswith(".pyc") for name in found)


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.name)
def test_it_is_small(asset: Asset, tmp_path: Path) -> None:
    """The one that goes to Lambda."""
    folder = package(asset, LAMBDA)
    with zipfile.ZipFile(tmp_path / "asset.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder))
    size = (tmp_path / "asset.zip").stat().st_size
    assert size <= MB_ZIPPED[asset.name] * 1e6
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < MB_UNZIPPED * 1e6


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.machine)
def test_collect_holds_no_database_and_no_parser_of_pages(target: Target) -> None:
    names = {path.name for path in package(COLLECT, target).iterdir()}
    assert {"gans", "lambdas", "msgspec", "requests", "tzdata", "aws_lambda_powertools"} <= names
    assert not names & {
        "alembic",
        "boto3",
        "bs4",
        "lxml",
        "pycountry",
        "pymysql",
        "schema",
        "sqlalchemy",
        "tzfpy",
        "infra_cdk",
        "local",
    }


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.machine)
def test_load_holds_the_schema_and_nothing_that_asks(target: Target) -> None:
    folder = package(LOAD, target)
    names = {path.name for path in folder.iterdir()}
    assert {"alembic", "gans", "lambdas", "lxml", "pymysql", "schema", "sqlalchemy", "tzfpy"} <= names
    assert not names & {"boto3", "botocore", "requests", "local"}
    assert list((folder / "schema" / "views").glob("*.sql"))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.machine)
def test_archive_holds_duckdb_and_nothing_that_asks_or_parses_pages(target: Target) -> None:
    names = {path.name for path in package(ARCHIVE, target).iterdir()}
    assert {"duckdb", "gans", "lambdas", "msgspec", "pymysql", "rds-ca.pem", "sqlalchemy", "tzdata"} <= names
    assert not names & {"alembic", "boto3", "bs4", "lxml", "numpy", "pandas", "pyarrow", "requests", "schema", "tzfpy", "local"}


@pytest.mark.parametrize(("asset", "library"), [(LOAD, ".cpython-313-aarch64"), (ARCHIVE, "_duckdb.")], ids=["load", "archive"])
def test_wheels_are_those_of_the_target(asset: Asset, library: str) -> None:
    libraries = {path.name: path for path in package(asset, LAMBDA).rglob("*.so")}
    assert [name for name in libraries if library in name]
    assert not [name for name in libraries if "x86_64" in name]
    for path in libraries.values():
        with path.open("rb") as file:
            assert file.read(20)[18:] == b"\xb7\x00", f"{path} is not for AArch64"  # e_machine of ELF


@pytest.mark.parametrize(
    ("asset", "modules"),
    [
        (ARCHIVE, "lambdas.archive"),
        (COLLECT, "lambdas.collect"),
        (LOAD, "lambdas.load, lambdas.migrate, lambdas.retain, lambdas.freshness"),
    ],
    ids=["archive", "collect", "load"],
)
def test_the_handlers_need_nothing_else(asset: Asset, modules: str) -> None:
    """boto3 is first imported when it is asked for."""
    alone(package(asset, LOCAL), f"import gans.sources, {modules}; gans.sources.asked()")


def test_every_parser_has_its_libraries() -> None:
    """What is imported inside `parse` is there too, and the German names of countries."""
    names = "from gans.sources._wikipedia.countries import _spellings; print(_spellings('de')['Österreich'])"
    printed = alone(package(LOAD, LOCAL), f"import bs4, lxml.html, tzfpy; print(tzfpy.get_tz(13.4, 52.5)); {names}")
    assert printed.split() == ["Europe/Berlin", "AT"]


def test_duckdb_has_what_an_hour_takes_without_a_download() -> None:
    known = "SELECT extension_name FROM duckdb_extensions() WHERE loaded AND install_mode = 'STATICALLY_LINKED'"
    printed = alone(package(ARCHIVE, LOCAL), f"import duckdb; print(*sum(duckdb.sql({known!r}).fetchall(), ()))")
    assert {"icu", "json", "parquet"} <= set(printed.split())


def alone(folder: Path, code: str) -> str:
    """What `code` prints in an interpreter that sees the standard library and `folder`."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_certificates_of_amazon_are_read_by_tls() -> None:
    context = ssl.create_default_context(cafile=str(package(LOAD, LAMBDA) / "rds-ca.pem"))
    subjects = [str(authority["subject"]) for authority in context.get_ca_certs()]
    assert len(subjects) > 100
    assert any("Amazon RDS eu-central-1 Root CA RSA2048 G1" in subject for subject in subjects)


def test_it_is_made_once_and_an_old_one_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = package(COLLECT, LOCAL, tmp_path)
    made = first.stat().st_mtime_ns
    assert package(COLLECT, LOCAL, tmp_path) == first
    assert first.stat().st_mtime_ns == made
    monkeypatch.setattr(packaging, "_own_files", lambda asset: [packaging.ROOT / "gans" / "errors.py"])
    second = package(COLLECT, LOCAL, tmp_path)
    assert second != first
    assert [path.name for path in tmp_path.iterdir()] == [second.name]


def test_another_name_of_the_interpreter_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`cdk synth` beside a test run would remove the folder that the other reads."""
    first = package(COLLECT, LOCAL, tmp_path)
    other = tmp_path / "bin" / "python-by-another-name"
    other.parent.mkdir()
    other.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(other))
    assert package(COLLECT, LOCAL, tmp_path) == first


def test_what_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaging, "CERTIFICATES", tmp_path / "none.js")
    with pytest.raises(ConfigError, match="make node_modules"):
        package(LOAD, LOCAL, tmp_path)
    with pytest.raises(ConfigError, match=r"The wheels of collect.txt for Python 3\.2"):
        package(COLLECT, Target("3.2", "aarch64"), tmp_path)
    assert list(tmp_path.iterdir()) == []
