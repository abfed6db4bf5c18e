"""The `gans` command. Each command reads the settings, does one thing, and says what it did.

What takes long to import is imported by the commands that need it, so that the others answer at once.

Exit codes: 0 done; 1 a run failed or was partial; 2 wrong usage or configuration, or there is no such thing; 3 the database;
4 not ready, later it may be; 130 interrupted.
"""

import signal
import sys
from collections.abc import Mapping
from typing import Final

import typer

from gans.errors import BadData, ConfigError, NotKnown, NotReady, Permanent, Refused, Transient
from local.cli.commands import areas, collect, database, decide, doctor, imports, maintain, mysql, rebuild, serve, sources, watch
from local.console import err, plain

app = typer.Typer(
    help="Collect what moves people in a city, keep it in one SQL database, and decide with it.",
    epilog="Settings come from the environment and from .env: GANS_DATABASE_URL, GANS_LANDING, … See `gans doctor`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (collect, imports, maintain, rebuild, decide, serve, doctor):
    app.add_typer(module.app)
for name, group in {"watch": watch, "areas": areas, "sources": sources, "db": database, "mysql": mysql}.items():
    app.add_typer(group.app, name=name)


EXIT_CODES: Final[Mapping[type[Exception], int]] = {
    ConfigError: 2,
    BadData: 2,
    NotKnown: 2,
    Refused: 2,
    OSError: 2,
    typer.TyperException: 2,
    NotReady: 4,
    Transient: 4,
    Permanent: 1,
}
"""How the command ends where it meets one of these; SQLAlchemy's errors, which are not imported for it, end in 3."""

DATABASE, INTERRUPTED = 3, 130


def main() -> None:
    """The command, with every expected error as one message and its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended by a service manager: as by Ctrl-C, land what there is
    try:
        code = app(standalone_mode=False) or 0
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        sys.exit(code)
    except (KeyboardInterrupt, typer.Abort):
        err.print("Stopped. What was fetched is landed; `gans load` stores what is not stored yet.")
        sys.exit(INTERRUPTED)
    except Exception as error:
        code = next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), None)
        if code is not None:
            err.print(f"[red]{plain(_message(error))}[/]")
            sys.exit(code)
        from sqlalchemy.exc import SQLAlchemyError

        if not isinstance(error, SQLAlchemyError):
            raise
        hint = "Check GANS_DATABASE_URL; `gans doctor` looks at everything. What was landed is kept: `gans load` stores it later."
        err.print(f"[red]The database: {plain(getattr(error, 'orig', None) or error)}[/]\n{hint}")
        sys.exit(DATABASE)


def _message(error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}. `gans doctor` looks at everything that is configured."
