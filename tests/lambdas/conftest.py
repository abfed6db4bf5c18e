"""What the tests of the handlers share: an AWS of moto, events in their real shapes, and what a function puts out."""

import hashlib
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import msgspec
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws
from sqlalchemy import URL, create_engine, make_url

from gans.clock import utc_now
from gans.errors import Transient
from gans.sources import asked
from gans.storage.store import FolderStore, S3Store, Store
from gans.storage.watchlist import KEY, WatchedCity, Watchlist
from lambdas import collect, load, migrate, resources
from lambdas.telemetry import logger
from local.simulator import Faults, Simulator, World
from tests.conftest import Once
from tests.survival.conftest import KEYS, NOW, Rows, dump, grown, hurried, write_watchlist

CITIES = 12
BUCKET, REGION = "gans-landing", "eu-central-1"
CITY = {"city_id": 1, "latitude": 52.5, "longitude": 13.4, "timezone": "Europe/Berlin", "country_code": "DE", "name": "Berlin"}
USERS = f"gans-{os.getpid()}-"
"""How the names of database users begin that a test makes: a server is shared by the processes that test side by side."""

QUEUE_ARN = f"arn:aws:sqs:{REGION}:123456789012:load"


class Context(LambdaContext):
    """What the runtime tells a function about its invocation; its time runs."""

    _function_name, _memory_limit_in_mb, _aws_request_id = "gans", 256, "52fdfc07-2182-454f-963f-5f0f9a621d72"
    _invoked_function_arn = f"arn:aws:lambda:{REGION}:123456789012:function:gans"

    def __init__(self, seconds: float = 300) -> None:
        self._ends_at = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override]  # a static method there
        return int(1000 * (self._ends_at - time.monotonic()))


def scheduled(at: str) -> dict[str, Any]:
    """What a rule of EventBridge with a schedule sends."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": at,
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:123456789012:rule/collect-cities"],
        "detail": {},
    }


def created(key: str, at: str) -> dict[str, Any]:
    """What a rule of EventBridge for new objects sends."""
    return {
        **scheduled(at),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "resources": [f"arn:aws:s3:::{BUCKET}"],
        "detail": {
            "version": "0",
            "bucket": {"name": BUCKET},
            "object": {"key": key, "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "617f08299329d189"},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "source-ip-address": "1.2.3.4",
            "reason": "PutObject",
        },
    }


def notification_of(key: str) -> str:
    """The body of a message by which S3 tells of an object; its key is quoted as in a form."""
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": "2026-03-28T13:17:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "load",
            "bucket": {"name": BUCKET, "arn": f"arn:aws:s3:::{BUCKET}"},
            "object": {"key": key.replace(" ", "+"), "size": 5, "eTag": "b1946ac92492d2347c6235b4d2611184"},
        },
    }
    return json.dumps({"Records": [record]})


def batch(bodies: Sequence[str], delivery: int = 1) -> dict[str, Any]:
    """The event of a queue's messages, delivered for the first time or a later one; the id of each is its index."""
    return {
        "Records": [
            {
                "messageId": str(index),
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": str(delivery),
                    "SentTimestamp": "1545082649183",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1545082649185",
                },
                "messageAttributes": {},
                "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": QUEUE_ARN,
                "awsRegion": REGION,
            }
            for index, body in enumerate(bodies)
        ]
    }


def failed(answer: dict[str, Any]) -> list[int]:
    """The indices of the messages that are to come again."""
    return [int(item["itemIdentifier"]) for item in answer["batchItemFailures"]]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a function that is about to be set, and that opens everything anew."""
    for name in list(os.environ):
        if name.startswith(("GANS_", "AWS_", "POWERTOOLS_")) and not name.startswith("GANS_TEST_"):
            monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logger.registered_handler, "stream", Stdout())
    yield monkeypatch
    clear_resources()


def clear_resources() -> None:
    """What a new environment of a function knows: nothing."""
    if resources.engine.cache_info().currsize:
        resources.engine().dispose()
    for open_ in (resources.settings, resources.store, resources.engine, resources.agree):
        open_.cache_clear()


@pytest.fixture
def aws() -> Iterator[None]:
    """S3, SQS and Secrets Manager, empty."""
    with mock_aws():
        yield


@pytest.fixture
def bucket(aws: None, environment: pytest.MonkeyPatch) -> S3Store:
    """The bucket of the landing."""
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    environment.setenv("GANS_LANDING", f"s3://{BUCKET}")
    return S3Store(BUCKET, client)


@pytest.fixture
def simulator(environment: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """The upstreams of three cities."""
    with Simulator(cities=3, clock=lambda: NOW) as running:
        environment.setenv("GANS_SIMULATOR_URL", running.url)
        yield running


def watch(store: Store, world: World) -> None:
    """Watches the cities of a world."""
    cities = tuple(WatchedCity(city.city_id, city.language, city.title) for city in world.cities)
    store.write(KEY, msgspec.json.encode(Watchlist(cities)))


def store_secret(name: str, text: str) -> None:
    """Stores a secret, instead of what was there."""
    client = boto3.client("secretsmanager")
    if name in {secret["Name"] for secret in client.list_secrets()["SecretList"]}:
        client.put_secret_value(SecretId=name, SecretString=text)
    else:
        client.create_secret(Name=name, SecretString=text)


Lines = list[dict[str, Any]]


class Stdout:
    """Standard output as it is now: pytest puts another in its place for each phase of a test."""

    def write(self, text: str) -> None:
        sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Callable[[], Lines]:
    """What the functions put out since it was last asked: every line is JSON."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def measured(lines: Lines) -> dict[str, dict[str, float]]:
    """The metrics among the lines by source; those of none under ""."""
    found: dict[str, dict[str, float]] = {}
    for line in lines:
        if "_aws" in line:
            (metrics,) = line["_aws"]["CloudWatchMetrics"]
            source = line.get("source", "")
            dimensions = ["service", "source"] if source else ["service"]
            assert (metrics["Namespace"], sorted(metrics["Dimensions"][0]), line["service"]) == ("Gans", dimensions, "gans")
            values = {metric["Name"]: line[metric["Name"]][0] for metric in metrics["Metrics"]}
            found.setdefault(source, {}).update(values)
    return found


class Landing(NamedTuple):
    """A folder, and what stands in the database after an undisturbed run."""

    folder: Path
    tables: dict[str, Rows]

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder)

    @property
    def keys(self) -> list[str]:
        return list(self.store.keys("landing/"))


@pytest.fixture(scope="session")
def landing(once: Once) -> Landing:
    """What both functions, undisturbed, collect and load of every source: two slots, two attempts of each.

    Some of the second attempts meet faults, and before them the world changes: rows with one key differ.
    """
    folder, tables = once("landing", _land)
    return Landing(folder / "data", tables)


def _land(folder: Path) -> dict[str, Rows]:
    url = f"sqlite:///{folder}/gans.db"
    now = utc_now()  # that of the functions: what was forecast for March is no forecast any more when it is asked for today
    with pytest.MonkeyPatch.context() as patch, Simulator(cities=CITIES, clock=lambda: now) as simulator:
        hurried(patch)
        patch.setenv("GANS_LANDING", str(folder / "data"))
        patch.setenv("GANS_WATCHLIST", str(folder / "watchlist.toml"))
        patch.setenv("GANS_SIMULATOR_URL", simulator.url)
        patch.setenv("GANS_DATABASE_URL", url)
        for name, value in KEYS.items():
            patch.setenv(name, value)
        write_watchlist(folder, simulator.world)
        migrate.handler({}, Context())
        for _ in range(2):
            for slot_of in (now - timedelta(days=8), now):
                for source in asked().values():
                    patch.setenv("GANS_SOURCE", source.name)
                    known = set(resources.store().keys("landing/"))
                    with suppress(Transient):
                        collect.handler({"slot": source.schedule.slot(slot_of).isoformat()}, Context())
                    new = [notification_of(key) for key in resources.store().keys("landing/") if key not in known]
                    assert failed(load.handler(batch(new), Context())) == []
            simulator.world.seed += 1
            grown(simulator.world)
            simulator.faults = Faults({"error_page": 0.1, "server_error": 0.1, "truncated": 0.1}, seed=3)
        tables = dump(resources.engine())
        clear_resources()
    return tables


@pytest.fixture
def empty(database_url: str) -> Iterator[URL]:
    """The URL of an empty database on MySQL or MariaDB, of this test's own; users whose names begin with `USERS` go with it."""
    url = make_url(database_url)
    name = f"{url.database}_empty"
    server = create_engine(url.set(database=""))
    with server.begin() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    yield url.set(database=name)
    with server.begin() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}")
        for (user,) in connection.exec_driver_sql("SELECT user FROM mysql.user WHERE user LIKE %s", (f"{USERS}%",)).all():
            connection.exec_driver_sql("DROP USER %s@'%%'", (user,))
    server.dispose()
