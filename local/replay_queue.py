"""The deployed loader's queue: landed parts sent there again, as S3 notifies of new ones."""

import random
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_plus

import msgspec

from gans.errors import ConfigError
from local.pipeline import Progress

BATCH = 10
"""The most messages that SQS takes at once."""

TRIES = 5


def send(url: str, bucket: str, keys: Sequence[str], on_progress: Progress = lambda done, planned: None) -> None:
    """Sends a message for each of `keys`, of the shape of S3's own (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).

    Args:
        url: of the queue.
        bucket: that holds the landing.

    Raises:
        ConfigError: the queue cannot be used, or did not take all of them; which were taken is not undone.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        entries = [{"Id": str(index), "MessageBody": _notification(bucket, key)} for index, key in enumerate(batch)]
        try:
            reason = _send(boto3.client("sqs"), url, entries)
        except (BotoCoreError, ClientError) as error:
            reason = str(error)
        if reason:
            raise ConfigError(
                f"Sent {start} of {len(keys)} parts, then {url} refused some: {reason}. Check --queue, the credentials, and what "
                "they allow; then run it again: a part that is loaded twice changes nothing."
            )
        on_progress(start + len(batch), len(keys))


def _send(client: Any, url: str, entries: list[dict[str, str]]) -> str:
    """Sends up to ten messages; those that SQS failed to take go again.

    Returns:
        Why some were not taken; "" where all were.
    """
    for attempt in range(TRIES):
        failed = {one["Id"]: one for one in client.send_message_batch(QueueUrl=url, Entries=entries).get("Failed", ())}
        if not failed:
            return ""
        if any(one["SenderFault"] for one in failed.values()):
            break
        entries = [entry for entry in entries if entry["Id"] in failed]
        time.sleep(random.uniform(0.5, 1.5) * 0.1 * 2**attempt)
    return "; ".join(sorted({f"{one['Code']}: {one.get('Message', 'no reason given')}" for one in failed.values()}))


def _notification(bucket: str, key: str) -> str:
    landed = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/")}}
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": landed}
    return msgspec.json.encode({"Records": [record]}).decode()
