"""A scaffolded source works as it is written: found, tested, migrated to, clean; and a bad name writes nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gans.errors import ConfigError
from local.scaffold import scaffold

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the repository, to write into."""
    for folder in ("gans", "local", "schema", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _run(copy: Path, *arguments: str) -> str:
    """What a module of Python printed, run in the copy with the copy's own code."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(copy), str(ROOT)))}  # the benchmarks are the repository's
    run = subprocess.run([sys.executable, "-m", *arguments], cwd=copy, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def _pytest(copy: Path, *arguments: str) -> str:
    return _run(copy, "pytest", "-p", "no:cacheprovider", "--databases", "sqlite", *arguments)


def test_it_works_as_it_is_written(copy: Path) -> None:
    paths = [path.relative_to(copy).as_posix() for path in scaffold("tide_levels", copy)]
    (migration,) = (path for path in paths if re.fullmatch(r"schema/migrations/versions/\d{4}_tide_levels\.py", path))
    assert paths == [
        "gans/sources/tide_levels.py",
        "gans/tables/tide_levels.py",
        migration,
        "tests/gans/sources/tide_levels/test_tide_levels.py",
        "tests/gans/sources/tide_levels/payload.json",
        "tests/gans/sources/tide_levels/context.json",
    ]
    tests = (
        "tests/gans/sources/test_contracts.py",
        "tests/gans/database/test_migrate.py",
        "tests/schema",
        "tests/gans/sources/tide_levels",
    )
    output = _pytest(copy, "-k", "tide_levels or empty_to_the_newest", *tests)
    passed = re.search(r"(\d+) passed", output)
    assert passed
    assert int(passed[1]) > 30
    assert "skipped" not in output


def test_one_follows_the_other(copy: Path) -> None:
    first, second = (int(scaffold(name, copy)[2].name[:4]) for name in ("tides", "currents"))
    assert second == first + 1
    _pytest(copy, "-k", "empty_to_the_newest", "tests/gans/database/test_migrate.py")


@pytest.mark.parametrize("name", ["a", "tide_levels", "a_name_as_long_as_it_may_ever_be"])
def test_it_is_clean(copy: Path, name: str) -> None:
    files = [str(path) for path in scaffold(name, copy) if path.suffix == ".py"]
    _run(copy, "ruff", "check", "--no-cache", *files)
    _run(copy, "ruff", "format", "--no-cache", "--check", *files)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is not a name for a source"),
        ("_shared", "is not a name for a source"),
        ("Tides", "is not a name for a source"),
        ("tide-levels", "is not a name for a source"),
        ("tide__levels", "is not a name for a source"),
        ("2tides", "is not a name for a source"),
        ("gezeitenhöhe", "is not a name for a source"),
        ("../tides", "is not a name for a source"),
        ("t" * 33, "is not a name for a source"),
        ("lambda", "a word of Python or of SQL"),
        ("groups", "a word of Python or of SQL"),
        ("weather", "Choose another name"),
        ("countries", "is the name of a table"),
        ("city_hours", "is the name of a table or a view"),
        ("metadata", "a module of tables"),
    ],
)
def test_a_bad_name_writes_nothing(copy: Path, name: str, reason: str) -> None:
    before = sorted(copy.rglob("*"))
    with pytest.raises(ConfigError, match=reason):
        scaffold(name, copy)
    assert sorted(copy.rglob("*")) == before


def test_a_name_is_taken_once_it_is_written(copy: Path) -> None:
    scaffold("tides", copy)
    with pytest.raises(ConfigError, match=r"gans/sources/tides\.py, .* exists already"):
        scaffold("tides", copy)


def test_it_wants_the_folder_of_the_repository(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no gans/sources\. Run this in the folder of the repository"):
        scaffold("tides", tmp_path)
