"""Call the local hour of a station's hour as the weather's is called: the name comes beside the old one.

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    column = sa.Column(
        "local_hour_of_week",
        sa.SmallInteger(),
        nullable=True,
        comment="the hour of hour_at in the system's own zone; 0 is Monday 00:00",
    )
    with op.batch_alter_table("station_hours") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_hours") as batch:
        batch.drop_column("local_hour_of_week")
