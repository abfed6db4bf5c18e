"""Turns the freshness of every source into metrics, every minute."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from gans.clock import utc_now
from gans.reading.freshness import freshness
from gans.sources import asked
from lambdas import resources
from lambdas.telemetry import logger, measure


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Measures every source that ever ran, and whether that could be measured: an alarm watches each.

    Raises:
        DBAPIError: the database did not answer.
    """
    is_measured = False
    try:
        found = freshness(resources.engine(), asked().values(), utc_now())
        is_measured = True
    finally:
        measure(None, IsMeasured=is_measured)
    for source in found:
        measure(source.source, IsStale=source.is_stale, FailedPct=source.failed_pct, RejectedPct=source.rejected_pct)
    logger.info("measured", stale=[source.source for source in found if source.is_stale])
