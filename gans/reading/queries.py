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


def query(engine: Engine, sql: str) -> tuple[list[str], Sequence[Sequence[Any]]]:
    """The columns and rows of one of them. What a person wrote is for `gans.reading.ask`."""
    with engine.connect() as connection:
        result = connection.execute(text(sql.replace(":", r"\:")))
        return list(result.keys()), result.fetchall()
