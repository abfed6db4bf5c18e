"""Tell the minutes in which a station gave vehicles from those in which it was closed.

Revision: 0015
Follows: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    column = sa.Column(
        "minutes_renting", sa.Integer(), nullable=True, comment="of the minutes observed, those in which it gave vehicles, min"
    )
    with op.batch_alter_table("station_hours") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_hours") as batch:
        batch.drop_column("minutes_renting")
