"""`python -m benchmarks demand`: how near the estimate of censored demand comes, beside the mean of all minutes.

Of real series (`GANS_DATASETS` names their folder) only hours of the week are taken in which a station never stood empty. At half
of the stations three hours of the day are hidden, as if it had stood empty then: in half of the weeks, or in all. Both rules see
what is left; the truth is what was taken in the hidden minutes. The rule before was what was taken over all minutes observed.

What shrinks the estimate (`gans.archive.rates`) was chosen on Oslo's eight weeks to 18 June 2023, which are not shown here. The
series have a snapshot every 20 (Oslo) or 60 minutes (Paris): of what is taken and returned between two, the difference is seen.
"""

import math
import os
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb
import msgspec

from benchmarks.report import Listing
from gans.archive.rates import HOURS, Seen, system_profile, usual_rates

LEAST_MIN: Final = 120
"""Of an hour of the week, to be taken; half of it hidden, to be compared."""


class Series(msgspec.Struct, frozen=True):
    """A recorded series: `query` gives time (UTC), station and vehicles; those farther apart than `gap_min` show no change."""

    name: str
    file: str
    query: str
    zone: str
    gap_min: int


SERIES: Final = (
    Series(
        "Oslo, 26 August to 20 October 2024",
        "oslo/oslo_status_2022-10_2024-11.parquet",
        "SELECT ts, station_id::VARCHAR, bikes FROM read_parquet(?) WHERE ts >= '2024-08-26' AND ts < '2024-10-21'",
        "Europe/Oslo",
        30,
    ),
    Series(
        "Paris, 12 May to 9 June 2022",
        "velib/paris_velib_hourly_2022-05-12_2022-06-09.parquet",
        "SELECT snapshot_utc, name, bikes FROM read_parquet(?) WHERE is_installed AND is_renting",
        "Europe/Paris",
        80,
    ),
)

Cells = Mapping[str, Mapping[int, Sequence[tuple[int, int, int]]]]
"""By station and hour of the week: vehicles taken, minutes with a vehicle and minutes without, week by week."""


def measure() -> tuple[list[Listing], dict[str, str]]:
    """The errors of both rules, in vehicles an hour, with the standard error over stations."""
    folder = Path(os.environ["GANS_DATASETS"])
    rows = [
        (f"{series.name}, {share:.0%} hidden", *_errors(_read(folder, series), share))
        for series in SERIES
        for share in (0.5, 1.0)
    ]
    headings = (
        "hidden hours",
        "taken an hour",
        "error of the estimate",
        "bias of the estimate",
        "error of the mean of all minutes",
        "bias of that mean",
        "cells",
    )
    return [Listing("Demand where nothing could be taken, vehicles an hour", headings, rows)], {"duckdb": duckdb.__version__}


def _read(folder: Path, series: Series) -> Cells:
    found: dict[str, dict[int, list[tuple[int, int, int]]]] = defaultdict(lambda: defaultdict(list))
    rows = duckdb.execute(
        f"""
        WITH told AS (
            SELECT t, s, b, lead(b) OVER later AS next_b, epoch(lead(t) OVER later - t) / 60 AS minutes
            FROM ({series.query}) AS of(t, s, b) WINDOW later AS (PARTITION BY s ORDER BY t)
        ), local AS (
            SELECT *, timezone('{series.zone}', timezone('UTC', t)) AS local_at
            FROM told WHERE minutes BETWEEN 1 AND {series.gap_min}
        )
        SELECT s, (isodow(local_at) - 1) * 24 + hour(local_at) AS hour_of_week, sum(greatest(b - next_b, 0)),
            sum(minutes) FILTER (b > 0), sum(minutes) FILTER (b = 0)
        FROM local GROUP BY s, hour_of_week, date_trunc('week', local_at) ORDER BY ALL
        """,
        [str(folder / series.file)],
    ).fetchall()
    for station, hour, taken, with_vehicle, without in rows:
        found[station][hour].append((int(taken), round(with_vehicle or 0), round(without or 0)))
    return found


def _errors(cells: Cells, share: float) -> tuple[str, ...]:
    chance = random.Random(7)
    seen: dict[str, dict[int, Seen]] = {}
    observed: dict[tuple[str, int], int] = {}
    hidden: dict[tuple[str, int], Seen] = {}
    for station, hours in cells.items():
        first = chance.randrange(24) if chance.random() < 0.5 else None
        seen[station] = {}
        for hour, weeks in hours.items():
            is_chosen = first is not None and (hour % 24 - first) % 24 < 3 and not any(without for _, _, without in weeks)
            is_hidden = [is_chosen and chance.random() < share for _ in weeks]
            left = [week for week, hide in zip(weeks, is_hidden, strict=True) if not hide]
            seen[station][hour] = sum(week[0] for week in left), sum(week[1] for week in left)
            observed[station, hour] = sum(with_vehicle + without for _, with_vehicle, without in weeks)
            gone = [week for week, hide in zip(weeks, is_hidden, strict=True) if hide]
            if sum(week[1] for week in gone) >= LEAST_MIN / 2:
                hidden[station, hour] = sum(week[0] for week in gone), sum(week[1] for week in gone)
    totals = {hour: tuple(map(sum, zip(*(seen[s].get(hour, (0, 0)) for s in seen), strict=True))) for hour in range(HOURS)}
    profile = system_profile({hour: (count, minutes) for hour, (count, minutes) in totals.items()})
    rates = {station: usual_rates(hours, profile) for station, hours in seen.items()}
    ours: dict[str, list[tuple[float, int]]] = defaultdict(list)
    before: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for (station, hour), (taken, minutes) in hidden.items():
        truth = 60 * taken / minutes
        ours[station].append((rates[station].get(hour, 0.0) - truth, minutes))
        before[station].append((60 * seen[station][hour][0] / observed[station, hour] - truth, minutes))
    mean = 60 * sum(taken for taken, _ in hidden.values()) / sum(minutes for _, minutes in hidden.values())
    return f"{mean:.2f}", *_shown(ours), *_shown(before), f"{len(hidden):,}"


def _shown(errors: Mapping[str, Sequence[tuple[float, int]]]) -> tuple[str, str]:
    """The mean absolute error and the bias, weighted by minutes; ± the standard error over stations."""
    shown = []
    for kind in (abs, lambda error: error):
        by_station = [
            (sum(kind(error) * minutes for error, minutes in of), sum(minutes for _, minutes in of)) for of in errors.values()
        ]
        weight = sum(minutes for _, minutes in by_station)
        mean = sum(total for total, _ in by_station) / weight
        spread = sum((total - mean * minutes) ** 2 for total, minutes in by_station)
        shown.append((mean, math.sqrt(spread * len(by_station) / (len(by_station) - 1)) / weight))
    (error, error_se), (bias, bias_se) = shown
    return f"{error:.3f} ± {error_se:.3f}", f"{bias:+.3f} ± {bias_se:.3f}"
