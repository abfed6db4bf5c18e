"""The queries of `schema/queries`: what people ask of the database, each with the SQL that answers it.

They run as they stand on SQLite, MariaDB and MySQL, in any client. "Now" is where the newest data in the database is, so that
they answer alike on a laptop's old demo and on the running whole.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine, text

QUERIES = Path(__file__).parents[2] / "schema" / "queries"


class Query(msgspec.Struct, frozen=True):
    """A query.

    Attributes:
        name: of its file.
        question: that it answers.
        note: what of it the answer is about, and what it leaves out.
    """

    name: str
    question: str
    note: str
    sql: str


def queries() -> list[Query]:
    """All of them, by name. A file begins with a comment: the question up to its last question mark, and then the note."""
    return [_query(path) for path in sorted(QUERIES.glob("*.sql"))]


def headed(text: str) -> tuple[str, str]:
    """What the comment at the head of an SQL file says, and the SQL."""
    lines = text.splitlines()
    size = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return " ".join(line.removeprefix("--").strip() for line in lines[:size]), "\n".join(lines[size:])


def _query(path: Path) -> Query:
    head, sql = headed(path.read_text(encoding="utf-8").strip())
    question, mark, note = head.rpartition("?")
    return Query(path.stem, question + mark, note.strip(), sql)


def query(engine: Engine, sql: str, most_rows: int | None = None) -> tuple[list[str], Sequence[Sequence[Any]]]:
    """The columns and rows of a query that a person wrote.

    Args:
        engine: of `open_reader`.
        most_rows: no more are returned; on MySQL a LIMIT of the query's own may have the driver read more.

    Raises:
        DBAPIError: the database refuses it, as it refuses every change.
    """
    limits = most_rows is not None and engine.dialect.name == "mysql"  # the driver would read all; SQLite reads row by row
    with engine.connect() as connection:
        if limits:
            connection.exec_driver_sql("SET SESSION sql_select_limit = %s", (most_rows,))
        try:
            result = connection.execute(text(sql.replace(":", r"\:")))
            if not result.returns_rows:
                return [], []
            return list(result.keys()), result.fetchall() if most_rows is None else result.fetchmany(most_rows)
        finally:
            if limits:
                connection.exec_driver_sql("SET SESSION sql_select_limit = DEFAULT")
