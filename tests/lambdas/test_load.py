"""The load function: what the queue tells of is in the tables; a failure is that of its message alone."""

import gzip
import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from sqlalchemy import Engine, select

from gans.errors import BadData, Transient
from gans.storage.identity import new_identity, read_identity
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.store import FolderStore, S3Store
from gans.tables import collection_runs, installation
from lambdas import load
from tests.lambdas.conftest import (
    BUCKET,
    REGION,
    Context,
    Landing,
    Lines,
    batch,
    failed,
    measured,
    notification_of,
    scheduled,
)
from tests.survival.conftest import NOW, dump

TEST_EVENT = json.dumps(
    {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-03-28T13:17:00.000Z",
        "Bucket": BUCKET,
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
    }
)


@pytest.fixture
def store(landing: Landing, tmp_path: Path, environment: pytest.MonkeyPatch) -> FolderStore:
    """A copy of the landing, which the function reads."""
    shutil.copytree(landing.folder, tmp_path / "data")
    environment.setenv("GANS_LANDING", str(tmp_path / "data"))
    return FolderStore(tmp_path / "data")


@pytest.fixture
def stored(engine: Engine, database_url: str, environment: pytest.MonkeyPatch) -> Engine:
    """An empty database, which the function writes."""
    environment.setenv("GANS_DATABASE_URL", database_url)
    return engine


def known(engine: Engine) -> dict[str, str]:
    """The status of each landed part that the ledger knows."""
    with engine.connect() as connection:
        lines = connection.execute(select(collection_runs.c.landing_key, collection_runs.c.status))
        return {line.landing_key: line.status for line in lines}


Fire = Callable[..., dict[str, Any]]


@pytest.fixture
def fire(landing: Landing, environment: pytest.MonkeyPatch) -> Fire:
    """The rule of the night fires, two hours after the last answer was landed; all slots are of the days that are looked at."""
    parts = [PartKey.parse(key) for key in landing.keys]
    newest = max(part.attempt for part in parts)
    environment.setattr(load, "LOOKED_BACK", newest - min(part.slot for part in parts))

    def fire(now: datetime = newest + 2 * load.ON_THE_WAY, seconds: float = 180) -> dict[str, Any]:
        environment.setattr(load, "utc_now", lambda: now)
        return load.handler(scheduled(""), Context(seconds))

    return fire


def test_every_night_what_no_message_told_of_is_loaded(
    store: FolderStore, stored: Engine, landing: Landing, fire: Fire, logged: Callable[[], Lines]
) -> None:
    told = [key for key in landing.keys if "/cities/" in key]
    missed = sorted(set(landing.keys) - set(told))
    load.handler(batch([notification_of(key) for key in told]), Context())
    store.write("landing/cities/notes.txt", b"of a person")
    newest = max(PartKey.parse(key).attempt for key in landing.keys)
    assert fire(newest)["missed"] < len(missed), "some may be in the queue"
    assert fire(newest + 2 * load.LOOKED_BACK) == {"missed": 0, "loaded": 0}, "long ago"
    assert fire(seconds=load.LOADING_S - 1) == {"missed": len(missed), "loaded": 0}, "no time is left"
    logged()
    assert fire() == {"missed": len(missed), "loaded": len(missed)}
    (warning,) = [line for line in logged() if line.get("level") == "WARNING"]
    assert (warning["message"], warning["parts"]) == ("landed, and not loaded until now", len(missed))
    assert set(known(stored)) == set(landing.keys)
    assert fire() == {"missed": 0, "loaded": 0}


def test_what_was_missed_and_cannot_be_loaded_is_a_failed_run_of_its_part_alone(
    store: FolderStore, stored: Engine, landing: Landing, fire: Fire, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, load_part = sorted(landing.keys)[0], load.load

    def refusing(key: str, **named: Any) -> Any:
        if key == bad:
            raise BadData("It cannot be stored")
        return load_part(key, **named)

    monkeypatch.setattr(load, "load", refusing)
    with pytest.raises(Transient, match=r"1 parts that were missed were not loaded, like landing/.*It cannot be stored"):
        fire()
    assert set(known(stored)) == set(landing.keys) - {bad}


def test_the_messages_of_a_queue_become_rows(
    bucket: S3Store,
    engine: Engine,
    database_url: str,
    landing: Landing,
    environment: pytest.MonkeyPatch,
    logged: Callable[[], Lines],
) -> None:
    """A bucket of moto tells a queue of moto; its messages are what the function gets."""
    environment.setenv("GANS_DATABASE_URL", database_url)
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName="load")["QueueUrl"]
    configuration = {"QueueArn": f"arn:aws:sqs:{REGION}:123456789012:load", "Events": ["s3:ObjectCreated:*"]}
    bucket.client.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [configuration]}
    )
    keys = [key for key in landing.keys if "/cities/" in key]
    for key in keys:
        bucket.write(key, landing.store.read(key) or b"")
    bodies: list[str] = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in messages]
    assert sum("TestEvent" in body for body in bodies) == 1
    assert failed(load.handler(batch(bodies), Context())) == []
    assert dump(engine)["cities"] == landing.tables["cities"]
    lines = logged()
    assert set(measured(lines)["cities"]) == {"Failures", "RowsWritten", "RowsRejected", "LagSeconds"}
    logged = [line for line in lines if line.get("message") == "loaded"]
    assert sorted(line["key"] for line in logged) == sorted(keys)
    assert all(line["source"] == "cities" and line["slot"] and line["level"] == "INFO" for line in logged)


def test_everything_that_was_landed_makes_the_tables_of_an_undisturbed_run(
    stored: Engine, store: FolderStore, landing: Landing
) -> None:
    assert failed(load.handler(batch([notification_of(key) for key in landing.keys]), Context())) == []
    assert dump(stored) == landing.tables


def test_what_a_load_did_is_measured(stored: Engine, store: FolderStore, landing: Landing, logged: Callable[[], Lines]) -> None:
    faulty = max(landing.tables["collection_runs"], key=lambda line: line["rows_rejected"])
    load.handler(batch([notification_of(faulty["landing_key"])]), Context())
    ((source, values),) = measured(logged()).items()
    assert source == faulty["source"]
    assert values["RowsRejected"] == faulty["rows_rejected"] > 0
    assert values["LagSeconds"] > 0
    assert values["Failures"] <= faulty["units_failed"], "a unit without an answer is counted by the one who asked"


def test_the_test_message_of_a_bucket_is_no_failure(store: FolderStore, stored: Engine) -> None:
    assert failed(load.handler(batch([TEST_EVENT]), Context())) == []


# Poison


def _of_the_future(key: PartKey) -> bytes:
    header = Header(source=key.source, slot=key.slot, attempt=key.attempt, part=key.part, code_version="9.0", version=9)
    return PartWriter(header).close(Footer(finished_at=NOW, requests=0, bytes_received=0, captures=0))


def test_poison_is_recorded_or_comes_again_and_its_neighbours_are_loaded(
    stored: Engine, store: FolderStore, landing: Landing, logged: Callable[[], Lines]
) -> None:
    good = [key for key in landing.keys if "/cities/" in key]
    slot = PartKey.parse(good[0]).slot
    poison = [PartKey("weather", slot, NOW, number) for number in range(1, 6)]
    foreign, cut, future, bomb, other = poison
    store.write(str(foreign), b"PK\x03\x04 this is not gzip")
    store.write(str(cut), (store.read(good[0]) or b"")[:500])
    store.write(str(future), _of_the_future(future))
    store.write(str(bomb), gzip.compress(bytes(200 * 1024 * 1024)))
    store.write(str(other), store.read(good[0]) or b"")
    bad_bodies = [
        "not JSON",
        "[]",
        "{}",
        json.dumps({"Records": [{"s3": {"object": {}}}]}),
        notification_of("landing/notes.txt"),
        notification_of(good[0].replace("/cities/", "/tides/")),
    ]
    bodies = [
        notification_of(good[0]),
        *bad_bodies,
        *(notification_of(str(key)) for key in poison),
        *(notification_of(key) for key in good[1:]),
    ]
    assert failed(load.handler(batch(bodies), Context())) == list(range(1, 1 + len(bad_bodies)))
    status = known(stored)
    assert set(status) == {*good, *map(str, poison)}
    assert {status[str(key)] for key in poison} == {"failed"}
    assert dump(stored)["cities"] == landing.tables["cities"]
    lines = logged()
    assert measured(lines)["weather"]["Failures"] == 1
    reasons = [line["message"] for line in lines if line.get("level") == "ERROR"]
    assert len(reasons) == len(bad_bodies)
    assert all("exception" not in line for line in lines), "what was foreseen needs no traceback"


def test_how_often_a_message_has_failed_is_measured(
    stored: Engine, store: FolderStore, landing: Landing, logged: Callable[[], Lines]
) -> None:
    """Also where the try before ended without a word: it is told when the message comes again."""
    good = notification_of(landing.keys[0])
    for delivery, tries in ((1, 1), (3, 3), (4, 4)):
        assert failed(load.handler(batch([good, "not JSON"], delivery), Context())) == [1]
        lines = logged()
        assert measured(lines)[""] == {"FailedTries": tries}
        (error,) = (line for line in lines if line.get("level") == "ERROR")
        assert (error["message_id"], error["delivery"]) == ("1", delivery)
    for delivery, measures in ((3, None), (4, {"FailedTries": 3})):
        assert failed(load.handler(batch([good], delivery), Context())) == []
        assert measured(logged()).get("") == measures


def test_a_batch_of_nothing_but_poison_is_an_error_of_the_function(stored: Engine, store: FolderStore) -> None:
    with pytest.raises(BatchProcessingError, match="not the key of a landed part"):
        load.handler(batch([notification_of("landing/notes.txt")]), Context())


# The database away, the time up


@pytest.fixture
def nobody(store: FolderStore, environment: pytest.MonkeyPatch) -> None:
    """A database that is away."""
    environment.setenv("GANS_DATABASE_URL", "mysql+pymysql://root@127.0.0.1:9/gans")


def test_a_database_that_is_away_is_not_waited_for_by_every_message(
    nobody: None, landing: Landing, logged: Callable[[], Lines]
) -> None:
    with pytest.raises(BatchProcessingError):
        load.handler(batch([notification_of(key) for key in landing.keys]), Context())
    first, *others = [line["message"] for line in logged() if line.get("level") == "ERROR"]
    assert "Can't connect to MySQL server" in first
    assert len(others) == len(landing.keys) - 1
    assert all(message.endswith("was not tried: the database is away") for message in others)


def test_no_part_is_begun_that_may_not_be_finished(
    stored: Engine, store: FolderStore, landing: Landing, environment: pytest.MonkeyPatch
) -> None:
    context = Context()
    remaining = iter([100_000, 1_000 * load.LOADING_S, 1_000 * load.LOADING_S - 1, 100])
    environment.setattr(context, "get_remaining_time_in_millis", lambda: next(remaining))
    keys = [key for key in landing.keys if "/cities/" in key][:4]
    assert failed(load.handler(batch([notification_of(key) for key in keys]), context)) == [2, 3]
    assert set(known(stored)) == set(keys[:2])


def test_a_failure_of_one_part_in_the_database_is_not_that_of_the_others(
    stored: Engine, store: FolderStore, landing: Landing, environment: pytest.MonkeyPatch
) -> None:
    from gans.load import load as steps

    store_part = steps._store_line

    def refused(connection: Any, key: PartKey, *rest: Any) -> None:
        if key.part == 1 and str(key) == keys[0]:
            connection.exec_driver_sql("SELECT no_such_column FROM collection_runs")
        store_part(connection, key, *rest)

    keys = [key for key in landing.keys if "/cities/" in key]
    environment.setattr(steps, "_store_line", refused)
    assert failed(load.handler(batch([notification_of(key) for key in keys]), Context())) == [0]
    assert set(known(stored)) == set(keys[1:])


@pytest.mark.databases("sqlite")
def test_what_is_landed_beside_another_database_is_not_loaded(
    store: FolderStore, stored: Engine, landing: Landing, logged: Callable[[], Lines]
) -> None:
    is_simulated = (read_identity(store) or new_identity(False)).is_simulated
    with stored.begin() as connection:
        row = {"installation_id": 1, "landing_id": "another", "is_simulated": not is_simulated}
        connection.execute(installation.insert(), row)
    with pytest.raises(BatchProcessingError):
        load.handler(batch([notification_of(landing.keys[0])]), Context())
    (line,) = (line for line in logged() if "not loaded" in line.get("message", ""))
    assert "set one of them to what belongs to the other" in line["message"]
    assert "exception" not in line, "a sentence, and no traceback"
    assert known(stored) == {}
