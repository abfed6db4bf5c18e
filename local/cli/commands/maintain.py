"""What keeps it going: retain, archive, schedule."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import typer

from gans.clock import utc_now
from local.cli.context import SINCE, UNTIL, Json, Names, Use, end_of, open_pipeline, sources_with_keys
from local.console import ago, as_json, err, out, plain, progress, show_outcome, styled, time

if TYPE_CHECKING:
    from local.pipeline import Outcome

app = typer.Typer()


@app.command(name="retain")
def run_retain(json: Json = False) -> None:
    """Drop what need not be kept: old forecasts are thinned, refused items go after 90 days. On AWS it runs every night."""
    from gans.retain import retain

    pipeline = open_pipeline(Use.DATABASE)
    with progress("retain") as on_progress:
        retained = retain(pipeline.engine, utc_now(), on_progress=on_progress)
    if json:
        as_json(retained)
        return
    for name, rows in retained.rows.items():
        out.print(f"  {name:<20} {rows:>12,} rows dropped")


@app.command(name="archive")
def run_archive(since: datetime | None = SINCE, until: datetime | None = UNTIL, json: Json = False) -> None:
    """Compact the hours that are over: Parquet files in the archive, and the stations' history. --from or --to does it again."""
    from gans.archive.archive import ROOT, archive, summary  # duckdb: only here

    pipeline, now = open_pipeline(), utc_now()
    source = pipeline.sources["station_status"]
    last = end_of(until) or now
    with progress("archive") as on_progress:
        hours = archive(
            pipeline.store,
            pipeline.engine,
            source,
            min(last + timedelta(hours=1), now),
            since and since.replace(tzinfo=UTC),
            is_again=bool(since or until),
            on_progress=on_progress,
        )
    unreadable = {key: reason for hour in hours for key, reason in hour.unreadable.items()}
    if json:
        as_json(hours)
    elif hours:
        out.print(f"Archived {summary(hours)}, in {plain(ROOT)} of the landing.")
        for key, reason in unreadable.items():
            out.print(f"  {plain(key)}  {styled('failed')}  {plain(reason)}")
    elif next(pipeline.store.keys(f"landing/{source.name}/"), None):
        out.print("Nothing to archive: every hour that is over is archived as it is landed.")
    else:
        out.print("No station was asked yet: `gans watch add-system` names a system, and `gans schedule` asks it every minute.")
    raise typer.Exit(1 if unreadable else 0)


class _Printed:
    """The report of `gans schedule`: a line for each thing that was done."""

    def ran(self, outcome: "Outcome") -> None:
        show_outcome(outcome)

    def did(self, job: str, summary: str) -> None:
        out.print(f"  {job:<17} {plain(summary)}")

    def failed(self, job: str, reason: str) -> None:
        err.print(f"  {job:<17} [red]{plain(reason)}[/]")


@app.command(name="schedule")
def run_schedule(names: Names = None) -> None:
    """Run every source at its times, archive every hour and retain every night, as EventBridge would on AWS, until Ctrl-C."""
    from local.schedule import Rules, serve

    pipeline = open_pipeline(Use.UPSTREAMS)
    rules = Rules(pipeline, sources_with_keys(pipeline, names), _Printed())
    jobs, now = rules.jobs(), utc_now()
    for job in jobs:
        following = job.schedule.next(now)
        out.print(f"  {job.name:<17} {job.schedule}, next {time(following)} ({ago(following, now)})")
    try:
        serve(jobs, utc_now)
    finally:
        rules.end()
