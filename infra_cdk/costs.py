"""What Gans costs a month on AWS: `python -m infra_cdk.costs` prints it as a Markdown table for 10, 100 and 1,000 cities.

What there is (instances, endpoints, alarms, memory of the functions) is counted in the synthesised stacks, what happens
(requests, bytes, milliseconds) was measured by `python -m benchmarks.runs`, how often is the schedules' own. Prices are the list
prices of us-east-1, without the free tier.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from gans.source import CollectedSource
from gans.sources import asked

ROOT = Path(__file__).parent.parent
MEASURED = ROOT / "benchmarks" / "runs.json"
CITIES = (10, 100, 1_000)

HOURS = 730.0
"""Of a month, as AWS counts."""

DAYS = HOURS / 24

INSTANCE_HOUR = {"db.t4g.micro": 0.016, "db.t4g.small": 0.032, "db.t4g.medium": 0.065}
"""RDS for MySQL, Single-AZ, USD."""

PRICES = {
    "database storage, GB": 0.115,  # gp3
    "endpoint, hour and zone": 0.01,
    "secret": 0.40,
    "encryption key": 1.00,
    "alarm": 0.10,
    "dashboard": 3.00,
    "custom metric": 0.30,  # counted by the hour in which it is emitted
    "function, GB-second": 0.0000133334,  # arm64
    "function, request": 0.20e-6,
    "put": 0.005e-3,
    "get": 0.0004e-3,
    "object storage, GB": 0.023,  # S3 Standard
    "queue request": 0.40e-6,
}
"""List prices of us-east-1 in USD, as published in 2026 (aws.amazon.com/<service>/pricing); a region in Europe is up to a fifth
dearer. Rules on the default event bus, the gateway endpoint and backups up to the size of the database are free."""

METRICS_OF_A_RUN, METRICS_OF_A_SOURCE, METRICS_OF_ALL = 5, 3, 1
"""The metrics that `lambdas.collect` and `lambdas.load` emit of a source, what `lambdas.freshness` does of each, and of all."""

MEASURINGS, MEASURING_S = 60 * HOURS, 0.1
"""How often `lambdas.freshness` runs, and for how long: 30 ms on one processor, of which it has less than a third."""

ANSWER_S = 0.5
"""How long an upstream takes for an answer: assumed, since the simulator answers at once."""

VCPU_MB = 1_769
"""The memory with which a function has one processor to itself; with less, it has as much less of one
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html)."""

TIMEOUT_S = 900
IDLE_RECEIVES = 5 * 3 * 60 * HOURS
"""Lambda asks an empty queue from five pollers, each for up to 20 seconds."""

ROW_BYTES = 280
"""A row of `weather_forecasts` in MySQL with its indexes: 3 million rows took 820 MB."""

THINNED = 1 / 9
"""What is left of the forecasts after 60 days (see `schema/README.md`)."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of a source took, as it was measured.

    Attributes:
        cities: how many were watched.
        requests: to the upstream.
        collect_ms: on one processor, without any wait for the upstream.
        load_ms: of all its parts together, on one processor, the database's time included.
        objects: written to the bucket.
        reads: objects read from it, or found to be absent.
        messages: to the queue, one for each part.
        bytes_landed: size of the parts.
    """

    source: str
    cities: int
    requests: int
    collect_ms: float
    load_ms: float
    objects: int
    reads: int
    messages: int
    bytes_landed: int
    rows_written: int


class Stacks(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to pay for.

    Attributes:
        kinds: how many resources of each type.
        instance: class of the database; "" where it is not ours.
        zones: of all interface endpoints together.
    """

    kinds: Mapping[str, int]
    instance: str
    storage_gb: float
    zones: int
    collect_mb: int
    load_mb: int

    @classmethod
    def of(cls, resources: Mapping[str, Mapping[str, Any]]) -> "Stacks":
        """From the resources of the synthesised stacks, by their logical ids."""
        kinds = Counter(str(found["Type"]).removeprefix("AWS::") for found in resources.values())
        properties = [(found["Type"], found.get("Properties", {})) for found in resources.values()]
        memory = {declared["Handler"]: declared["MemorySize"] for kind, declared in properties if "MemorySize" in declared}
        database: Mapping[str, Any] = next((declared for kind, declared in properties if kind == "AWS::RDS::DBInstance"), {})
        zones = sum(len(declared["SubnetIds"]) for kind, declared in properties if declared.get("VpcEndpointType") == "Interface")
        return cls(
            kinds=kinds,
            instance=database.get("DBInstanceClass", ""),
            storage_gb=float(database.get("AllocatedStorage", 0)),
            zones=zones,
            collect_mb=memory["lambdas.collect.handler"],
            load_mb=memory["lambdas.load.handler"],
        )


def costs(stacks: Stacks, runs: Sequence[Run], cities: int, sources: Mapping[str, CollectedSource]) -> dict[str, float]:
    """USD a month, by what it is for, after a year of running; `runs` may be of other counts of cities (`at`)."""
    each = [(sources[run.source], run) for run in at(runs, cities)]
    puts = gets = messages = landed_gb = 0.0
    gb_s, calls, metrics = MEASURINGS * MEASURING_S * stacks.load_mb / 1024, MEASURINGS, float(METRICS_OF_ALL)
    for source, run in each:
        times = HOURS / (source.schedule.period / timedelta(hours=1))
        gb_s += times * _gb_s(stacks, source, run)
        calls += times * (1 + run.messages)
        puts += times * run.objects
        gets += times * run.reads
        messages += times * run.messages
        landed_gb += times * 12 * run.bytes_landed / 1e9
        metrics += METRICS_OF_A_RUN * min(1.0, times / HOURS) + METRICS_OF_A_SOURCE
    keys = sum(bool(source.secret and source.secret.is_required) for source, _ in each)
    storage_gb = max(stacks.storage_gb, database_gb(each)) if stacks.instance else 0.0
    amounts = {
        "database storage, GB": storage_gb,
        "endpoint, hour and zone": stacks.zones * HOURS,
        "secret": stacks.kinds.get("SecretsManager::Secret", 0) + keys,
        "encryption key": stacks.kinds.get("KMS::Key", 0),
        "alarm": stacks.kinds.get("CloudWatch::Alarm", 0),
        "dashboard": stacks.kinds.get("CloudWatch::Dashboard", 0),
        "custom metric": metrics,
        "function, GB-second": gb_s,
        "function, request": calls,
        "put": puts,
        "get": gets,
        "object storage, GB": landed_gb,
        "queue request": 3 * messages + IDLE_RECEIVES,  # sent, received, deleted
    }
    usd = {name: amount * PRICES[name] for name, amount in amounts.items()}
    return {
        "database instance": INSTANCE_HOUR[stacks.instance] * HOURS if stacks.instance else 0.0,
        "database storage": usd["database storage, GB"],
        "endpoint of Secrets Manager": usd["endpoint, hour and zone"],
        "secrets and keys": usd["secret"] + usd["encryption key"],
        "metrics": usd["custom metric"],
        "alarms and dashboard": usd["alarm"] + usd["dashboard"],
        "functions": usd["function, GB-second"] + usd["function, request"],
        "bucket": usd["put"] + usd["get"] + usd["object storage, GB"],
        "queue": usd["queue request"],
    }


def at(runs: Iterable[Run], cities: int) -> list[Run]:
    """A run of each source with so many cities: as measured, or on the straight line through the two nearest counts measured."""
    by_source: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run.source, run.cities)):
        by_source.setdefault(run.source, []).append(run)
    return [_on_line(sorted(found, key=lambda run: abs(run.cities - cities))[:2], cities) for found in by_source.values()]


def _on_line(nearest: Sequence[Run], cities: int) -> Run:
    first, *others = nearest
    if first.cities == cities or not others:
        return first
    share = (cities - first.cities) / (others[0].cities - first.cities)
    one, other = msgspec.structs.asdict(first), msgspec.structs.asdict(others[0])
    values = {
        name: type(value)(max(0, value + share * (other[name] - value)))
        for name, value in one.items()
        if name not in ("source", "cities")
    }
    return Run(source=first.source, cities=cities, **values)


def run_s(stacks: Stacks, source: CollectedSource, run: Run) -> float:
    """How long a collector runs on AWS, s: what it computes on its share of a processor, and how long it waits."""
    waits_s = max(run.requests * ANSWER_S, (run.requests - 1) * source.pause.total_seconds())
    return run.collect_ms / 1000 * max(1.0, VCPU_MB / stacks.collect_mb) + max(0.0, waits_s)


def _gb_s(stacks: Stacks, source: CollectedSource, run: Run) -> float:
    load_s = run.load_ms / 1000 * max(1.0, VCPU_MB / stacks.load_mb)
    return min(TIMEOUT_S, run_s(stacks, source, run)) * stacks.collect_mb / 1024 + load_s * stacks.load_mb / 1024


def database_gb(each: Iterable[tuple[CollectedSource, Run]]) -> float:
    """The size of the database after a year, GB: forecasts, all of 60 days and then what thinning leaves, and the flights."""
    rows = 0.0
    for source, run in each:
        if "weather_forecasts" in source.writes:
            rows += run.rows_written * (timedelta(days=1) / source.schedule.period) * (60 + (365 - 60) * THINNED)
        elif "flights" in source.writes:
            rows += run.rows_written * 365  # a run asks for one day
    return rows * ROW_BYTES / 1e9


def markdown(stacks: Stacks, runs: Sequence[Run], sources: Mapping[str, CollectedSource]) -> str:
    """The table, a column for each of `CITIES`, and under it what is not as it should be."""
    columns = {cities: costs(stacks, runs, cities, sources) for cities in CITIES}
    lines = [
        f"| USD a month, after a year | {' | '.join(f'{cities:,} cities' for cities in CITIES)} |",
        f"| --- |{' ---: |' * len(CITIES)}",
        *(f"| {name} | {' | '.join(f'{columns[cities][name]:,.2f}' for cities in CITIES)} |" for name in columns[CITIES[0]]),
        f"| **together** | {' | '.join(f'**{sum(columns[cities].values()):,.2f}**' for cities in CITIES)} |",
    ]
    measured = sorted({run.cities for run in runs})
    extrapolated = [cities for cities in CITIES if cities not in measured]
    notes = []
    if extrapolated:
        notes.append(
            f"Measured with {_words(measured)} cities; {_words(extrapolated)} on the straight line through the last two of these."
        )
    for cities in CITIES:
        for run in at(runs, cities):
            if (takes_s := run_s(stacks, sources[run.source], run)) > TIMEOUT_S:
                notes.append(
                    f"`{run.source}` of {cities:,} cities would take {takes_s / 60:.0f} minutes; a function ends after "
                    f"{TIMEOUT_S // 60}, so that the rest is not asked in that run."
                )
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _words(numbers: Sequence[int]) -> str:
    return " and ".join(f"{number:,}" for number in numbers)


def synthesised() -> dict[str, dict[str, Any]]:
    """The resources of the stacks, as `cdk.json` has them deployed, by their logical ids."""
    from aws_cdk import App

    from infra_cdk.app import build

    with TemporaryDirectory() as folder:
        context = {**json.loads((ROOT / "cdk.json").read_text())["context"], "alarm_email": "ops@example.org"}
        app = App(context=context, outdir=folder)
        build(app)
        return {name: found for stack in app.synth().stacks for name, found in stack.template["Resources"].items()}


def main() -> None:
    """Prints the table."""
    runs = msgspec.json.decode(MEASURED.read_bytes(), type=list[Run])
    print(markdown(Stacks.of(synthesised()), runs, asked()))  # noqa: T201


if __name__ == "__main__":
    main()
