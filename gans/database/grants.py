"""The users of the database beside the one that makes them: those who only read, and one for each function; and who is which."""

import re
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.mysql.base import MySQLDialect

from gans.database.roles import Rights
from gans.errors import ConfigError
from gans.secrets import Login

MOST_CONNECTIONS: Final = 20
"""At once, of one user who reads: the loaders' connections are never taken up by queries."""
MOST_S: Final = 300
"""The longest statement of such a user on MariaDB; MySQL has no such limit of a user."""

_READING = frozenset({"USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES"})


def grant_read_only(engine: Engine, login: Login, database: str = "") -> None:
    """Makes the user of `login`, or gives an existing one this password, and the right to read one database alone.

    Where this connection is encrypted, the user's must be too.

    Args:
        database: its name; "" for the engine's.

    Raises:
        ConfigError: the user is the one that Gans itself connects as.
        DBAPIError: the database refused; its text holds no password.
    """
    with engine.begin() as connection:
        limits = f" WITH MAX_USER_CONNECTIONS {MOST_CONNECTIONS}"
        if _is_mariadb(connection):
            limits += f" MAX_STATEMENT_TIME {MOST_S}"
        _let_in(connection, login, limits)
        name = (database or str(engine.url.database)).replace("_", r"\_").replace("%", r"\%")  # GRANT reads both as wildcards
        connection.exec_driver_sql(f"GRANT SELECT ON {_quoted(connection, name)}.* TO %(username)s@'%%'", _named(login))


def rights_beyond_reading(engine: Engine) -> list[str]:
    """What the engine's user may do besides reading, by itself or by a role; nothing on SQLite, whose readers open the file so.

    Raises:
        DBAPIError: the database is away, or lets the user not in.
    """
    if engine.dialect.name == "sqlite":
        return []
    with engine.connect() as connection:
        grants = [str(line) for line in connection.exec_driver_sql("SHOW GRANTS").scalars()]
        roles = [
            line.removeprefix("GRANT ").partition(" TO ")[0]
            for line in grants
            if line.startswith("GRANT ") and " ON " not in line
        ]
        for role in roles:
            if _is_mariadb(connection):  # shows the rights of a role to who has taken it
                connection.exec_driver_sql(f"SET ROLE {role}")
                grants += connection.exec_driver_sql(f"SHOW GRANTS FOR {role}").scalars()
                connection.exec_driver_sql("SET ROLE NONE")
            else:
                grants += connection.exec_driver_sql(f"SHOW GRANTS FOR CURRENT_USER() USING {role}".replace("%", "%%")).scalars()
    rights = {right for line in grants if " ON " in line for right in _rights(line)}
    rights |= {"GRANT OPTION" for line in grants if line.endswith("WITH GRANT OPTION")}
    return sorted(rights - _READING)


def _is_mariadb(connection: Connection) -> bool:
    return isinstance(connection.dialect, MySQLDialect) and connection.dialect.is_mariadb


def _rights(grant: str) -> list[str]:
    """The rights of a grant, without the columns that some are for."""
    listed = grant.removeprefix("GRANT ").partition(" ON ")[0]
    return [right.strip() for right in re.sub(r"\([^)]*\)", "", listed).split(",")]


def grant_rights(engine: Engine, login: Login, rights: Rights) -> None:
    """Makes the user of `login`, or gives an existing one this password, and `rights` on tables of this database, and no others.

    What it has of these stays granted all the while, so that what connects as it is not disturbed.

    Raises:
        ConfigError: as `grant_read_only`.
        DBAPIError: as `grant_read_only`.
    """
    with engine.begin() as connection:
        _let_in(connection, login)
        has = {"database": engine.url.database, "grantee": f"'{login.username}'@'%'"}
        if any(connection.exec_driver_sql(query, has).scalar() for query in _WIDER):
            connection.exec_driver_sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM %(username)s@'%%'", _named(login))
        database = _quoted(connection, str(engine.url.database))
        wanted = {(table, right) for table, some in rights.items() for right in some}
        there = set(map(tuple, connection.exec_driver_sql(_OF_TABLES, has)))
        for word, towards, pairs in (("GRANT", "TO", wanted - there), ("REVOKE", "FROM", there - wanted)):
            for table, right in sorted(pairs):
                target = f"{database}.{_quoted(connection, table)}"
                connection.exec_driver_sql(f"{word} {right} ON {target} {towards} %(username)s@'%%'", _named(login))


_OF_TABLES = """
    SELECT table_name, privilege_type FROM information_schema.table_privileges
    WHERE table_schema = %(database)s AND grantee = %(grantee)s AND privilege_type <> 'USAGE'
"""
_WIDER = (
    "SELECT COUNT(*) FROM information_schema.schema_privileges WHERE grantee = %(grantee)s",
    "SELECT COUNT(*) FROM information_schema.user_privileges WHERE grantee = %(grantee)s AND privilege_type <> 'USAGE'",
)


def _let_in(connection: Connection, login: Login, limits: str = "") -> None:
    """Makes the user, or gives it this password; encrypted where this connection is."""
    current = str(connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one())
    if login.username == current.rpartition("@")[0]:
        raise ConfigError(f"The user to let in is {login.username!r}, as which Gans itself connects: give it another name.")
    is_encrypted = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'").one()[1] != ""
    for statement in (
        "CREATE USER IF NOT EXISTS %(username)s@'%%' IDENTIFIED BY %(password)s",
        f"ALTER USER %(username)s@'%%' IDENTIFIED BY %(password)s REQUIRE {'SSL' if is_encrypted else 'NONE'}{limits}",
    ):
        connection.exec_driver_sql(statement, _named(login))


def _named(login: Login) -> Mapping[str, str]:
    return {"username": login.username, "password": login.password}


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name).replace("%", "%%")
