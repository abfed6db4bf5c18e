"""Gans as it is deployed: the CDK app on MiniStack, which enforces IAM, with rules that fire, a queue, and a real MySQL.

The tests stand in the order of a deployment's life, and each takes it over from the one before.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import duckdb
import msgspec
import pytest
from botocore.exceptions import ClientError
from sqlalchemy import Engine, create_engine, func, make_url, select, text
from sqlalchemy.exc import DBAPIError

from gans.archive.archive import HOUR
from gans.database.roles import ROLES
from gans.secrets import Login
from gans.sources import asked
from gans.storage.watchlist import KEY
from gans.tables import collection_runs, metadata
from gans.tables.mobility import station_hours
from infra_cdk.queries import QUERIES, saved_text
from local.servers import mysql
from local.servers.deployment import ANALYST_SECRET, STACK, Deployed
from local.servers.ministack import ACCOUNT, REGION
from tests.aws.conftest import Clock, await_that
from tests.survival.conftest import content

pytestmark = pytest.mark.aws

SOURCES = set(asked())
GOOD = {"ok", "not_modified"}


def test_every_table_of_every_source_fills_by_itself(aws: Deployed) -> None:
    written = {metadata.tables[name] for source in asked().values() for name in source.writes}

    def empty() -> list[str]:
        with aws.engine.connect() as connection:
            return [table.name for table in written if not connection.scalar(select(func.count()).select_from(table))]

    await_that(lambda: not empty(), "a row in every table")


def test_an_unchanged_tree_deploys_nothing(aws: Deployed) -> None:
    def events() -> set[str]:
        pages = aws.cloud.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=STACK)
        return {event["EventId"] for page in pages for event in page["StackEvents"]}

    before = events()
    assert "(no changes)" in aws.deploy()
    assert events() == before


def test_a_collector_reaches_only_what_is_its_own(aws: Deployed) -> None:
    client = as_role_of(aws, "flights")
    bucket, keeper, bucket_name = client("s3"), client("secretsmanager"), aws.bucket
    bucket.put_object(Bucket=bucket_name, Key="landing/flights/probe", Body=b"")
    assert bucket.get_object(Bucket=bucket_name, Key="reference/cities.json")["Body"].read()
    assert keeper.get_secret_value(SecretId="gans/keys/flights")["SecretString"]
    refused: dict[str, Callable[[], object]] = {
        "another's landing": lambda: bucket.put_object(Bucket=bucket_name, Key="landing/weather/probe", Body=b""),
        "a reference": lambda: bucket.put_object(Bucket=bucket_name, Key="reference/cities.json", Body=b""),
        "another's state": lambda: bucket.put_object(Bucket=bucket_name, Key="state/weather.json", Body=b""),
        "reading what was landed": lambda: bucket.get_object(Bucket=bucket_name, Key="landing/flights/probe"),
        "deleting what was landed": lambda: bucket.delete_object(Bucket=bucket_name, Key="landing/flights/probe"),
        "another's key": lambda: keeper.get_secret_value(SecretId="gans/keys/openweather"),
        "the database's login": lambda: keeper.get_secret_value(SecretId="gans/database"),
    }
    for what, attempt in refused.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            print(what, attempt())  # noqa: T201 - pytest shows it where it was not refused


def test_the_analyst_reads_and_changes_nothing(aws: Deployed) -> None:
    """The deploy has let in the user whose login the operator keeps in Secrets Manager."""
    secret = aws.cloud.client("secretsmanager").get_secret_value(SecretId=ANALYST_SECRET)["SecretString"]
    login = msgspec.json.decode(secret, type=Login)
    engine = create_engine(make_url(f"{aws.server.url}gans").set(username=login.username, password=login.password))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM city_hours"))
        with pytest.raises(DBAPIError, match="command denied"):
            connection.execute(text("DELETE FROM rejects"))
    engine.dispose()


def test_each_function_connects_as_a_user_of_its_own(aws: Deployed) -> None:
    """None but the one that migrates is the user who may do everything."""

    def connected() -> set[str]:
        with aws.engine.connect() as connection:
            return set(connection.scalars(text("SELECT user FROM information_schema.processlist")))

    await_that(lambda: {"gans_load", "gans_freshness"} <= connected(), "the functions are connected")
    assert "errorMessage" not in called(aws, "retain")
    assert {"gans_retain"} <= connected() <= {"gans", "root", "event_scheduler", *(f"gans_{role}" for role in ROLES)}


def test_another_password_in_a_secret_is_taken_over_by_the_migrate_function(aws: Deployed) -> None:
    keeper, secret = aws.cloud.client("secretsmanager"), aws.outputs()["RetainSecret"]
    login = msgspec.json.decode(keeper.get_secret_value(SecretId=secret)["SecretString"], type=Login)
    keeper.put_secret_value(SecretId=secret, SecretString=json.dumps({"username": login.username, "password": "another"}))
    for function in ("migrate", "retain"):
        with aws.engine.begin() as connection:
            for connected in connection.scalars(text("SELECT id FROM information_schema.processlist WHERE user = 'gans_retain'")):
                connection.execute(text(f"KILL {connected}"))
        assert "errorMessage" not in called(aws, function)
    other = create_engine(make_url(f"{aws.server.url}gans").set(username=login.username, password=login.password))
    with pytest.raises(DBAPIError, match="Access denied"):
        other.connect()


def test_a_loader_may_not_write_the_watchlist(aws: Deployed) -> None:
    for function in ("load", "retain"):
        client = as_role_of(aws, function)("s3")
        assert client.get_object(Bucket=aws.bucket, Key="reference/cities.json")["Body"].read()
        with pytest.raises(ClientError, match="AccessDenied"):
            client.put_object(Bucket=aws.bucket, Key=KEY, Body=b"{}")
        with pytest.raises(ClientError, match="AccessDenied"):
            as_role_of(aws, function)("secretsmanager").get_secret_value(SecretId="gans/database")


def test_every_rule_fires(aws: Deployed) -> None:
    """A changed reference fires too; so what counts are runs for a minute in which none changed."""
    objects = aws.cloud.client("s3").list_objects_v2(Bucket=aws.bucket, Prefix="reference/")["Contents"]
    minute = max(item["LastModified"] for item in objects).replace(second=0, microsecond=0) + timedelta(minutes=1)
    await_that(lambda: statuses_since(aws.engine, minute).keys() == SOURCES, f"a run of every source since {minute:%H:%M}")
    assert set.union(*statuses_since(aws.engine, minute).values()) <= GOOD


def test_the_same_slot_again_changes_no_row(aws: Deployed, clock: Clock, calm: None) -> None:
    clock.stopped_at = datetime.now(UTC)
    slot = this_minute()
    fire(aws, slot)
    before = content(aws.engine)
    fire(aws, slot)
    assert content(aws.engine) == before


def test_an_hour_that_is_over_becomes_a_file_and_rows(aws: Deployed, calm: None, tmp_path: Path) -> None:
    """The minutes of the hour before are asked for now, and the rule's function is fired as the rule would."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - HOUR
    for minute in range(2):
        aws.store.write("state/station_status.json", b"{}")  # else the last answer would still hold
        fire(aws, hour + timedelta(minutes=minute), {"station_status"})
    result = called(aws, "archive")
    assert hour.isoformat() in result["hours"], result
    assert result["is_complete"]
    of = station_hours.c
    query = select(of.system_id, func.count(), func.max(of.minutes_observed)).where(of.hour_at == hour).group_by(of.system_id)
    with aws.engine.connect() as connection:
        stations = {system: (count, minutes) for system, count, minutes in connection.execute(query)}
    assert stations
    for system, (count, minutes) in stations.items():
        data = aws.store.read(f"archive/station_status/system_id={system}/date={hour:%Y-%m-%d}/hour={hour:%H}.parquet")
        assert data
        assert minutes >= 2
        (file := tmp_path / f"{system}.parquet").write_bytes(data)
        ((found, rows),) = duckdb.sql(f"SELECT count(DISTINCT station_id), count(*) FROM '{file}'").fetchall()
        assert found == count
        assert rows >= 2 * count


def test_the_archive_reaches_only_what_is_its_own(aws: Deployed) -> None:
    bucket, bucket_name = as_role_of(aws, "archive")("s3"), aws.bucket
    refused: dict[str, Callable[[], object]] = {
        "landing": lambda: bucket.put_object(Bucket=bucket_name, Key="landing/station_status/probe", Body=b""),
        "the landing of vehicles": lambda: bucket.get_object(Bucket=bucket_name, Key=next(aws.store.keys("landing/vehicles/"))),
        "a reference": lambda: bucket.get_object(Bucket=bucket_name, Key="reference/cities.json"),
        "deleting": lambda: bucket.delete_object(Bucket=bucket_name, Key=next(aws.store.keys("archive/"))),
    }
    for what, attempt in refused.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            print(what, attempt())  # noqa: T201 - pytest shows it where it was not refused


def test_a_missing_key_stops_its_source_alone_and_is_told(aws: Deployed, calm: None) -> None:
    keeper = aws.cloud.client("secretsmanager")
    keeper.delete_secret(SecretId="gans/keys/openweather", ForceDeleteWithoutRecovery=True)
    slot, asked = this_minute(), len(aws.simulator.requests)
    invoke(aws, "openweather", slot)
    (failure,) = received(aws, "FailuresQueue", 1)
    assert failure["requestPayload"] == {"slot": slot.isoformat()}
    assert (
        "No key for openweather: Secrets Manager has no secret gans/keys/openweather"
        in failure["responsePayload"]["errorMessage"]
    )
    assert len(aws.simulator.requests) == asked, "it asked without a key"
    fire(aws, slot, SOURCES - {"openweather"})
    keeper.create_secret(Name="gans/keys/openweather", SecretString="another")
    fire(aws, slot, {"openweather"})


@pytest.mark.parametrize("query", QUERIES)
def test_the_saved_queries_run(aws: Deployed, query: str) -> None:
    client, groups = aws.cloud.client("logs"), [name for output, name in aws.outputs().items() if output.endswith("Log")]
    since, until = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(minutes=1)
    times = {"startTime": int(since.timestamp()), "endTime": int(until.timestamp())}
    started = client.start_query(logGroupNames=groups, queryString=saved_text(query), **times)
    result: dict[str, Any] = {}

    def is_done() -> bool:
        result.update(client.get_query_results(queryId=started["queryId"]))
        return result["status"] not in ("Scheduled", "Running")

    await_that(is_done, query)
    assert result["status"] == "Complete"
    print(query, result["results"][:3])  # noqa: T201 - pytest shows it where it was not complete


def test_a_database_killed_while_batches_arrive_loses_nothing(aws: Deployed, calm: None) -> None:
    """Six times the load function's time is long to wait for the next delivery: here the queue delivers again at once."""
    queue = aws.outputs()["LandedQueue"]
    aws.cloud.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "5"})
    slot = this_minute() - timedelta(minutes=10)
    for source in SOURCES:
        invoke(aws, source, slot)
    aws.server.kill()
    await_that(lambda: all(list(aws.store.keys(landed(source, slot))) for source in SOURCES), "every source has landed")
    assert mysql.start(aws.server.flavour, home=aws.server.home) == aws.server
    aws.engine.dispose()
    await_that(lambda: not pending(aws), "everything that was landed is loaded")
    assert not received(aws, "NotLoadedQueue", 0)


def test_what_was_deployed_is_taken_away(aws: Deployed) -> None:
    aws.destroy()
    with pytest.raises(ClientError, match="does not exist"):
        aws.outputs()


@pytest.fixture
def calm(aws: Deployed) -> Iterator[None]:
    """No rule fires, and nothing is on its way."""
    client = aws.cloud.client("events")
    scheduled = [
        rule["Name"] for rule in client.list_rules()["Rules"] if rule.get("ScheduleExpression") and rule["State"] == "ENABLED"
    ]
    for name in scheduled:
        client.disable_rule(Name=name)
    await_that(lambda: not pending(aws), "everything that was landed is loaded")
    yield
    for name in scheduled:
        client.enable_rule(Name=name)


def this_minute() -> datetime:
    """The slot that is on, of a rule that fires every minute."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


def landed(source: str, slot: datetime) -> str:
    """The prefix of what a source landed for a slot."""
    return f"landing/{source}/{slot:%Y%m%dT%H%M%S}"


def pending(aws: Deployed) -> set[str]:
    """What was landed and is not in the ledger."""
    with aws.engine.connect() as connection:
        known = set(connection.scalars(select(collection_runs.c.landing_key)))
    return {key for key in aws.store.keys("landing/") if key.endswith(".gz")} - known


def statuses_since(engine: Engine, slot: datetime) -> dict[str, set[str]]:
    """How the runs ended, by source."""
    found: dict[str, set[str]] = defaultdict(set)
    with engine.connect() as connection:
        for run in connection.execute(select(collection_runs).where(collection_runs.c.slot_at >= slot)):
            found[run.source].add(run.status)
    return found


def attempts(engine: Engine, slot: datetime) -> dict[str, int]:
    """How often each source has run for a slot."""
    runs = collection_runs.c
    counts = select(runs.source, func.count(runs.attempt_at.distinct())).where(runs.slot_at == slot).group_by(runs.source)
    with engine.connect() as connection:
        return dict.fromkeys(SOURCES, 0) | {source: int(count) for source, count in connection.execute(counts)}


def invoke(aws: Deployed, source: str, slot: datetime) -> None:
    """Fires a source as a person does, and as EventBridge: it is not waited for."""
    response = aws.cloud.client("lambda").invoke(
        FunctionName=aws.functions()[source], InvocationType="Event", Payload=json.dumps({"slot": slot.isoformat()})
    )
    assert response["StatusCode"] == 202


def called(aws: Deployed, function: str) -> dict[str, Any]:
    """What a function answers a person who calls it; of one that failed, with `errorMessage`."""
    answer = aws.cloud.client("lambda").invoke(FunctionName=aws.functions()[function], Payload=b"{}")
    return json.load(answer["Payload"]) or {}


def fire(aws: Deployed, slot: datetime, sources: set[str] = SOURCES) -> None:
    """Fires sources for a slot, and waits until what they landed is loaded."""
    before = attempts(aws.engine, slot)
    for source in sources:
        invoke(aws, source, slot)

    def are_loaded() -> bool:
        now = attempts(aws.engine, slot)
        return all(now[source] > before[source] for source in sources) and not pending(aws)

    await_that(are_loaded, f"{', '.join(sorted(sources))} are loaded for {slot:%H:%M}")


def as_role_of(aws: Deployed, source: str) -> Callable[[str], Any]:
    """What makes clients that may do what a source's function may do; for that, its role is made to trust this account too."""
    configuration = aws.cloud.client("lambda").get_function_configuration(FunctionName=aws.functions()[source])
    name, roles = configuration["Role"].rpartition("/")[2], aws.cloud.client("iam")
    trust = roles.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    ours = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    both = {**trust, "Statement": [*trust["Statement"], ours]}
    roles.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(both))
    credentials = aws.cloud.client("sts").assume_role(RoleArn=configuration["Role"], RoleSessionName="probe")["Credentials"]
    session = boto3.Session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"], REGION)
    return lambda service: session.client(service, endpoint_url=aws.cloud.endpoint, verify=str(aws.cloud.certificate))


def received(aws: Deployed, queue: str, least: int) -> list[dict[str, Any]]:
    """The messages of a queue, once there are so many."""
    client, url = aws.cloud.client("sqs"), aws.outputs()[queue]
    found: list[dict[str, Any]] = []

    def are_enough() -> bool:
        for message in client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ()):
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
        return len(found) >= least

    await_that(are_enough, f"{least} messages in {queue}")
    return found
