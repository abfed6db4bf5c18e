"""Keep in how many minutes a vehicle could be taken: a rate is of these alone.

Revision: 0018
Follows: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    column = sa.Column(
        "minutes_with_vehicle", sa.Integer(), nullable=True, comment="minutes in which it gave vehicles and had one, min"
    )
    with op.batch_alter_table("station_usuals") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_usuals") as batch:
        batch.drop_column("minutes_with_vehicle")
