"""What `gans demo` prints: how it goes, the ledger, and one city's next hours."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from gans.reading.hours import wettest
from local import console
from local.console import ago, line, out, plain, progress, show_outcome, styled, table
from local.demo import Report
from local.pipeline import Outcome, Pipeline
from local.status import statuses

if TYPE_CHECKING:
    from gans.archive.archive import Archived

HOURS_SHOWN: Final = timedelta(hours=24)


class Printed(Report):
    """Says it on the terminal."""

    def begin(self, what: str) -> None:
        out.print(f"[bold]{plain(what)}[/]")

    def progress(self, task: str) -> AbstractContextManager[Callable[[int, int], None]]:
        return progress(task)

    def ran(self, outcome: Outcome) -> None:
        show_outcome(outcome)

    def looked_at(self, at: datetime, stations: int, empty: int, full: int) -> None:
        bars = f"[red]{'▇' * round(empty / 5)}[/][blue]{'▇' * round(full / 5)}[/]"
        said = f"  {at:%H:%M}             {stations:,} stations, {empty:>3} empty, {full:>3} full  {bars}"
        out.print(said, no_wrap=True, overflow="crop")

    def archived(self, hours: "Sequence[Archived]") -> None:
        rows, size_mb = sum(hour.rows for hour in hours), sum(hour.file_bytes for hour in hours) / 1e6
        did = f"{len(hours)} hours: {rows:,} rows as Parquet, {size_mb:.1f} MB, and what is usual at each station"
        line(f"  {'archived':<17} ", did)


def show(pipeline: Pipeline, now: datetime) -> None:
    """The ledger, and one city's next hours."""
    table(
        ("source", "last slot (UTC)", "status", "rows", "refused", "next run"),
        (
            (
                one.source,
                console.time(one.last_slot),
                styled(one.status),
                f"{one.rows:,}",
                str(one.rejected),
                ago(one.next_slot, now) if one.next_slot else "",
            )
            for one in statuses(pipeline, now)
        ),
        title="The ledger",
        numbers=("rows", "refused"),
    )
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = wettest(pipeline.engine, hour, hour + HOURS_SHOWN)
    if rows:
        out.print()
        _show_hours(rows)


def _show_hours(rows: Sequence[Mapping[str, Any]]) -> None:
    warmest = max(abs(row["temperature_c"] or 0) for row in rows) or 1
    cells = (
        (
            f"{row['local_hour']:02}:00",
            plain(row["condition_label"] or "–"),
            f"{row['temperature_c']:.1f}",
            f"[{'red' if row['temperature_c'] >= 0 else 'blue'}]{'▇' * round(6 * abs(row['temperature_c']) / warmest)}[/]",
            f"{row['precipitation_mm']:.1f}" if row["precipitation_mm"] else "",
            f"[blue]{'▇' * min(6, round(row['precipitation_mm'] * 3))}[/]" if row["precipitation_mm"] else "",
            f"{row['precipitation_probability_pct']}",
            f"{row['wind_gust_kmh']:.0f}",
            "" if row["arrivals"] is None else f"{row['arrivals']}",
            {1: "[green]●[/] yes", 0: "[red]○[/] no", None: "?"}[row["is_rideable"]],
        )
        for row in rows
    )
    columns = ("hour", "weather", "°C", "", "mm", " ", "rain %", "km/h", "flights", "ride?")
    title = f"{plain(rows[0]['city'])}, {rows[0]['local_on']}: the next {len(rows)} hours, local time (SELECT * FROM city_hours)"
    table(columns, cells, title=title, numbers=("°C", "mm", "rain %", "km/h", "flights"))
