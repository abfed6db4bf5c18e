"""`python -m benchmarks`: all of them, or those whose names begin with what is given."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks import (
    answers,
    archive,
    assets,
    cities,
    dashboard,
    demand,
    deployed,
    imports,
    minute,
    pages,
    queries,
    report,
    snapshot,
    upsert,
)
from benchmarks.side_by_side import Result, Suite, compare

SUITES: dict[str, Callable[[], AbstractContextManager[Suite]]] = {
    "upsert": upsert.suite,
    "pages": pages.suite,
    "answers": answers.suite,
    "imports": imports.suite,
    "assets": assets.suite,
    "cities": cities.suite,
    "archive": archive.suite,
    "snapshot": snapshot.suite,
    "minute": minute.suite,
    "dashboard": dashboard.suite,
}
APART: dict[str, tuple[Callable[[], tuple[Sequence[report.Listing], Mapping[str, str]]], tuple[str, str]]] = {
    "deployed": (deployed.measure, report.DEPLOYED),
    "queries": (queries.measure, report.QUERIES),
    "demand": (demand.measure, report.DEMAND),
}
"""What has no peers and takes minutes, so that each is run by its name alone; and between which markers it is kept."""


def main(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"Only these: names, or beginnings like `upsert.fresh`. There are {', '.join(SUITES)}; alone {', '.join(APART)}."
        ),
    ] = None,
) -> None:
    """Runs the benchmarks beside their peers and prints the ratios. A run of all is kept in results.json and README.md."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    if names and names[0] in APART and len(names) == 1:
        _apart(console, names[0])
        return
    results: list[Result] = []
    left_out: list[str] = []
    versions: dict[str, str] = {}
    for name, opened in SUITES.items():
        if names and not any(wanted.startswith(name) or name.startswith(wanted) for wanted in names):
            continue
        with opened() as suite, Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            if suite.why_none:
                left_out.append(f"{name} left out: {suite.why_none}.")
            versions |= suite.versions
            for benchmark in suite.benchmarks:
                if names and not benchmark.name.startswith(tuple(names)):
                    continue
                task = progress.add_task(benchmark.name, total=2 * benchmark.rounds)
                results.append(compare(benchmark, partial(progress.advance, task)))
    if not results and not left_out:
        raise typer.BadParameter(f"no benchmark begins with {' or '.join(names or [])}", param_hint="names")
    console.print(report.table(results))
    missed = [result.name for result in results if not result.holds]
    console.print(*left_out, f"Missed: {', '.join(missed)}." if missed else "No target is missed.", sep="\n")
    if not names:
        report.write(results, versions)


def _apart(console: Console, name: str) -> None:
    measure, markers = APART[name]
    listings, versions = measure()
    for listing in listings:
        console.print(report.listed(listing))
    report.write_listings(listings, versions, markers)


if __name__ == "__main__":
    typer.run(main)
