"""The alarms: what each would have said of made-up days, by its definition in the template; and that the runbook has them all."""

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text

from gans.reading.freshness import freshness
from gans.sources import asked
from gans.tables import collection_runs
from infra_cdk.queries import QUERIES
from tests.infra_cdk.alarms import EXTRA, Alarm, Minutes, State, messages
from tests.infra_cdk.conftest import ROOT, Deployment
from tests.test_docs import anchors

RUNBOOK = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
START = datetime(2026, 11, 2, tzinfo=UTC)
HOURS_5, HOURS_12 = range(1, 300), range(1, 720)
Deploy = Callable[[str], Deployment]
States = Callable[..., dict[int, State]]


def described(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """The alarms of a template by kind, and of a kind for each source by that too: "Stale-weather"."""
    found = {}
    for alarm in deployment.of("CloudWatch::Alarm").values():
        kind = next(kind for kind in sections() if alarm["AlarmDescription"].endswith(f"docs/runbook.md#{kind.lower()}"))
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions", ())}
        name = f"{kind}-{dimensions['source']}" if "source" in dimensions else kind
        assert name not in found
        found[name] = alarm
    return found


def sections() -> dict[str, str]:
    """The runbook's sections of alarms, by the alarms' kinds."""
    alarms = RUNBOOK[RUNBOOK.index("\n## The alarms") : RUNBOOK.index("\n## Where to look")]
    return dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", alarms, re.MULTILINE | re.DOTALL))


@pytest.fixture
def states(deployed: Deploy) -> States:
    """The states of an alarm by a metric, for minutes."""
    alarms = described(deployed("none"))

    def judged(name: str, metric: Minutes, minutes: range = HOURS_12, extra: int = 0) -> dict[int, State]:
        return Alarm.read(alarms[name]).states(metric, minutes, extra=extra)

    return judged


# The arithmetic itself


@pytest.mark.parametrize(
    ("values", "breaching", "expected"),
    [
        ("0-X-X", 3, ("OK", "OK", "OK", "OK")),
        ("----0", 3, ("OK", "OK", "OK", "OK")),
        ("-----", 3, ("INSUFFICIENT_DATA", None, "ALARM", "OK")),
        ("0XX-X", 3, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("--X--", 3, ("ALARM", None, "ALARM", "OK")),
        ("0-X-X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("00X0X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0-X--", 2, ("OK", "OK", "ALARM", "OK")),
        ("----0", 2, ("OK", "OK", "ALARM", "OK")),
        ("----X", 2, ("ALARM", None, "ALARM", "OK")),
    ],
)
def test_missing_data_counts_as_cloudwatch_says(values: str, breaching: int, expected: tuple[State | None, ...]) -> None:
    """Its own examples: three periods count of five that it looks at; None where the state stays as it was."""
    periods = [{"0": 0.0, "X": 1.0, "-": None}[value] for value in values]
    for missing, state in zip(("missing", "ignore", "breaching", "notBreaching"), expected, strict=True):
        alarm = Alarm("Maximum", 1, breaching, 3, 1.0, True, missing)
        for before in ("OK", "ALARM"):
            assert alarm.judge(periods, before) == (state or before), (values, missing)  # type: ignore[arg-type]


# A source, as its ledger makes the function measure it


class Ledger:
    """A ledger that is written minute by minute, and what the function measures meanwhile."""

    def __init__(self, engine: Engine, source: str) -> None:
        self.engine, self.source = engine, asked()[source]

    def measure(self, failed: Callable[[int], int | None], units: int, minutes: range = HOURS_5) -> dict[str, Minutes]:
        """The metrics by minute, where the run of each minute asks for `units`, of which `failed` fail; None for no run."""
        found: dict[str, dict[int, float]] = {"IsStale": {}, "FailedPct": {}, "RejectedPct": {}}
        for minute in minutes:
            slot = START + timedelta(minutes=minute)
            with self.engine.begin() as connection:
                if (count := failed(minute)) is not None:
                    connection.execute(insert(collection_runs), self._line(slot, units, count))
            for one in freshness(self.engine, [self.source], slot + timedelta(seconds=30)):
                found["IsStale"][minute] = one.is_stale
                found["FailedPct"][minute] = one.failed_pct
                found["RejectedPct"][minute] = one.rejected_pct
        return dict(found)

    def _line(self, slot: datetime, units: int, failed: int) -> dict[str, Any]:
        is_good = failed < units
        return {
            "source": self.source.name,
            "slot_at": slot,
            "attempt_at": slot,
            "part": 1,
            "status": "ok" if not failed else "partial" if is_good else "failed",
            "requests": units,
            "bytes_received": 1,
            "units_planned": units,
            "units_failed": failed,
            "rows_offered": 1000 * (units - failed),
            "rows_rejected": failed,
            "missing": "{}",
            "landing_key": f"{slot}",
            "code_version": "1",
            "stale_at": slot + self.source.stale_after if is_good else None,
            "loaded_at": slot,
        }


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    """Of the source that is asked every minute."""
    return Ledger(engine, "station_status")


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("after", [None, 2], ids=["no run any more", "every system fails"])
def test_a_minute_source_that_stands_still_is_told_within_ten_minutes(ledger: Ledger, states: States, after: int | None) -> None:
    minutes = range(1, 180)
    metrics = ledger.measure(lambda minute: 0 if minute < 100 else after, 2, minutes)
    ((minute, state),) = messages(states("Stale-station_status", metrics["IsStale"], minutes))
    assert state == "ALARM"
    assert 100 < minute <= 110


@pytest.mark.databases("sqlite")
def test_one_slow_minute_is_not_told(ledger: Ledger, states: States) -> None:
    minutes = range(1, 120)
    metrics = ledger.measure(lambda minute: None if 60 <= minute < 65 else 0, 1, minutes)
    assert messages(states("Stale-station_status", metrics["IsStale"], minutes)) == []


@pytest.mark.databases("sqlite")
def test_a_flaky_system_sends_nothing(ledger: Ledger, states: States) -> None:
    dice = random.Random("flaky")
    metrics = ledger.measure(lambda _: int(dice.random() < 0.3), 4)
    assert max(metrics["FailedPct"].values()) > 0
    for kind, metric in (("Stale", "IsStale"), ("Failing", "FailedPct"), ("Rejects", "RejectedPct")):
        assert messages(states(f"{kind}-station_status", metrics[metric], HOURS_5)) == []


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "is_down", [lambda minute: minute >= 100, lambda minute: minute >= 100 and minute % 20 < 15], ids=["dead", "comes and goes"]
)
def test_one_of_two_systems_that_is_down_is_told_once_within_the_hour(
    ledger: Ledger, states: States, is_down: Callable[[int], bool]
) -> None:
    metrics = ledger.measure(lambda minute: int(is_down(minute)), 2)
    ((minute, state),) = messages(states("Failing-station_status", metrics["FailedPct"], HOURS_5))
    assert state == "ALARM"
    assert 100 < minute <= 160
    assert messages(states("Stale-station_status", metrics["IsStale"], HOURS_5)) == []


@pytest.mark.databases("sqlite")
def test_a_source_that_is_well_again_is_told_once_too(ledger: Ledger, states: States) -> None:
    metrics = ledger.measure(lambda minute: 2 * (100 <= minute < 160), 2)
    for kind, metric in (("Stale", "IsStale"), ("Failing", "FailedPct")):
        assert [state for _, state in messages(states(f"{kind}-station_status", metrics[metric], HOURS_5))] == ["ALARM", "OK"]


@pytest.mark.parametrize("kind", ["Stale", "Failing", "Rejects"])
@pytest.mark.parametrize("before", [0, 100])
def test_an_alarm_of_a_source_stays_as_it_was_while_nothing_is_measured(states: States, kind: str, before: int) -> None:
    """An outage of the database is told once, by the alarm for it, and makes nothing look mended."""
    metric = {minute: before for minute in range(1, 720) if not 200 <= minute < 400}
    assert len(messages(states(f"{kind}-weather", metric))) == bool(before)


# What measures


@pytest.mark.parametrize("extra", EXTRA)
def test_silence_is_told_within_ten_minutes(states: States, extra: int) -> None:
    ((minute, state),) = messages(states("Unmeasured", dict.fromkeys(range(100), 1.0), range(50, 300), extra=extra))
    assert (state, 100 < minute <= 110) == ("ALARM", True)


@pytest.mark.parametrize("extra", EXTRA)
@pytest.mark.parametrize(("away_min", "expected"), [(3, []), (20, ["ALARM", "OK"])])
def test_a_database_that_is_away_is_told_within_ten_minutes_and_a_restart_is_not(
    states: States, extra: int, away_min: int, expected: list[State]
) -> None:
    """Of its first minute nothing is known: the function waits for it until its time is up."""
    metric = {minute: float(not 100 <= minute < 100 + away_min) for minute in range(300) if minute != 100}
    found = messages(states("Unmeasured", metric, range(50, 300), extra=extra))
    assert [state for _, state in found] == expected
    assert all(minute <= 110 for minute, state in found if state == "ALARM")


# The queues


def deliveries(deployed: Deploy) -> range:
    """When a message that came at minute 100 is delivered, if it is never loaded."""
    (queue,) = (queue for queue in deployed("none").of("SQS::Queue").values() if "RedrivePolicy" in queue)
    every_min, rest = divmod(queue["VisibilityTimeout"], 60)
    assert not rest
    return range(100, 100 + every_min * queue["RedrivePolicy"]["maxReceiveCount"], every_min)


def ages(until: int) -> Minutes:
    """`ApproximateAgeOfOldestMessage` of one that came at minute 100; once it was received three times, it is in it no more."""
    return {minute: 60.0 * (minute - 100) for minute in range(100, until)}


def test_a_part_that_is_never_loaded_is_told_once_within_the_hour(deployed: Deploy, states: States) -> None:
    delivered, day = deliveries(deployed), range(1, 1440)
    tries = {minute: float(number) for number, minute in enumerate(delivered, 1) if minute in day}
    ((minute, state),) = messages(states("NotLoading", tries, day))
    assert state == "ALARM"
    assert delivered[2] < minute <= 160
    assert messages(states("Waiting", ages(until=delivered[2]), day)) == [], "the age of the oldest cannot tell it"


def test_a_part_that_is_loaded_at_the_second_try_is_not_told(deployed: Deploy, states: States) -> None:
    assert messages(states("NotLoading", {deliveries(deployed)[0]: 1.0})) == []


def test_what_nobody_takes_is_told_within_the_hour(states: States) -> None:
    ((minute, state),) = messages(states("Waiting", ages(until=HOURS_12.stop)))
    assert (state, 130 < minute <= 160) == ("ALARM", True)


@pytest.mark.parametrize("kind", ["Failed", "NotLoaded"])
def test_dead_letters_are_told_once_until_they_are_read(states: States, kind: str) -> None:
    depth = {minute: float(max(0, minute - 100) if minute < 400 else 0) for minute in HOURS_12}
    (first, begins), (last, ends) = messages(states(kind, depth))
    assert (begins, ends) == ("ALARM", "OK")
    assert first <= 110
    assert 400 < last <= 410


def test_the_database_is_watched(states: States) -> None:
    assert messages(states("Cpu", {minute: 100.0 if minute < 25 else 20.0 for minute in HOURS_12})) == []
    ((busy, _),) = messages(states("Cpu", {minute: 20.0 if minute < 100 else 90.0 for minute in HOURS_12}))
    assert 130 <= busy <= 140
    ((full, _),) = messages(states("Storage", {minute: (720 - minute) * 1e7 for minute in HOURS_12}))
    assert full == pytest.approx(720 - 2 * 1024**3 / 1e7, abs=10)


# The template and the runbook


def test_every_source_is_watched(deployed: Deploy) -> None:
    found = set(described(deployed("none")))
    assert {f"{kind}-{source}" for kind in ("Stale", "Failing", "Rejects") for source in asked()} < found


def test_every_alarm_has_its_section_of_the_runbook_and_every_section_its_alarm(deployment: Deployment) -> None:
    linked = set()
    for alarm in deployment.of("CloudWatch::Alarm").values():
        (anchor,) = re.findall(r"docs/runbook\.md#(\S+)$", alarm["AlarmDescription"])
        assert anchor in anchors(RUNBOOK)
        linked.add(anchor)
    ours = {"storage", "cpu"} if deployment.of("RDS::DBInstance") else set()
    assert linked == {kind.lower() for kind in sections()} - ({"storage", "cpu"} - ours)


@pytest.mark.parametrize("kind", sections())
def test_a_section_says_what_it_means_what_to_look_at_and_what_to_do(kind: str) -> None:
    parts = re.findall(r"^\*\*(.+?)\.\*\* ", sections()[kind], re.MULTILINE)
    assert parts == ["Means", "Look", "Do"]


def logged_to(deployment: Deployment) -> set[str]:
    """The log groups of all functions of ours."""
    functions = deployment.of("Lambda::Function").values()
    return {function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions if "LoggingConfig" in function}


def test_the_saved_queries_are_those_of_the_runbook(deployed: Deploy) -> None:
    deployment = deployed("none")
    groups = logged_to(deployment)
    saved = deployment.of("Logs::QueryDefinition")
    assert {query["Name"] for query in saved.values()} == {f"Gans/{title}" for title in QUERIES}
    assert set(re.findall(r"`(Gans/[^`]+)`", RUNBOOK)) == {query["Name"] for query in saved.values()}
    for query in saved.values():
        assert {group["Ref"] for group in query["LogGroupNames"]} == groups


def test_where_to_look_is_an_output(deployed: Deploy) -> None:
    deployment = deployed("none")
    outputs = deployment.templates["GansPipeline"]["Outputs"]
    assert {output["Value"]["Ref"] for name, output in outputs.items() if name.endswith("Log")} == logged_to(deployment)
    (dashboard,) = deployment.of("CloudWatch::Dashboard")
    assert outputs["DashboardUrl"]["Value"]["Fn::Join"][1][-1] == {"Ref": dashboard}
    every = {name for template in deployment.templates.values() for name in template["Outputs"]}
    assert set(re.findall(r"\$\(output \w+ (\w+)\)", RUNBOOK)) <= every


@pytest.mark.parametrize("statement", re.findall(r"```sql\n(.*?)```", RUNBOOK, re.DOTALL))
@pytest.mark.databases("mysql")  # RDS alone has these alarms
def test_the_sql_of_the_runbook_runs(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.execute(text(statement)).all()


def test_an_alarm_without_an_address_is_said_loudly(deployed: Deploy) -> None:
    for way, is_told in (("none", True), ("given", False)):
        said = [str(message.entry.data) for stack in deployed(way).assembly.stacks for message in stack.messages]
        assert [("Alarms reach nobody" in one) for one in said] == [] if is_told else [True]
        goes_to = deployed(way).templates["GansPipeline"]["Outputs"]["AlarmsGoTo"]["Value"]
        assert goes_to == ("ops@example.org" if is_told else "nobody: set alarm_email")
