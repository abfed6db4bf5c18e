"""The costs: that they add up, follow what was measured, and count what the stacks have."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from gans.sources import asked
from infra_cdk import costs
from infra_cdk.costs import HOURS, PRICES, Run, Stacks, at, run_s

NOTHING = Stacks(kinds={}, instance="", storage_gb=0, zones=0, collect_mb=256, load_mb=512)
FREE = dict.fromkeys(PRICES, 0.0)


def run(source: str = "weather", cities: int = 10, **values: Any) -> Run:
    nothing = {"requests": 0, "collect_ms": 0.0, "load_ms": 0.0, "objects": 0, "reads": 0, "messages": 0}
    return Run(**{"source": source, "cities": cities, **nothing, "bytes_landed": 0, "rows_written": 0, **values})


@pytest.mark.parametrize(
    ("price", "stacks", "measured", "amount"),
    [
        # Weather runs every three hours, 730 / 3 times a month; a loader of 512 MB has 512 / 1769 of a processor.
        ("put", {}, {"objects": 3}, HOURS / 3 * 3),
        ("get", {}, {"reads": 2}, HOURS / 3 * 2),
        # What measures runs every minute for a tenth of a second.
        ("function, request", {}, {"messages": 2}, HOURS / 3 * 3 + HOURS * 60),
        ("function, GB-second", {}, {"load_ms": 1000.0}, HOURS / 3 * 1769 / 512 * 0.5 + HOURS * 60 * 0.05),
        ("function, GB-second", {}, {"collect_ms": 1000.0}, HOURS / 3 * 1769 / 256 * 0.25 + HOURS * 60 * 0.05),
        ("function, GB-second", {}, {"requests": 1}, HOURS / 3 * 0.5 * 0.25 + HOURS * 60 * 0.05),
        ("function, GB-second", {}, {"requests": 3}, HOURS / 3 * 20 * 0.25 + HOURS * 60 * 0.05),  # two wait for ten seconds
        ("object storage, GB", {}, {"bytes_landed": 10**9}, HOURS / 3 * 12),
        ("custom metric", {}, {}, 5 / 3 + 3 + 1),
        ("endpoint, hour and zone", {"zones": 2}, {}, 2 * HOURS),
        ("alarm", {"kinds": {"CloudWatch::Alarm": 7}}, {}, 7),
        ("database storage, GB", {"instance": "db.t4g.micro", "storage_gb": 20.0}, {}, 20),
        ("database storage, GB", {"instance": "db.t4g.micro"}, {"rows_written": 10**6}, 8 * (60 + 305 / 9) * 0.28),
    ],
)
def test_each_price_is_paid_for_what_it_is_for(
    monkeypatch: pytest.MonkeyPatch, price: str, stacks: dict[str, Any], measured: dict[str, Any], amount: float
) -> None:
    monkeypatch.setattr(costs, "PRICES", {**FREE, price: 2.0})
    monkeypatch.setattr(costs, "INSTANCE_HOUR", {"db.t4g.micro": 0.0})
    monthly = costs.costs(msgspec.structs.replace(NOTHING, **stacks), [run(**measured)], 10, asked())
    assert sum(monthly.values()) == pytest.approx(2 * amount)


def test_the_columns_add_up_and_the_table_says_what_was_not_measured(deployed: Callable[[str], Any]) -> None:
    stacks = Stacks.of(deployed("none").resources)
    runs = [run(name, cities, requests=cities, messages=1) for name in asked() for cities in (10, 100)]
    table = costs.markdown(stacks, runs, asked())
    lines = [[cell.strip(" *") for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("|")]
    for column in range(1, 4):
        *parts, whole = (float(line[column].replace(",", "")) for line in lines[2:])
        assert whole == pytest.approx(sum(parts), abs=0.05)
    assert float(lines[-1][1]) < float(lines[-1][3])
    assert "Measured with 10 and 100 cities; 1,000 on the straight line" in table
    assert "`openweather` of 1,000 cities would take 20 minutes" in table


def test_what_there_is_is_counted_in_the_stacks(deployed: Callable[[str], Any]) -> None:
    resources = deployed("none").resources
    stacks = Stacks.of(resources)
    assert (stacks.instance, stacks.zones) == ("db.t4g.micro", 1)
    assert stacks.kinds["CloudWatch::Alarm"] > 10
    assert Stacks.of({name: found for name, found in resources.items() if "RDS" not in found["Type"]}).instance == ""


def test_a_count_in_between_lies_on_the_line_through_the_two_nearest() -> None:
    runs = [run(cities=10, requests=1), run(cities=100, requests=10), run(cities=1_000, requests=400), run("cities", requests=7)]
    assert [(one.source, one.requests) for one in at(runs, 100)] == [("cities", 7), ("weather", 10)]
    assert {one.source: one.requests for one in at(runs, 55)} == {"cities": 7, "weather": 5}
    assert {one.source: one.requests for one in at(runs, 2_000)}["weather"] == 833


def test_a_run_waits_for_the_upstream_and_for_politeness() -> None:
    weather = msgspec.structs.replace(asked()["weather"], pause=timedelta(seconds=10))
    assert run_s(NOTHING, weather, run(requests=1)) == 0.5
    assert run_s(NOTHING, weather, run(requests=4)) == 30
