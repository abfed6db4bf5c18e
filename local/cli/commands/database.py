"""The database: db upgrade, db shell, db backup, db url."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from gans.errors import ConfigError
from gans.settings import redacted
from local.cli.context import Json, configured_settings
from local.console import out, plain

app = typer.Typer(help="The database: its schema, a prompt, its URL.", no_args_is_help=True)


@app.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the newest revision, and its views to their present text."""
    from gans.database import migrate, revisions
    from gans.database.engine import open_engine

    engine = open_engine(configured_settings())
    before = revisions.current(engine)
    migrate.upgrade(engine)
    after = revisions.head()
    out.print(
        f"Already at revision {after}; the views were made anew."
        if before == after
        else f"From {before or 'nothing'} to revision {after}."
    )


@app.command("shell", context_settings={"ignore_unknown_options": True})  # SQL may begin with a comment
def db_shell(
    sql: Annotated[
        str | None, typer.Argument(help="SQL, of one statement or several; without it a prompt, or what comes by a pipe.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="The SQL of this file.")] = None,
    json: Json = False,
) -> None:
    """Query the database; it only reads. `.help` at the prompt says what else there is."""
    from local.cli import shell

    if sql is not None and re.fullmatch(r"--?[\w-]+(=\S*)?", sql):
        raise ConfigError(f"No such option: {sql}. `gans db shell --help` says which there are.")
    if sql is not None and file is not None:
        raise ConfigError("Give the SQL or a file of it, not both.")
    if file is not None:
        try:
            sql = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise ConfigError(f"{file} is not in UTF-8. Save it as UTF-8.") from None
        except OSError as error:
            raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    elif sql is None and (json or not sys.stdin.isatty()):
        sql = sys.stdin.read()
    if sql is None:
        shell.prompt(configured_settings())
    else:
        shell.run(configured_settings(), sql, json)


@app.command("backup")
def db_backup(file: Annotated[Path, typer.Argument(help="The file to be made; one that is there is never overwritten.")]) -> None:
    """Copy the SQLite database into a file, as of one instant, while others go on using it. To restore: docs/restore.md."""
    from gans.database.backup import back_up

    size = back_up(configured_settings(), file)
    out.print(f"Backed up {plain(redacted(configured_settings().database_url))} into {plain(file)}: {size / 1e6:,.1f} MB.")


@app.command("url")
def db_url() -> None:
    """The URL of the configured database, without its password."""
    out.print(plain(redacted(configured_settings().database_url)))
