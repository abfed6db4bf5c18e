"""What starting costs: importing `gans.collect` against what a usual collector imports, and `gans --help` against a limit.

Each import is in a Python of its own, which times it; the bytecode of both is there. `gans --help` is the whole process.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks.side_by_side import Benchmark, Suite, seconds

OURS = "gans.collect"
USUAL = "pandas, sqlalchemy, pymysql, requests, bs4"
HELP_S = 0.3
"""The longest that `gans --help` may take, s."""

ROUNDS = 15
ROOT = Path(__file__).parent.parent


@contextmanager
def suite() -> Iterator[Suite]:
    """Both, after a first import that leaves the bytecode."""
    for modules in (OURS, USUAL):
        importing(modules)
    yield Suite(
        [
            Benchmark(
                name="imports.collect.usual",
                unit="imports/s",
                amount=1,
                ours=partial(importing, OURS),
                peer=partial(importing, USUAL),
                peer_name=USUAL,
                target=2.5,
                rounds=ROUNDS,
            ),
            Benchmark(
                name="imports.help.limit",
                unit="starts/s",
                amount=1,
                ours=partial(seconds, partial(_python, "from local.cli import main; main()", "--help")),
                peer=lambda: HELP_S,
                peer_name=f"at most {HELP_S} s",
                target=1.0,
                rounds=ROUNDS,
            ),
        ],
        {package: version(package) for package in ("requests", "typer")},
    )


def importing(modules: str) -> float:
    """How long a new Python takes to import `modules`, s."""
    return float(_python(f"from time import perf_counter as now; start = now(); import {modules}; print(now() - start)"))


def _python(program: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
