"""Brings the database to the newest revision and lets the functions' users and the analyst's in; every deploy runs it once."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from gans.database.grants import grant_read_only, grant_rights
from gans.database.migrate import upgrade
from gans.database.revisions import current, head, is_unknown
from gans.database.roles import ROLES
from gans.secrets import read_login
from lambdas import resources
from lambdas.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Upgrades the schema, and makes users, passwords and rights as they should be; may be run any number of times.

    A newer one stays as it is, and that is no failure: so it is when a deploy is rolled back, and code works on the tables of the
    release after it (`schema/migrations/README.md`). A failure would break the roll-back off.

    Raises:
        ConfigError: a secret is missing or wrong.
        Transient: somebody goes on using what is to be changed.
        DBAPIError: the database refused.
    """
    revision = current(resources.engine())
    if is_unknown(revision):
        logger.warning("the database is newer than this code and stays as it is", revision=revision, known=head())
        return {"revision": revision}
    upgrade(resources.engine())
    settings = resources.settings()
    if settings.analyst_secret:
        grant_read_only(resources.engine(), read_login(settings.analyst_secret))
    for role, rights in ROLES.items():
        if secret := getattr(settings, f"{role}_secret"):
            grant_rights(resources.engine(), read_login(secret), rights())
    logger.info("migrated", revision=head())
    return {"revision": head()}
