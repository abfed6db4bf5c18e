"""What an environment of a function that knows the database opens once, and keeps from one event to the next."""

import os
from functools import cache

from sqlalchemy import Engine

from gans.database import installation
from gans.database.engine import open_engine
from gans.settings import Settings, read_settings
from gans.storage.store import Store, open_store


@cache
def settings() -> Settings:
    """The function's settings."""
    return read_settings(os.environ)


@cache
def store() -> Store:
    """The landing."""
    return open_store(settings().landing)


@cache
def engine() -> Engine:
    """The database. A function does one thing after the other, so its pool never holds more than one connection."""
    return open_engine(settings())


@cache
def agree() -> None:
    """Makes sure, once, that the landing and the database belong together.

    The functions that collect may not give the landing its identity, so what is landed without one is what they ask.

    Raises:
        ConfigError: they do not.
        DBAPIError: the database is away.
    """
    installation.agree(store(), engine(), settings().landing, asks_simulated=None, unmarked=bool(settings().simulator_url))
