"""Loads what was landed: each message of the queue is a notification of new objects in the bucket.

Every night it looks for itself what is landed and not loaded: what a notification that was lost has left behind.
"""

from datetime import timedelta
from typing import Any, cast
from urllib.parse import unquote_plus

import msgspec
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from sqlalchemy.exc import DBAPIError

from gans.clock import utc_now
from gans.database.transactions import is_away
from gans.errors import BadData, GansError, Transient
from gans.load.load import load
from gans.load.pending import pending
from gans.sources import registry
from lambdas import resources
from lambdas.telemetry import logger, measure

LOADING_S = 20.0
"""What loading a part may take: with less time left, none is begun."""

FAILED_TRIES = 3
"""How often a message may fail before a person is told."""

LOOKED_BACK = timedelta(days=15)
"""By slot, which for a weekly source may be a week older than what was landed for it."""

ON_THE_WAY = timedelta(hours=1)
"""What was landed less long ago may still be in the queue."""

_processor = BatchProcessor(event_type=EventType.SQS)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Loads every part that the messages name; fired by a rule, every part of the last days that the ledger does not know.

    Returns:
        The messages that failed, which the queue delivers again; or how many parts were missed, and how many of these are loaded.

    Raises:
        BatchProcessingError: all messages failed.
        Transient: a part that was missed was not loaded.
    """
    if "Records" not in event:
        return _load_missed(_Batch(context))
    return cast("dict[str, Any]", process_partial_response(event, _Batch(context).take, _processor))


def _load_missed(batch: "_Batch") -> dict[str, Any]:
    """Loads what was missed until the time is nearly up; the rest is left to the next night."""
    resources.agree()
    now, failed, loaded = utc_now(), dict[str, str](), 0
    found = pending(resources.store(), resources.engine(), registry().values(), now, now - LOOKED_BACK)
    missed = [str(part) for part in found if part.attempt < now - ON_THE_WAY]
    if missed:
        logger.warning("landed, and not loaded until now", parts=len(missed), first=missed[0])
    for key in missed:
        if batch.outage or not batch.has_time():
            break
        try:
            batch.load(key)
            loaded += 1
        except Exception as error:
            logger.error(f"not loaded: {error}", exc_info=not isinstance(error, GansError))
            failed[key] = str(error)
    if failed:
        key, reason = next(iter(failed.items()))
        raise Transient(f"{len(failed)} parts that were missed were not loaded, like {key}: {reason}")
    return {"missed": len(missed), "loaded": loaded}


class _Batch:
    """What one invocation loads. A failure is that of its part alone, unless the database or the bucket is away."""

    def __init__(self, context: LambdaContext) -> None:
        self.context, self.outage = context, ""

    def take(self, record: SQSRecord) -> None:
        delivery = int(record.attributes.approximate_receive_count)
        with logger.append_context_keys(message_id=record.message_id, delivery=delivery):
            # Whatever ended the tries before, also without a word: no memory, no time.
            if delivery > FAILED_TRIES:
                measure(None, FailedTries=delivery - 1)
            try:
                for key in landed(record.body):
                    self.load(key)
            except Exception as error:
                measure(None, FailedTries=delivery)
                logger.error(f"not loaded: {error}", exc_info=not (self.outage or isinstance(error, GansError)))
                raise

    def has_time(self) -> bool:
        """Whether another part may be begun."""
        return self.context.get_remaining_time_in_millis() >= LOADING_S * 1000

    def load(self, key: str) -> None:
        """Loads a part.

        Raises:
            BadData: it is none.
            Transient: it was not begun.
            DBAPIError: the database failed.
        """
        if self.outage:
            raise Transient(f"{key} was not tried: {self.outage}")
        if not self.has_time():
            raise Transient(f"{key} was not begun: the time of this invocation is nearly up")
        try:
            resources.agree()
            loaded = load(key, store=resources.store(), engine=resources.engine(), sources=registry(), clock=utc_now)
        except DBAPIError as error:
            self.outage = "the database is away" if is_away(error) else ""
            raise
        except Transient as error:
            self.outage = str(error)
            raise
        rows = sum(loaded.rows.values())
        lag = {} if loaded.lag_s is None else {"LagSeconds": loaded.lag_s}
        measure(loaded.key.source, Failures=loaded.unusable, RowsWritten=rows, RowsRejected=loaded.rejected, **lag)
        details = {"status": loaded.status, "rows": loaded.rows, "rejected": loaded.rejected, "error": loaded.error}
        logger.info("loaded", source=loaded.key.source, slot=loaded.key.slot.isoformat(), key=key, extra=details)


class _Object(msgspec.Struct):
    key: str


class _S3(msgspec.Struct):
    object: _Object


class _Record(msgspec.Struct):
    s3: _S3


class _Notification(msgspec.Struct):
    """The Amazon S3 event message structure, of which only the key is needed; or the test that S3 sends first."""

    Records: list[_Record] = []
    Event: str = ""


def landed(body: str) -> list[str]:
    """The keys of the objects that a notification of S3 names; none in the test message that comes first.

    Raises:
        BadData: the message is not one of S3.
    """
    try:
        notification = msgspec.json.decode(body, type=_Notification)
    except msgspec.DecodeError as error:
        raise BadData(f"The message is not a notification of S3: {error}") from None
    if not notification.Records and notification.Event != "s3:TestEvent":
        raise BadData("The message is not a notification of S3: it tells of no object")
    return [unquote_plus(record.s3.object.key) for record in notification.Records]
