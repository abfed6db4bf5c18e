"""Every view is declared once, as its SQL makes it."""

from datetime import date, datetime

import pytest
from sqlalchemy import Engine, TableClause, inspect, select

from gans.database import views
from gans.database.views import view_texts

DECLARED = {table.name: table for table in vars(views).values() if isinstance(table, TableClause)}


def test_each_view_is_declared() -> None:
    assert DECLARED.keys() == view_texts().keys()
    assert all(getattr(views, name) is table for name, table in DECLARED.items())


@pytest.mark.parametrize("name", view_texts())
def test_it_has_the_columns_of_its_sql_in_their_order(engine: Engine, name: str) -> None:
    assert [column["name"] for column in inspect(engine).get_columns(name)] == list(DECLARED[name].c.keys())


@pytest.mark.parametrize("name", view_texts())
@pytest.mark.databases("sqlite")
def test_instants_and_dates_come_back_as_such(demo: Engine, name: str) -> None:
    with demo.connect() as connection:
        rows = connection.execute(select(DECLARED[name])).mappings().all()
    assert rows, "the demo has rows for every view"
    for row in rows:
        for column, value in row.items():
            if value is not None and column.endswith("_at"):
                assert isinstance(value, datetime)
                assert value.tzinfo is not None
            elif value is not None and column.endswith(("_on", "_date")):
                assert type(value) is date
