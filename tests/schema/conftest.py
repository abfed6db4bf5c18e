"""The demo's database, filled once for all tests of the schema."""

from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import Engine

from local.answers import Answer, answers, demo_database


@pytest.fixture(scope="session")
def demo() -> Iterator[Engine]:
    with demo_database() as engine:
        yield engine


@pytest.fixture(scope="session")
def demo_answers(demo: Engine) -> Mapping[str, Answer]:
    """What each query answers there, by its name."""
    return answers(demo)
