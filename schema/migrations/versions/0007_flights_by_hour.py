"""Add the index that finds the flights of an hour.

Revision: 0007
Follows: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index("ix_flights_arrival_icao_hour_at", "flights", ["arrival_icao", "hour_at"])


def downgrade() -> None:
    op.drop_index("ix_flights_arrival_icao_hour_at", "flights")
