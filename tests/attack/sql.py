"""10,000 statements of a grammar of SQL in the way of the page *Data*, on each database: all is as it was."""

import os

import pytest
from sqlalchemy import Engine

from gans.database.engine import open_reader
from gans.reading.answer import Limits
from gans.settings import Settings
from tests.gans.reading.harm import attack, state

LIMITS = Limits(rows=100, bytes=1 << 20, seconds=0.5)
PARTS = 10


@pytest.mark.parametrize("part", range(PARTS))
def test_statements_of_a_grammar_leave_everything_as_it_was(engine: Engine, database_url: str, part: int) -> None:
    settings = Settings(database_url=database_url)
    seed, count = int(os.environ.get("GANS_TEST_SEED", "1")) * PARTS + part, 10_000 // PARTS
    page = open_reader(settings)
    before = state(engine, page)
    answered, refused = attack(settings, engine.dialect.name, seed, count, LIMITS)
    assert state(engine, page) == before
    assert min(answered, refused) > count / 10
    page.dispose()
