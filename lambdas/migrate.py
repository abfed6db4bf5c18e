"""Brings the database to the newest revision and lets the analyst's user in; every deploy runs it once."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from gans.database.grants import grant_read_only
from gans.database.migrate import upgrade
from gans.database.revisions import head
from gans.secrets import read_login
from lambdas import resources
from lambdas.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Upgrades the schema; may be run any number of times.

    Raises:
        ConfigError: a secret is missing or wrong.
        DBAPIError: the database refused.
    """
    upgrade(resources.engine())
    if secret := resources.settings().analyst_secret:
        grant_read_only(resources.engine(), read_login(secret))
    logger.info("migrated", revision=head())
    return {"revision": head()}
