"""The whole as deployed, on a local AWS: from a rule's firing to the rows, from a feed to what people see, and 1,000 cities.

`python -m benchmarks deployed` keeps what it measures; `python -m benchmarks.deployed --rounds 3` only prints, sooner.

An event that a rule of its own matches fires each function, since the instant of a scheduled firing is known to the second only.
The upstream's share is what the simulator took to answer (at the simulator a source keeps no pauses); the pipeline's own share is
all the rest: EventBridge, Lambda, S3, SQS and MySQL, as they are on this machine. The upstreams' clock goes a minute further with
each firing, so that what is renewed every minute is new each time.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.message import Message
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from sqlalchemy import Engine, func, select

from benchmarks import database, report
from benchmarks.report import Listing
from gans.sources import asked
from gans.storage.reference import snapshot_key
from gans.storage.watchlist import KEY
from gans.tables import collection_runs, metadata
from gans.tables.mobility import station_status
from local.servers.deployment import Deployed
from local.simulator.gbfs import TESTVILLE, VELIB

CITIES, MANY, ROUNDS, MINUTES = 10, 1_000, 20, 40
OWN_S, SEEN_S, COLLECT_MIB, LOAD_MIB = 1.0, 1.0, 256, 512
"""The targets: p95 of the pipeline's own share when warm, and of the time until a feed's answer is seen; peak memory of the
functions."""

_EVENTS = "benchmark"
_SYSTEMS = {"velib": VELIB, "testville": TESTVILLE}
_LOOK_S = 0.01
_WAIT_S = 900.0


class Clock:
    """The upstreams': put forward by a minute at a time.

    It is far ahead of this machine's from the start: a feed whose time is not to be believed is asked for whatever it says of
    how long it holds.
    """

    def __init__(self) -> None:
        self._ahead = timedelta(hours=1)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def tick(self) -> None:
        """It is a minute later."""
        self._ahead += timedelta(minutes=1)


class Timed:
    """How long the upstreams took to answer.

    Attributes:
        answered: when each host gave its last answer, by the monotonic clock.
    """

    def __init__(self, aws: Deployed) -> None:
        self.answered: dict[str, float] = {}
        self._answers_s: list[float] = []
        self._respond = aws.simulator.respond
        aws.simulator.respond = self._timed  # type: ignore[method-assign]

    def _timed(self, target: str, headers: Message) -> Any:
        began = time.monotonic()
        try:
            return self._respond(target, headers)
        finally:
            ended = time.monotonic()
            self._answers_s.append(ended - began)
            self.answered[target.split("/")[1]] = ended

    def share_s(self) -> float:
        """The seconds since the last look."""
        answers_s, self._answers_s = self._answers_s, []
        return sum(answers_s)


def main(
    rounds: Annotated[int, typer.Option(min=2, help="Warm firings of every source.")] = ROUNDS,
    minutes: Annotated[int, typer.Option(min=2, help="Answers of the station feeds.")] = MINUTES,
) -> None:
    """Measures and prints."""
    for listing in measure(rounds, minutes)[0]:
        Console().print(report.listed(listing))


def measure(rounds: int = ROUNDS, minutes: int = MINUTES) -> tuple[Sequence[Listing], Mapping[str, str]]:
    """Deploys and measures, and says on the way what it does.

    Returns:
        The figures, and the versions of what they were measured on.

    Raises:
        ConfigError: something is not installed, does not start, or the deploy failed.
        TimeoutError: a firing gave no rows.
    """
    console = Console(stderr=True)

    def on_progress(line: str) -> None:
        console.print(f"{datetime.now(UTC):%H:%M:%S}  {line}", style="dim", markup=False, highlight=False)

    clock = Clock()
    with (
        tempfile.TemporaryDirectory(prefix="gans-") as folder,
        Deployed(Path(folder), cities=MANY, clock=clock, on_progress=on_progress) as aws,
    ):
        aws.deploy()
        _fill(aws)
        _rules(aws)
        timed = Timed(aws)
        on_progress(f"station feeds, {minutes} minutes")
        seen = _seen(aws, timed, clock, minutes)
        latencies = _latencies(aws, timed, clock, rounds, on_progress)
        on_progress(f"{MANY:,} cities")
        versions = {**database.versions(aws.engine), "MiniStack": version("ministack")}
        return (latencies, seen, _many(aws, timed)), versions


def _fill(aws: Deployed) -> None:
    """A few cities, the systems and all that hangs on them; then the rules of the deploy fire no more."""
    world = aws.simulator.world
    aws.store.write(KEY, msgspec.json.encode({"cities": world.watchlist()[:CITIES], "systems": world.systems()}))
    slots = select(collection_runs.c.source).where(collection_runs.c.rows_offered > 0).distinct()
    _await(lambda: len(_answer(aws.engine, slots)) == len(asked()))
    client = aws.cloud.client("events")
    for rule in client.list_rules()["Rules"]:
        client.disable_rule(Name=rule["Name"])
    _await(lambda: not _pending(aws))


def _rules(aws: Deployed) -> None:
    """A rule for each source, which an event fires that names it."""
    client, functions = aws.cloud.client("events"), aws.functions()
    for source in asked():
        name = f"{_EVENTS}-{source}"
        client.put_rule(Name=name, EventPattern=json.dumps({"source": [_EVENTS], "detail-type": [source]}))
        arn = aws.cloud.client("lambda").get_function(FunctionName=functions[source])["Configuration"]["FunctionArn"]
        client.put_targets(Rule=name, Targets=[{"Id": "function", "Arn": arn, "InputPath": "$.detail"}])


def _put(aws: Deployed, source: str, slot: datetime) -> None:
    entry = {"Source": _EVENTS, "DetailType": source, "Detail": json.dumps({"slot": slot.isoformat()})}
    aws.cloud.client("events").put_events(Entries=[entry])


def _fire(aws: Deployed, source: str, slot: datetime) -> float:
    """Fires the source's rule; the time to the rows in the database, in seconds."""
    of_slot = select(collection_runs.c.attempt_at).where(collection_runs.c.source == source, collection_runs.c.slot_at == slot)
    began = time.monotonic()
    _put(aws, source, slot)
    _await(lambda: bool(_answer(aws.engine, of_slot)))
    return time.monotonic() - began


def _seen(aws: Deployed, timed: Timed, clock: Clock, minutes: int) -> Listing:
    """From a system's answer to what the dashboard reads, minute by minute; a first one warms up."""
    columns = station_status.c
    newest = select(columns.system_id, func.max(columns.fetched_at)).group_by(columns.system_id)
    stations = select(columns.system_id, func.count()).group_by(columns.system_id)
    seen_s: dict[str, list[float]] = {system: [] for system in _SYSTEMS}
    slot = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=2)
    for minute in range(minutes + 1):
        clock.tick()
        before, seen_at = set(_answer(aws.engine, newest)), dict[str, float]()

        def has_all(before: set[Any] = before, seen_at: dict[str, float] = seen_at) -> bool:
            for system, _ in set(_answer(aws.engine, newest)) - before:
                seen_at.setdefault(system, time.monotonic())
            return seen_at.keys() == _SYSTEMS.keys()

        _put(aws, "station_status", slot + timedelta(minutes=minute))
        _await(has_all)
        if minute:
            for system, host in _SYSTEMS.items():
                seen_s[system].append(seen_at[system] - timed.answered[host])
    stored = dict(map(tuple, _answer(aws.engine, stations)))
    return Listing(
        f"From a system's answer to its rows in station_status, as the dashboard reads them, {minutes} minutes, seconds",
        ("system", "stations", "p50", "p95", "most", f"p95 < {SEEN_S:g} s"),
        [
            (
                system,
                f"{stored[system]:,}",
                *map(_seconds, (statistics.median(took), _p95(took), max(took))),
                _holds(_p95(took) < SEEN_S),
            )
            for system, took in seen_s.items()
        ],
    )


def _latencies(aws: Deployed, timed: Timed, clock: Clock, rounds: int, on_progress: Callable[[str], None]) -> Listing:
    """Each round is a slot of its own, so that its rows are new."""
    rows = []
    slot = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=1)
    for source in asked().values():
        on_progress(f"{source.name}, {rounds} rounds")
        whole, own = [], []
        for round_ in range(rounds + 2):  # two to warm up
            slot += timedelta(minutes=1)
            clock.tick()
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
    source, slot = asked()["weather"], datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=2)
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
