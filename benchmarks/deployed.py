"""The whole as deployed, on a local AWS: from a rule's firing to the rows, and 1,000 cities.

`python -m benchmarks deployed` keeps what it measures; `python -m benchmarks.deployed --rounds 3` only prints, sooner.

An event that a rule of its own matches fires each function, since the instant of a scheduled firing is known to the second only.
The upstream's share is what the simulator took to answer (at the simulator a source keeps no pauses); the pipeline's own share is
all the rest: EventBridge, Lambda, S3, SQS and MySQL, as they are on this machine.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from sqlalchemy import Engine, func, select

from benchmarks import database, report
from benchmarks.report import Listing
from gans.reference import KEY, snapshot_key
from gans.source import registry
from gans.tables import collection_runs, metadata
from local.deployed import Deployed

CITIES, MANY, ROUNDS = 10, 1_000, 20
OWN_S, COLLECT_MIB, LOAD_MIB = 1.0, 256, 512
"""The targets: p95 of the pipeline's own share when warm; peak memory of the functions."""

_EVENTS = "benchmark"
_LOOK_S = 0.01
_WAIT_S = 900.0


class Timed:
    """How long the upstreams took to answer."""

    def __init__(self, aws: Deployed) -> None:
        self._answers_s: list[float] = []
        self._respond = aws.simulator.respond
        aws.simulator.respond = self._timed  # type: ignore[assignment,method-assign]

    def _timed(self, *arguments: Any) -> Any:
        began = time.monotonic()
        try:
            return self._respond(*arguments)
        finally:
            self._answers_s.append(time.monotonic() - began)

    def share_s(self) -> float:
        """The seconds since the last look."""
        answers_s, self._answers_s = self._answers_s, []
        return sum(answers_s)


def main(rounds: Annotated[int, typer.Option(min=2, help="Warm firings of every source.")] = ROUNDS) -> None:
    """Measures and prints."""
    for listing in measure(rounds)[0]:
        Console().print(report.listed(listing))


def measure(rounds: int = ROUNDS) -> tuple[Sequence[Listing], Mapping[str, str]]:
    """Deploys and measures, and says on the way what it does.

    Returns:
        The figures, and the versions of what they were measured on.

    Raises:
        ConfigError: something is not installed, does not start, or the deploy failed.
        TimeoutError: a firing gave no rows.
    """
    console = Console(stderr=True)

    def tell(line: str) -> None:
        console.print(f"{datetime.now(UTC):%H:%M:%S}  {line}", style="dim", markup=False, highlight=False)

    with (
        tempfile.TemporaryDirectory(prefix="gans-") as folder,
        Deployed(Path(folder), cities=MANY, on_progress=tell) as aws,
    ):
        aws.deploy()
        _fill(aws)
        _rules(aws)
        timed = Timed(aws)
        latencies = _latencies(aws, timed, rounds, tell)
        tell(f"{MANY:,} cities")
        versions = {**database.versions(aws.engine), "MiniStack": version("ministack")}
        return (latencies, _many(aws, timed)), versions


def _fill(aws: Deployed) -> None:
    """A few cities and all that hangs on them; then the rules of the deploy fire no more."""
    aws.store.write(KEY, msgspec.json.encode({"cities": aws.simulator.world.watchlist()[:CITIES]}))
    slots = select(collection_runs.c.source).where(collection_runs.c.rows_offered > 0).distinct()
    _await(lambda: len(_answer(aws.engine, slots)) == len(registry()))
    client = aws.cloud.client("events")
    for rule in client.list_rules()["Rules"]:
        client.disable_rule(Name=rule["Name"])
    _await(lambda: not _pending(aws))


def _rules(aws: Deployed) -> None:
    """A rule for each source, which an event fires that names it."""
    client, functions = aws.cloud.client("events"), aws.functions()
    for source in registry():
        name = f"{_EVENTS}-{source}"
        client.put_rule(Name=name, EventPattern=json.dumps({"source": [_EVENTS], "detail-type": [source]}))
        arn = aws.cloud.client("lambda").get_function(FunctionName=functions[source])["Configuration"]["FunctionArn"]
        client.put_targets(Rule=name, Targets=[{"Id": "function", "Arn": arn, "InputPath": "$.detail"}])


def _fire(aws: Deployed, source: str, slot: datetime) -> float:
    """Fires the source's rule; the time to the rows in the database, in seconds."""
    of_slot = select(collection_runs.c.attempt_at).where(collection_runs.c.source == source, collection_runs.c.slot_at == slot)
    entry = {"Source": _EVENTS, "DetailType": source, "Detail": json.dumps({"slot": slot.isoformat()})}
    began = time.monotonic()
    aws.cloud.client("events").put_events(Entries=[entry])
    _await(lambda: bool(_answer(aws.engine, of_slot)))
    return time.monotonic() - began


def _latencies(aws: Deployed, timed: Timed, rounds: int, tell: Callable[[str], None]) -> Listing:
    """Each round is a slot of its own, so that its rows are new."""
    rows = []
    slot = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=1)
    for source in registry().values():
        tell(f"{source.name}, {rounds} rounds")
        whole, own = [], []
        for round_ in range(rounds + 2):  # two to warm up
            slot += timedelta(minutes=1)
            timed.share_s()
            took = _fire(aws, source.name, slot)
            if round_ >= 2:
                whole.append(took)
                own.append(took - timed.share_s())
        late = _p95(own)
        figures = (statistics.median(whole), _p95(whole), statistics.median(own), late)
        rows.append((source.name, *map(_seconds, figures), _holds(late < OWN_S)))
    return Listing(
        f"From a rule's firing to the rows in MySQL, {CITIES} cities, {rounds} warm rounds, seconds",
        ("source", "p50", "p95", "own share p50", "own share p95", f"own p95 < {OWN_S:g} s"),
        rows,
    )


def _many(aws: Deployed, timed: Timed) -> Listing:
    """The weather of a thousand cities, once."""
    cities = [
        {"city_id": city.city_id, "latitude": city.latitude, "longitude": city.longitude, "timezone": city.timezone}
        for city in aws.simulator.world.cities
    ]
    aws.store.write(snapshot_key("cities"), msgspec.json.encode(cities))
    source, slot = registry()["weather"], datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=2)
    functions = aws.functions()
    runs = collection_runs.c
    of_slot = select(func.sum(runs.requests), func.sum(runs.rows_offered), func.count(), func.sum(runs.units_failed)).where(
        runs.source == source.name, runs.slot_at == slot
    )
    timed.share_s()
    began = time.monotonic()
    _fire(aws, source.name, slot)
    forecasts = metadata.tables["weather_forecasts"].c
    stored = select(func.count(forecasts.city_id.distinct())).where(forecasts.issued_at == slot)
    _await(lambda: _answer(aws.engine, stored)[0][0] == MANY)
    took = time.monotonic() - began
    ((requests, rows, parts, failed),) = _answer(aws.engine, of_slot)
    peaks = []
    for name, limit_mib in ((source.name, COLLECT_MIB), ("load", LOAD_MIB)):
        peak = _peak_mib(aws, functions[name])
        peaks.append((f"peak memory of {name}", f"{peak:.0f} MiB", f"≤ {limit_mib} MiB: {_holds(peak <= limit_mib)}"))
    counts = (("requests", requests), ("objects, messages", parts), ("rows", rows), ("units that failed", failed))
    return Listing(
        f"The weather of {MANY:,} cities, once through",
        ("what", "measured", "target"),
        [
            ("wall time", f"{took:.1f} s", ""),
            ("… without the upstream's answers", f"{took - timed.share_s():.1f} s", ""),
            *peaks,
            *((what, f"{count:,}", "") for what, count in counts),
        ],
    )


def _peak_mib(aws: Deployed, function: str) -> float:
    """The most that a process of the function ever held."""
    statuses = (Path(f"/proc/{process}/status").read_text() for process in aws.cloud.functions()[function])
    return max(int(line.split()[1]) for status in statuses for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def _pending(aws: Deployed) -> set[str]:
    """What was landed and is not in the ledger."""
    return set(aws.store.keys("landing/")) - {row[0] for row in _answer(aws.engine, select(collection_runs.c.landing_key))}


def _answer(engine: Engine, query: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(query))


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came of it within {_WAIT_S:.0f} s; the functions' log says why")
        time.sleep(_LOOK_S)


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _seconds(value: float) -> str:
    return f"{value:.2f}"


def _holds(holds: bool) -> str:
    return "yes" if holds else "NO"


if __name__ == "__main__":
    typer.run(main)
