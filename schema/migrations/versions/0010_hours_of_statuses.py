"""Call the local hour of a status as the weather's is called: the name comes beside the old one.

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    column = sa.Column(
        "local_hour_of_week",
        sa.SmallInteger(),
        nullable=True,
        comment="the hour of fetched_at in the system's own zone; 0 is Monday 00:00",
    )
    with op.batch_alter_table("station_status") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_status") as batch:
        batch.drop_column("local_hour_of_week")
