"""The database: db upgrade, db shell, db url."""

from typing import Annotated

import typer

from gans.settings import redacted
from local.cli.context import Json, configured_settings
from local.console import as_json, out, plain

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


@app.command("shell")
def db_shell(
    sql: Annotated[str | None, typer.Argument(help="One query, instead of a prompt.")] = None, json: Json = False
) -> None:
    """Query the database; it only reads."""
    from gans.database.engine import open_reader
    from gans.reading.queries import query
    from local.cli import shell

    engine = open_reader(configured_settings())
    if sql is None:
        shell.prompt(engine)
        return
    columns, rows = query(engine, sql)
    if json:
        as_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        shell.show(columns, rows)


@app.command("url")
def db_url() -> None:
    """The URL of the configured database, without its password."""
    out.print(plain(redacted(configured_settings().database_url)))
