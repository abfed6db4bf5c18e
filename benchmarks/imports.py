"""What starting costs: importing collect and the functions against what is usual, and `gans --help` against a limit.

Each import is in a Python of its own, which times it; the bytecode of all is there. `gans --help` is the whole process.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks.side_by_side import Benchmark, Suite, seconds

OURS = {
    "collect": ("gans.collect.collect", 0.4),
    "collect_function": ("lambdas.collect", 0.4),
    "load_function": ("lambdas.load", 0.75),
}
"""What is imported, and the most of the usual's time that it may take."""
USUAL = "pandas, sqlalchemy, pymysql, requests, bs4"
HELP_S = 0.3
"""The longest that `gans --help` may take, s."""

ROUNDS = 15
ROOT = Path(__file__).parent.parent


@contextmanager
def suite() -> Iterator[Suite]:
    """All, after a first import that leaves the bytecode."""
    for modules in (USUAL, *(module for module, _ in OURS.values())):
        importing(modules)
    yield Suite(
        [
            *(
                Benchmark(
                    name=f"imports.{name}.usual",
                    unit="imports/s",
                    amount=1,
                    ours=partial(importing, module),
                    peer=partial(importing, USUAL),
                    peer_name=USUAL,
                    target=round(1 / share, 3),
                    rounds=ROUNDS,
                )
                for name, (module, share) in OURS.items()
            ),
            Benchmark(
                name="imports.help.limit",
                unit="starts/s",
                amount=1,
                ours=partial(seconds, partial(_python, "from local.cli.main import main; main()", "--help")),
                peer=lambda: HELP_S,
                peer_name=f"at most {HELP_S} s",
                target=1.0,
                rounds=ROUNDS,
            ),
        ],
        {package: version(package) for package in ("requests", "typer", "aws-lambda-powertools")},
    )


def importing(modules: str) -> float:
    """How long a new Python takes to import `modules`, s."""
    return float(_python(f"from time import perf_counter as now; start = now(); import {modules}; print(now() - start)"))


def _python(program: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
