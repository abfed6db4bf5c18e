"""A small SQL prompt on whatever database is configured, for when no client is at hand. It only reads."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gans.reading.queries import query
from local.console import err, out, plain, table

MAX_ROWS = 200


def show(columns: list[str], rows: Sequence[Sequence[Any]]) -> None:
    """The first rows as a table."""
    cells = ([plain("" if value is None else value) for value in row] for row in rows[:MAX_ROWS])
    table(columns, cells)
    out.print(f"[dim]{len(rows):,} rows{f', the first {MAX_ROWS} shown' if len(rows) > MAX_ROWS else ''}[/]")


def prompt(engine: Engine) -> None:
    """Reads statements up to their `;` and answers them, until the end of input."""
    out.print(f"{engine.dialect.name}. End a query with ;  Leave with Ctrl-D.  Try: SELECT * FROM source_freshness;")
    for sql in _statements():
        try:
            show(*query(engine, sql))
        except SQLAlchemyError as error:
            err.print(f"[red]{plain(getattr(error, 'orig', None) or error)}[/]")


def _statements() -> Iterator[str]:
    lines: list[str] = []
    while True:
        try:
            lines.append(input("   … " if lines else "sql> "))
        except EOFError:
            return
        except KeyboardInterrupt:
            lines.clear()
            out.print()
        if lines and lines[-1].rstrip().endswith(";"):
            yield "\n".join(lines).rstrip().rstrip(";")
            lines.clear()
