"""Compacts the hours that are over and have something new, every hour; or some hours again, where a person asks for it."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from gans.archive.archive import LATE, archive
from gans.clock import utc_now
from gans.errors import ConfigError
from gans.sources import registry
from lambdas import resources
from lambdas.telemetry import logger

COMPACTING_S = 300.0
"""What compacting an hour may take: with less time left, none is begun."""


class Asked(msgspec.Struct, frozen=True):
    """What fires the function: a rule, whose event has neither of these, or a person.

    Attributes:
        since: compacts again every hour from the one that it lies in.
        until: leaves alone the hours that were not over by then.
    """

    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Compacts hours, the newest first, until all are done or the time is nearly up; then the next run goes on.

    Returns:
        The hours that were compacted, and whether these were all.

    Raises:
        ConfigError: the event is wrong.
        DBAPIError: the database failed, or went away for longer than a few tries.
    """
    try:
        asked = msgspec.convert(event, Asked)
    except msgspec.ValidationError as error:
        raise ConfigError(f"The event does not fit: {error}") from None
    now, is_complete = utc_now(), True

    def has_time() -> bool:
        nonlocal is_complete
        is_complete = context.get_remaining_time_in_millis() >= COMPACTING_S * 1000
        return is_complete

    hours = archive(
        resources.store(),
        resources.engine(),
        registry()["station_status"],
        min(now, asked.until or now).astimezone(UTC),
        (asked.since or now - LATE).astimezone(UTC),
        is_again=asked.since is not None,
        has_time=has_time,
    )
    for hour in hours:
        details = {"systems": len(hour.systems), "rows": hour.rows, "file_bytes": hour.file_bytes, "unreadable": hour.unreadable}
        logger.info("archived", hour=hour.hour.isoformat(), parts=hour.parts, extra=details)
    if not is_complete:
        logger.warning("the time was nearly up: the hours before these are left to the next run")
    return {"hours": [hour.hour.isoformat() for hour in hours], "is_complete": is_complete}
