"""One transaction that is tried again, and which errors of a database pass by themselves."""

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")

TRIES = 5

ACCESS_DENIED, NO_SUCH_RIGHT, UNKNOWN_DATABASE = 1045, 1044, 1049
# No connection, server gone, lost, shutting down, too many, killed; lock wait, deadlock, interrupted: the transaction goes again.
_AWAY = frozenset({2003, 2006, 2013, 1053, 1040, 1927})
_LOCKED = frozenset({1205, 1213})
_RETRIED = _AWAY | _LOCKED | {1317}


def in_transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    """What `work` returns, committed; tried again from its beginning after a deadlock or a lost connection.

    Raises:
        DBAPIError: it failed for another reason, or too often.
    """
    for attempt in range(TRIES):
        try:
            with engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            if attempt == TRIES - 1 or not _may_pass(error):
                raise
            time.sleep(random.uniform(0.5, 1.5) * 0.1 * 2**attempt)  # not all at once again
    raise AssertionError("unreachable")


def error_code(error: DBAPIError) -> Any:
    """The number that MySQL gives an error; of another database, what its driver says first."""
    return error.orig.args[0] if error.orig is not None and error.orig.args else None


def _may_pass(error: DBAPIError) -> bool:
    return error.connection_invalidated or error_code(error) in _RETRIED or is_locked_out(error)


def is_locked_out(error: DBAPIError) -> bool:
    """Whether others kept what the statement needs for longer than it may wait."""
    return error_code(error) in _LOCKED or "database is locked" in str(error.orig)


def is_away(error: DBAPIError) -> bool:
    """Whether there was no database to talk to, or it let nobody in: then another transaction need not be tried now."""
    return error.connection_invalidated or error_code(error) in {*_AWAY, ACCESS_DENIED}


def is_of_statement(error: DBAPIError) -> bool:
    """Whether the database was there and refused what the statement says: another may do."""
    away = getattr(error.orig, "sqlite_errorname", "").split("_")[:2]
    return error.statement is not None and not is_away(error) and away not in _SQLITE_AWAY


_SQLITE_AWAY = [
    ["SQLITE", name] for name in ("NOTADB", "CANTOPEN", "BUSY", "LOCKED", "IOERR", "CORRUPT", "FULL", "PERM", "NOMEM")
]
