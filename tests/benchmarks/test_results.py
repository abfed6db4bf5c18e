"""The harness of the benchmarks: its arithmetic and what it writes. Nothing is timed here."""

import json
import os
import subprocess
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from benchmarks import answers, imports, report, upsert
from benchmarks.side_by_side import Benchmark, Result, compare, seconds
from gans.database.rows import validate_rows
from gans.tables import weather_forecasts

MISSED = Result(
    name="suite.what.peer", unit="rows/s", ours=50.0, peer=100.0, peer_name="peer", ratio=0.5, target=0.6, holds=False
)
HELD = Result(
    name="suite.other.peer", unit="pages/s", ours=31.256, peer=2.5, peer_name="another", ratio=12.502, target=10.0, holds=True
)


def in_turn(log: list[str], name: str, times: list[float]) -> Callable[[], float]:
    runs = iter(times)

    def run() -> float:
        log.append(name)
        return next(runs)

    return run


@pytest.mark.parametrize(("target", "holds"), [(3.9, True), (4.0, True), (4.001, False)])
def test_the_ratio_is_of_the_medians_and_more_is_better(target: float, holds: bool) -> None:
    log: list[str] = []
    benchmark = Benchmark(
        name="suite.what.peer",
        unit="rows/s",
        amount=1_000,
        ours=in_turn(log, "ours", [9.0, 2.0, 1.0]),
        peer=in_turn(log, "peer", [8.0, 1.0, 80.0]),
        peer_name="a peer",
        target=target,
        rounds=3,
    )
    assert compare(benchmark, lambda: log.append("-")) == Result(
        name="suite.what.peer", unit="rows/s", ours=500.0, peer=125.0, peer_name="a peer", ratio=4.0, target=target, holds=holds
    )
    assert "".join(log) == "ours-peer-peer-ours-ours-peer-"


def test_seconds_does_the_work_once() -> None:
    done: list[int] = []
    assert seconds(lambda: done.append(1)) >= 0
    assert done == [1]


def test_what_is_written(tmp_path: Path) -> None:
    as_json, readme = tmp_path / "results.json", tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nlast time's\n{report.END}\nafter\n")
    report.write([MISSED, HELD], {"MySQL": "9.7.4"}, as_json, readme)
    keys = ["name", "unit", "ours", "peer", "peer_name", "ratio", "target", "holds"]
    written = json.loads(as_json.read_text())
    assert [list(result) for result in written] == [keys, keys]
    assert written[0] == dict(zip(keys, ("suite.what.peer", "rows/s", 50.0, 100.0, "peer", 0.5, 0.6, False), strict=True))
    text = readme.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\n")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "last time's" not in text
    assert "MySQL 9.7.4" in text
    assert "| suite.what.peer | 50 | 100 | peer | rows/s | 0.5 × | ≥ 0.6 × | NO |" in text
    assert "| suite.other.peer | 31.3 | 2.5 |" in text


@pytest.mark.parametrize("markers", [report.DEPLOYED, report.QUERIES])
def test_what_is_written_of_figures_without_a_peer(markers: tuple[str, str], tmp_path: Path) -> None:
    begin, end = markers
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{begin}\nlast time's\n{end}\nafter\n")
    listing = report.Listing("How long", ("source", "p50", "p95"), [("weather", "0.50", "0.75")])
    report.write_listings([listing], {"MiniStack": "1.2"}, markers, readme)
    text = readme.read_text()
    assert text.startswith(f"before\n{begin}\n")
    assert text.endswith(f"| weather | 0.50 | 0.75 |\n{end}\nafter\n")
    assert "last time's" not in text
    assert "MiniStack 1.2" in text
    assert "load average" in text
    assert "How long:\n\n| source | p50 | p95 |\n| --- | --- | --- |\n" in text


def test_the_real_readme_has_a_place_for_the_tables() -> None:
    text = report.README.read_text()
    positions = [text.index(marker) for marker in (report.BEGIN, report.END, *report.DEPLOYED, *report.QUERIES)]
    assert positions == sorted(positions)


def test_the_forecasts_are_rows_in_key_order() -> None:
    rows = list(islice(upsert.forecasts(), 400))
    keys = [tuple(row[name] for name in upsert.KEY) for row in rows]
    assert keys == sorted(set(keys))
    columns = (*rows[0], "fetched_at")
    assert set(columns) == {column.name for column in weather_forecasts.columns}
    validate_rows(weather_forecasts, columns, [[*row.values(), upsert.SLOT] for row in rows])


def test_without_the_recorded_answers_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANS_CAPTURES", raising=False)
    with answers.suite() as suite:
        assert not suite.benchmarks
        assert "GANS_CAPTURES" in suite.why_none


@pytest.mark.skipif("GANS_CAPTURES" not in os.environ, reason="GANS_CAPTURES is not set")
def test_every_recorded_answer_gives_rows_on_both_sides() -> None:
    with answers.suite() as suite:
        names = [benchmark.name.split(".") for benchmark in suite.benchmarks]
        assert names == [
            ["answers", source, way] for source in ("flights", "openweather", "weather") for way in ("rows", "checked")
        ]
        for benchmark in suite.benchmarks:
            assert benchmark.amount > 1_000
            assert benchmark.ours() > 0
            assert benchmark.peer() > 0


def test_an_import_is_timed_in_a_python_of_its_own() -> None:
    assert 0 < imports.importing("json") < 60
    with pytest.raises(subprocess.CalledProcessError):
        imports.importing("there_is_no_such_module")
