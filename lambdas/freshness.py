"""Turns the freshness of every source into metrics, once an hour."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from gans.clock import utc_now
from gans.reading.freshness import freshness
from lambdas import resources
from lambdas.telemetry import logger, measure


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Measures every source that ever ran; one that never did has nothing to measure.

    Raises:
        DBAPIError: the database did not answer.
    """
    found = freshness(resources.engine(), utc_now())
    for source in found:
        measure(source.source, IsStale=source.is_stale, RejectedPct=source.rejected_pct)
    logger.info("measured", stale=[source.source for source in found if source.is_stale])
