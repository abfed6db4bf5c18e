"""Thins what the growth rule lets go, and publishes every reference table anew, every night."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from gans.clock import utc_now
from gans.load.publish import publish
from gans.retain import retain
from gans.tables import metadata
from lambdas import resources
from lambdas.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Retains and publishes; what two loaders at once may have left old in a snapshot is mended here.

    Raises:
        DBAPIError: the database failed, or went away for longer than a few tries.
    """
    retained = retain(resources.engine(), utc_now())
    published = publish(resources.engine(), resources.store(), metadata.tables)
    logger.info("retained", rows=dict(retained.rows), published=published)
