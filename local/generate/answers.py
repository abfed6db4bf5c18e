"""What the queries of `schema/queries` answer on the demo's database, which is filled as at a fixed instant: always the same."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine

from gans.database.engine import open_reader
from gans.reading.queries import queries
from gans.reading.queries import query as ask
from gans.settings import Settings
from local import demo

NOW = datetime(2026, 5, 12, 7, 5, tzinfo=UTC)
"""A Tuesday, five past nine in Paris and Berlin."""


class Answer(NamedTuple):
    """What a query answers."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


@contextmanager
def demo_database() -> Iterator[Engine]:
    """The demo's database as at `NOW`: SQLite, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="gans-") as folder:
        settings = demo.settings_for_demo(Settings(), Path(folder))
        demo.run(settings, NOW).engine.dispose()
        engine = open_reader(settings)
        yield engine
        engine.dispose()


def answers(engine: Engine) -> Mapping[str, Answer]:
    """What each query answers, by its name."""
    found = {question.name: ask(engine, question.sql) for question in queries()}
    return {name: Answer(columns, [tuple(row) for row in rows]) for name, (columns, rows) in found.items()}
