"""The import contracts of `pyproject.toml` bite: a forbidden import, put into a copy, breaks the contract that forbids it."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
FORBIDDEN = {
    "Doors over the house": ("gans/jobs.py", "local.demo"),
    "Data flows one way, and every room has its floor": ("gans/database/rows.py", "gans.retain"),
    "A source knows what a source is, and nothing of the world": ("gans/sources/weather.py", "sqlalchemy"),
    "A decision is pure": ("gans/decisions/placement.py", "gans.tables"),
    "Decisions do not know each other": ("gans/decisions/another.py", "gans.decisions.placement"),
    "Collect knows no SQL": ("gans/collect/collect.py", "pymysql"),
    "What is behind the queue never asks the internet": ("gans/load/publish.py", "requests"),
    "The dashboard reaches nothing that writes": ("dashboard/pages/map.py", "gans.lifecycle.record"),
    "What is deployed knows nothing of how it is deployed": ("lambdas/retain.py", "infra_cdk.costs"),
    "Deploying needs no database": ("infra_cdk/costs.py", "gans.tables.weather"),
}
"""By contract: a file, and what it must not import."""


def test_each_contract_is_tried() -> None:
    assert list(FORBIDDEN) == [contract["name"] for contract in CONTRACTS["contracts"]]


def test_a_forbidden_import_and_a_room_without_a_floor_are_refused(tmp_path: Path) -> None:
    for package in CONTRACTS["root_packages"]:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, module in FORBIDDEN.values():
        with (tmp_path / path).open("a", encoding="utf-8") as file:
            file.write(f"\nimport {module}\n")
    (tmp_path / "gans" / "attic.py").touch()
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "300"}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1, run.stderr
    for name, (path, module) in FORBIDDEN.items():
        assert f"{name} BROKEN" in run.stdout, run.stdout
        assert f"{path.removesuffix('.py').replace('/', '.')} -> {module}" in run.stdout
    assert "gans.attic" in run.stdout, "a new room must find its floor"
