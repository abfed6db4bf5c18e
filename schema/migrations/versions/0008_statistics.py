"""Sample the long tables well enough, so that MySQL finds a city's day without reading the city's years.

Revision: 0008
Follows: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"

LONG = ("collection_runs", "flights", "station_hours", "weather_forecasts")


def upgrade() -> None:
    _sample("2048")


def downgrade() -> None:
    _sample("DEFAULT")


def _sample(pages: str) -> None:
    """A statement for each table, of which each may be repeated."""
    if op.get_context().dialect.name != "sqlite":
        for table in LONG:
            op.execute(f"ALTER TABLE {table} STATS_SAMPLE_PAGES = {pages}")
