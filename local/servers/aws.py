"""`make aws-local` (`python -m local.servers.aws`): Gans deployed to a local AWS: its rules fire, its tables fill."""

import shutil
import signal
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine, case, func, select
from sqlalchemy.exc import DBAPIError

from gans.errors import GansError
from gans.sources import asked, registry
from gans.tables import collection_runs, metadata
from local import console
from local.servers.deployment import Deployed, Line

FOLDER = Path("data/aws")
_LOOK_S = 2.0
_LOG_LINES = 6
_LOG_TIME = timedelta(minutes=10)


class _LogRecord(msgspec.Struct):
    """A line of JSON that a function logged."""

    level: str = ""
    message: str = ""


def main(
    cities: Annotated[int, typer.Option(min=1, max=1000, help="How many simulated cities are watched.")] = 10,
    every: Annotated[int, typer.Option(min=1, max=60, help="Minutes between two firings of a source.")] = 1,
) -> None:
    """Runs until Ctrl-C, then stops everything that it started, and removes what it made but the log."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stopped)
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        with Deployed(FOLDER.resolve(), cities=cities, every_minutes=every, on_progress=_print_progress) as aws:
            aws.deploy()
            aws.watch()
            _print_how_to_ask(aws)
            show(aws)
    except KeyboardInterrupt:
        _print_progress("everything is stopped")
    except GansError as error:
        console.err.print(f"[red]{console.plain(error)}[/]")
        raise typer.Exit(2) from None
    finally:
        tidy(FOLDER)
        _print_progress(f"{FOLDER} keeps the log; build/ keeps what the functions are made of, until `make clean`")


def tidy(folder: Path) -> None:
    """Removes everything that a deployment made, unpacked functions and all, but its logs."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix != ".log":
            path.unlink(missing_ok=True)


def _stopped(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


def _print_progress(line: str) -> None:
    console.err.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/]  {console.plain(line)}")


def _print_how_to_ask(aws: Deployed) -> None:
    environment = FOLDER / "environment"
    environment.write_text("".join(f"export {name}={value}\n" for name, value in aws.environment.items()))
    console.out.print(
        f"\nGans is deployed to [bold]{aws.cloud.endpoint}[/]: bucket {aws.bucket}, {len(aws.functions())} functions.\n"
        f"In another terminal:\n\n"
        f"  source .venv/bin/activate && source {environment}\n"
        f"  gans status\n"
        f'  gans db shell "SELECT city, local_hour, temperature_c, is_rideable FROM city_hours LIMIT 5"\n\n'
        f"What the functions log goes to {FOLDER / aws.cloud.log.name} too. Ctrl-C stops everything.\n"
    )


def show(aws: Deployed) -> None:
    """Looks at the database, and at what failed, every few seconds until Ctrl-C."""
    with Live(console=console.out, auto_refresh=False, vertical_overflow="visible") as live:
        while True:
            live.update(_view(aws), refresh=True)
            time.sleep(_LOOK_S)


def _view(aws: Deployed) -> RenderableType:
    try:
        parts: list[RenderableType] = [_runs(aws.engine), Text(), _tables(aws.engine)]
    except DBAPIError as error:
        parts = [Text(f"The database does not answer: {error.orig}", style="red")]
    errors = [line._replace(text=text) for line in aws.log(datetime.now(UTC) - _LOG_TIME) if (text := error_in(line.text))]
    if errors:
        parts += [Text(), Text("Errors of the last ten minutes", style="bold"), *map(_shown, errors[-_LOG_LINES:])]
    return Group(*parts)


def error_in(line: str) -> str:
    """The error that a function logged, or the last line of a traceback; "" in every other line."""
    with suppress(msgspec.DecodeError):
        record = msgspec.json.decode(line, type=_LogRecord)
        return record.message if record.level in ("ERROR", "CRITICAL") else ""
    return "" if line.startswith((" ", "Traceback", "START ", "END ", "REPORT ")) else line


def _shown(line: Line) -> Text:
    return Text.from_markup(f"[dim]{line.at:%H:%M:%S}[/] {line.function}  [red]{console.plain(line.text)}[/]")


def _runs(engine: Engine) -> Table:
    """A line per source: its runs so far, and the last."""
    runs = collection_runs.c
    failed = func.sum(case((runs.status == "failed", 1), else_=0))
    counts = select(runs.source, func.count().label("runs"), failed.label("failed")).group_by(runs.source)
    with engine.connect() as connection:
        known = {row.source: row for row in connection.execute(counts)}
        last = {
            row.source: row
            for row in connection.execute(select(collection_runs).order_by(runs.slot_at, runs.attempt_at, runs.part))
        }
    shown = Table("source", "last slot", "status", box=None, pad_edge=False, header_style="bold")
    for name in ("rows", "refused", "runs", "failed"):
        shown.add_column(name, justify="right")
    shown.add_column("stored after")
    for name in asked():
        if name not in last:
            shown.add_row(name, "–", "[dim]not yet[/]")
            continue
        run, count = last[name], known[name]
        shown.add_row(
            name,
            f"{run.slot_at:%H:%M}",
            console.styled(run.status),
            f"{run.rows_offered:,}",
            str(run.rows_rejected),
            str(count.runs),
            str(count.failed),
            f"{(run.loaded_at - run.slot_at).total_seconds():.0f} s",
        )
    return shown


def _tables(engine: Engine) -> Table:
    """How many rows each table has that the sources write."""
    written = sorted({name for source in registry().values() for name in source.writes})
    with engine.connect() as connection:
        counts = {name: connection.scalar(select(func.count()).select_from(metadata.tables[name])) for name in written}
    shown = Table("table", box=None, pad_edge=False, header_style="bold")
    shown.add_column("rows", justify="right")
    for name, count in counts.items():
        shown.add_row(name, f"{count:,}" if count else "[dim]–[/]")
    return shown


if __name__ == "__main__":
    typer.run(main)
