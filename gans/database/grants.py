"""The analyst's user of the database: reads every table and view, changes nothing."""

from sqlalchemy import Engine

from gans.errors import ConfigError
from gans.secrets import Login


def grant_read_only(engine: Engine, login: Login) -> None:
    """Makes the user of `login`, or gives an existing one this password, and the right to read this database alone.

    Where this connection is encrypted, the user's must be too.

    Raises:
        ConfigError: the user is the one that Gans itself connects as.
        DBAPIError: the database refused; its text holds no password.
    """
    with engine.begin() as connection:
        current = str(connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one())
        if login.username == current.rpartition("@")[0]:
            raise ConfigError(f"The analyst's user is {login.username!r}, as which Gans itself connects: give it another name.")
        is_encrypted = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'").one()[1] != ""
        database = str(engine.url.database).replace("_", r"\_").replace("%", r"\%")  # GRANT reads both as wildcards
        quoted = connection.dialect.identifier_preparer.quote_identifier(database).replace("%", "%%")
        for statement in (
            "CREATE USER IF NOT EXISTS %(username)s@'%%' IDENTIFIED BY %(password)s",
            f"ALTER USER %(username)s@'%%' IDENTIFIED BY %(password)s REQUIRE {'SSL' if is_encrypted else 'NONE'}",
            f"GRANT SELECT ON {quoted}.* TO %(username)s@'%%'",
        ):
            connection.exec_driver_sql(statement, {"username": login.username, "password": login.password})
