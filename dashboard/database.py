"""The database of the pages: one engine that only reads and runs no SQL of people's, and what a page says without an answer."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Final

import streamlit as st
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from dashboard.text import plain
from gans.database.engine import open_reader
from gans.database.revisions import require_newest
from gans.errors import ConfigError, NotKnown
from gans.settings import Settings, read_settings

QUERY_S: Final = 20.0
"""How long a query of a page may take before the database ends it."""


def settings() -> Settings:
    """What is configured, as the command that serves the pages was told."""
    return read_settings(os.environ)


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """The configured database.

    Raises:
        ConfigError: it is not there, or not at the revision that these pages read.
        DBAPIError: it does not answer.
    """
    found = open_reader(settings().for_pages(), QUERY_S)
    require_newest(found)
    return found


def show_errors(page: Callable[[], None]) -> Callable[[], None]:
    """The page, which says what is wrong with the database in place of a traceback."""

    @wraps(page)
    def shown() -> None:
        try:
            page()
        except (ConfigError, NotKnown) as error:
            st.error(plain(error), icon=":material/settings:")
        except DBAPIError as error:
            st.error(
                f"The database does not answer: {plain(error.orig)}. This page asks again by itself.",
                icon=":material/database_off:",
            )

    return shown
