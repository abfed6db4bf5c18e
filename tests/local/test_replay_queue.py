"""`gans replay --queue`: landed parts to the deployed loader's queue, as S3 itself would tell of them."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from gans.errors import ConfigError
from gans.storage.landing import PartKey
from gans.storage.store import S3Store
from lambdas.load import landed
from local import replay_queue
from local.cli import main

SLOT = datetime(2026, 11, 1, tzinfo=UTC)


class Aws(NamedTuple):
    """A bucket with 23 parts of a source, three hours apart, and a queue."""

    keys: list[str]
    queue: str

    def messages(self) -> list[str]:
        found = []
        while received := boto3.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            found += [message["Body"] for message in received]
        return found


@pytest.fixture
def aws(bucket: S3Store) -> Aws:
    slots = [SLOT + timedelta(hours=3) * run for run in range(23)]
    keys = [str(PartKey("weather", slot, slot + timedelta(seconds=1), 1)) for slot in slots]
    for key in keys:
        bucket.write(key, b"part")
    return Aws(keys, boto3.client("sqs").create_queue(QueueName="load")["QueueUrl"])


@pytest.fixture
def gans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command, whose landing is the bucket; there is no database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANS_LANDING", "s3://gans-landing")
    monkeypatch.setenv("GANS_DATABASE_URL", "mysql+pymysql://nobody@127.0.0.1:1/gans")

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["gans", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        return int(end.value.code or 0)

    return run


def keys_of(messages: list[str]) -> list[str]:
    return sorted(key for message in messages for key in landed(message))  # as the loader reads them


def test_all_parts_go_and_the_loader_understands_the_messages(
    aws: Aws, gans: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert gans("replay", "weather", "--queue", aws.queue) == 0
    assert "Sent 23 parts" in capsys.readouterr().out
    messages = aws.messages()
    assert len(messages) == 23
    assert keys_of(messages) == aws.keys
    received = json.loads(messages[0])["Records"][0]
    assert (received["eventSource"], received["eventName"], received["s3"]["bucket"]["name"]) == (
        "aws:s3",
        "ObjectCreated:Put",
        "gans-landing",
    )


def test_slots_choose_the_parts(aws: Aws, gans: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert gans("replay", "weather", "--from", "2026-11-02", "--to", "2026-11-02", "--queue", aws.queue, "--json") == 0
    assert json.loads(capsys.readouterr().out) == aws.keys[8:16]
    assert keys_of(aws.messages()) == aws.keys[8:16]
    assert gans("replay", "weather", "--to", "2020-01-01", "--queue", aws.queue) == 0
    assert "Nothing of weather is landed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "landing", "message"),
    [
        (["wether", "--queue", "{queue}"], "s3://gans-landing", "There is no source wether"),
        (["weather", "--queue", "{queue}"], "data", "set GANS_LANDING to its bucket"),
        (["weather", "--queue", "{queue}s"], "s3://gans-landing", "Check --queue"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    aws: Aws,
    gans: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    landing: str,
    message: str,
) -> None:
    monkeypatch.setenv("GANS_LANDING", landing)
    assert gans("replay", *(argument.format(queue=aws.queue) for argument in arguments)) == 2
    assert message in capsys.readouterr().err
    assert aws.messages() == []


class Refusing:
    """SQS that refuses some messages of a batch, as it may, a number of times."""

    def __init__(self, client: Any, times: int, *, is_ours: bool) -> None:
        self.client, self.times, self.is_ours = client, times, is_ours

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        self.times -= 1
        if self.times < 0:
            received: dict[str, Any] = self.client.send_message_batch(QueueUrl=QueueUrl, Entries=Entries)
            return received
        refused, taken = Entries[::2], Entries[1::2]
        if taken:
            self.client.send_message_batch(QueueUrl=QueueUrl, Entries=taken)
        failed = {"SenderFault": self.is_ours, "Code": "InternalError", "Message": "try later"}
        return {"Failed": [{"Id": one["Id"], **failed} for one in refused]}


def test_messages_that_the_queue_failed_to_take_go_again_alone(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_queue.time, "sleep", lambda seconds: None)
    client = Refusing(boto3.client("sqs"), replay_queue.TRIES - 1, is_ours=False)
    received: list[tuple[int, int]] = []
    with monkeypatch.context() as refusing:
        refusing.setattr(boto3, "client", lambda service: client)
        replay_queue.send(aws.queue, "gans-landing", aws.keys, lambda *progress: received.append(progress))
    assert received == [(10, 23), (20, 23), (23, 23)]
    messages = aws.messages()
    assert len(messages) == 23
    assert keys_of(messages) == aws.keys


@pytest.mark.parametrize("is_ours", [True, False])
def test_messages_that_are_never_taken_are_an_error(aws: Aws, monkeypatch: pytest.MonkeyPatch, is_ours: bool) -> None:
    waits: list[float] = []
    monkeypatch.setattr(replay_queue.time, "sleep", waits.append)
    client = Refusing(boto3.client("sqs"), 1_000, is_ours=is_ours)
    monkeypatch.setattr(boto3, "client", lambda service: client)
    with pytest.raises(ConfigError, match=r"Sent 0 of 23 parts, then .* refused some: InternalError: try later"):
        replay_queue.send(aws.queue, "gans-landing", aws.keys)
    assert len(waits) == (0 if is_ours else replay_queue.TRIES), "trying again helps only where the fault is the queue's"
