"""The collect function: one source, one slot, within its time; raw answers in the bucket, JSON lines on standard output."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from gans.collect import http
from gans.database.engine import open_engine
from gans.database.migrate import upgrade
from gans.errors import ConfigError, Transient
from gans.settings import Settings
from gans.source import Capture
from gans.sources import asked
from gans.storage.landing import read_part
from gans.storage.store import S3Store
from lambdas import collect, load
from local.simulator import Simulator
from tests.lambdas.conftest import CITY, Context, Lines, batch, created, measured, notification_of, scheduled, store_secret, watch
from tests.survival.conftest import content, dump

AT = "2026-03-28T03:11:00Z"


def landed(bucket: S3Store) -> list[str]:
    return list(bucket.keys("landing/"))


def answers(bucket: S3Store, key: str) -> list[Capture]:
    """What the upstreams were asked for, whether they answered or not."""
    return [capture for capture in read_part(bucket.read(key) or b"").captures if capture.url]


@pytest.fixture
def cities(bucket: S3Store, simulator: Simulator, environment: pytest.MonkeyPatch) -> Simulator:
    """A function that collects cities, with three to watch."""
    environment.setenv("GANS_SOURCE", "cities")
    watch(bucket, simulator.world)
    return simulator


@pytest.mark.parametrize(
    ("event", "slot"),
    [
        (scheduled("2026-03-28T03:10:00Z"), "20260328T031000"),
        (scheduled("2026-03-28T03:10:41Z"), "20260328T031000"),
        (created("reference/watchlist.json", "2026-03-28T03:09:59Z"), "20260327T031000"),
        ({"slot": "2026-03-25T03:10:00Z"}, "20260325T031000"),
        ({"slot": "2026-03-25T04:10:00+01:00"}, "20260325T031000"),
    ],
)
def test_the_slot_is_the_scheduled_time_that_the_event_belongs_to(
    cities: Simulator, bucket: S3Store, event: dict[str, Any], slot: str
) -> None:
    assert str(asked()["cities"].schedule) == "daily at 03:10 UTC"
    result = collect.handler(event, Context())
    (key,) = landed(bucket)
    assert key.split("/")[2].startswith(slot)
    assert result["parts"] == [key]


def test_a_shortened_schedule_has_slots_of_its_own(cities: Simulator, bucket: S3Store, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GANS_EVERY_MINUTES", "2")
    collect.handler(scheduled("2026-03-28T13:17:05Z"), Context())
    assert landed(bucket)[0].split("/")[2].startswith("20260328T131600")


@pytest.mark.parametrize("event", [{}, {"time": "yesterday"}, {"slot": "2026-03-28T03:00:00"}, {"slot": 5}])
def test_an_event_without_a_time_asks_nothing(cities: Simulator, event: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"The event"):
        collect.handler(event, Context())
    assert cities.requests == []


@pytest.mark.parametrize("name", ["slot", "time"])
@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "0900-03-28T03:10:00Z", "2062-03-28T03:10:00Z", "9999-12-31T23:59:59Z"])
def test_what_is_no_slot_is_refused_and_asks_nothing(cities: Simulator, bucket: S3Store, name: str, at: str) -> None:
    with pytest.raises(ConfigError, match=rf"The slot {at[:10]}T\S+ is refused: .* Correct it, or the clock\."):
        collect.handler({name: at}, Context())
    assert (cities.requests, landed(bucket)) == ([], [])


def test_a_function_without_a_source_says_which_there_are(cities: Simulator, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GANS_SOURCE", "tides")
    with pytest.raises(ConfigError, match=r"GANS_SOURCE=tides is no source. Known: .*weather"):
        collect.handler(scheduled(AT), Context())


def test_without_a_watchlist_nothing_is_asked(cities: Simulator, bucket: S3Store) -> None:
    boto3.client("s3").delete_object(Bucket=bucket.bucket, Key="reference/watchlist.json")
    with pytest.raises(ConfigError, match=r"no watchlist at reference/watchlist\.json"):
        collect.handler(scheduled(AT), Context())
    assert cities.requests == []


def test_what_it_did_is_told_in_json_and_metrics(cities: Simulator, logged: Callable[[], Lines]) -> None:
    cities.inject("wrong_charset")
    collect.handler(scheduled(AT), Context())
    lines = logged()
    assert measured(lines) == {"cities": {"Requests": 3, "Failures": 0}}
    logged = [line for line in lines if "level" in line]
    assert [line["message"] for line in logged] == ["collecting", "collected"]
    for line in logged:
        assert (line["source"], line["slot"], line["service"]) == ("cities", "2026-03-28T03:10:00+00:00", "gans")
        assert line["function_request_id"] == Context._aws_request_id


def test_what_may_pass_makes_the_platform_try_again_after_the_rest_was_landed(
    cities: Simulator, bucket: S3Store, logged: Callable[[], Lines], environment: pytest.MonkeyPatch
) -> None:
    environment.setattr(http, "BACKOFF_S", 0.0)
    cities.inject("server_error", times=http.TRIES, match=cities.world.cities[0].title)
    with pytest.raises(Transient, match="1 of 4 units of cities got no answer now"):
        collect.handler(scheduled(AT), Context())
    (key,) = landed(bucket)
    assert [bool(capture.error) for capture in answers(bucket, key)] == [True, False, False]
    assert measured(logged()) == {"cities": {"Requests": 2 + http.TRIES, "Failures": 1}}
    collect.handler(scheduled(AT), Context())
    assert len(landed(bucket)) == 2, "each attempt has a place of its own"


def test_a_source_that_is_asked_again_soon_is_not_tried_again(
    cities: Simulator, bucket: S3Store, logged: Callable[[], Lines], environment: pytest.MonkeyPatch
) -> None:
    """Its runs would fill the queue of what a person must look at, one for each minute in which an upstream is down."""
    environment.setattr(http, "BACKOFF_S", 0.0)
    environment.setenv("GANS_EVERY_MINUTES", "60")
    cities.inject("server_error", times=http.TRIES, match=cities.world.cities[0].title)
    assert collect.handler(scheduled(AT), Context())["transient"] == 1
    assert measured(logged())["cities"]["Failures"] == 1
    assert len(landed(bucket)) == 1


def test_what_will_not_pass_is_recorded_and_not_tried_again(
    cities: Simulator, bucket: S3Store, logged: Callable[[], Lines]
) -> None:
    cities.inject("redirect_private", times=3)
    assert collect.handler(scheduled(AT), Context())["permanent"] == 3
    assert measured(logged())["cities"]["Failures"] == 3
    assert len(landed(bucket)) == 1


@pytest.mark.parametrize("fault", ["timeout", "slow_drip"])
def test_an_upstream_that_hangs_until_the_time_is_up_costs_only_what_was_not_fetched(
    cities: Simulator, bucket: S3Store, environment: pytest.MonkeyPatch, tmp_path: Any, fault: str
) -> None:
    environment.setattr(http, "READ_S", 2.0)
    environment.setattr(http, "CONNECT_S", 0.2)
    hangs_at = cities.world.cities[1].title
    cities.inject(fault, times=100, match=hangs_at)
    context = Context(collect.LANDING_S + 3.5)
    with pytest.raises(Transient, match="1 of 4 units of cities got no answer now"):
        collect.handler(scheduled(AT), context)
    assert context.get_remaining_time_in_millis() > 1000 * (collect.LANDING_S - 1), "what is kept for landing was used up"
    (key,) = landed(bucket)
    assert [capture.error.partition(":")[0] for capture in answers(bucket, key)] == ["", "Transient", ""], "its host alone"

    environment.setenv("GANS_DATABASE_URL", f"sqlite:///{tmp_path}/gans.db")
    engine = open_engine(Settings(database_url=f"sqlite:///{tmp_path}/gans.db"))
    upgrade(engine)
    load.handler(batch([notification_of(key)]), Context())
    (line,) = dump(engine)["collection_runs"]
    assert (line["status"], line["units_planned"], line["units_failed"]) == ("partial", 3, 1)

    cities._injections.clear()
    collect.handler(scheduled(AT), Context())
    load.handler(batch([notification_of(landed(bucket)[1])]), Context())
    assert len(content(engine)["city_populations"]) >= 3
    assert {row["city_id"] for row in content(engine)["cities"] if row["name"]} == {c.city_id for c in cities.world.cities}
    engine.dispose()


def test_time_that_is_up_at_once_still_leaves_its_line(cities: Simulator, bucket: S3Store) -> None:
    with pytest.raises(Transient, match="3 of 4 units"):
        collect.handler(scheduled(AT), Context(20))
    assert cities.requests == []
    (key,) = landed(bucket)
    assert {capture.error for capture in answers(bucket, key)} == {"Transient: not asked: the time of this run is up"}


# Keys


KEY_AT = {"openweather": "appid=", "weather": "apikey="}


@pytest.fixture(params=["openweather", "weather"])
def keyed(request: pytest.FixtureRequest, bucket: S3Store, simulator: Simulator, environment: pytest.MonkeyPatch) -> str:
    """A function that collects a source whose key, required or not, is in Secrets Manager."""
    environment.setenv("GANS_SOURCE", request.param)
    environment.setenv("GANS_KEY_SECRET", f"gans/keys/{request.param}")
    watch(bucket, simulator.world)
    bucket.write("reference/cities.json", json.dumps([CITY]).encode())
    return str(request.param)


def test_the_key_is_read_anew_for_every_run(keyed: str, simulator: Simulator) -> None:
    store_secret(f"gans/keys/{keyed}", "first-k3y\n")
    collect.handler(scheduled(AT), Context())
    store_secret(f"gans/keys/{keyed}", "second-k3y")
    collect.handler(scheduled(AT), Context())
    assert [asked.rpartition(KEY_AT[keyed])[2] for asked in simulator.requests] == ["first-k3y", "second-k3y"]


@pytest.mark.parametrize("state", ["absent", "empty", "deleted"])
def test_a_key_that_is_not_there(keyed: str, simulator: Simulator, state: str) -> None:
    name = f"gans/keys/{keyed}"
    if state != "absent":
        store_secret(name, " " if state == "empty" else "old-k3y")
    if state == "deleted":
        boto3.client("secretsmanager").delete_secret(SecretId=name)
    if keyed == "weather":
        collect.handler(scheduled(AT), Context())
        assert len(simulator.requests) == 1
        assert KEY_AT[keyed] not in simulator.requests[0]
        return
    with pytest.raises(ConfigError, match=r"Secrets Manager has no secret gans/keys/openweather.*create-secret"):
        collect.handler(scheduled(AT), Context())
    assert simulator.requests == []


@pytest.mark.parametrize("key", ['{"key": "k3y"}', '"k3y"', "k3y\nk4y", "schlüssel"])
def test_what_cannot_be_a_key_is_not_sent(keyed: str, simulator: Simulator, key: str) -> None:
    store_secret(f"gans/keys/{keyed}", key)
    with pytest.raises(ConfigError, match="is no key") as raised:
        collect.handler(scheduled(AT), Context())
    assert key not in str(raised.value)
    assert simulator.requests == []


def test_a_required_key_without_a_secret_is_said_before_anything_is_asked(
    keyed: str, simulator: Simulator, environment: pytest.MonkeyPatch
) -> None:
    environment.delenv("GANS_KEY_SECRET")
    if keyed == "openweather":
        with pytest.raises(ConfigError, match="GANS_OPENWEATHER_KEY is not set"):
            collect.handler(scheduled(AT), Context())
        assert simulator.requests == []


def test_secrets_manager_that_is_not_reached_is_tried_again_later(
    keyed: str, simulator: Simulator, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    with pytest.raises(Transient, match="Secrets Manager was not reached"):
        collect.handler(scheduled(AT), Context())
    assert simulator.requests == []


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("archive", "alembic, bs4, boto3, gans.collect.collect, gans.collect.http, lxml, pandas, requests, tzfpy, urllib3"),
        ("collect", "alembic, bs4, boto3, gans.tables, lxml, pandas, pymysql, sqlalchemy"),
        ("load", "alembic, bs4, boto3, gans.collect.collect, gans.collect.http, lxml, pandas, requests, tzfpy, urllib3"),
    ],
)
def test_a_cold_start_imports_only_what_it_needs(module: str, absent: str) -> None:
    probe = f"import sys, lambdas.{module}; print([name for name in {absent.split(', ')} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", probe], text=True, env={"PYTHONPATH": ":".join(sys.path)}) == "[]\n"
