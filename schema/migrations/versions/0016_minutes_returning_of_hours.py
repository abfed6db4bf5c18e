"""Tell the minutes in which a station took vehicles back from those in which it was closed.

Revision: 0016
Follows: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    column = sa.Column(
        "minutes_returning", sa.Integer(), nullable=True, comment="of the minutes observed, those in which it took them back, min"
    )
    with op.batch_alter_table("station_hours") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_hours") as batch:
        batch.drop_column("minutes_returning")
