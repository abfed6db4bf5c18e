"""Keep in how many minutes a vehicle could be returned.

Revision: 0020
Follows: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    column = sa.Column(
        "minutes_with_dock",
        sa.Integer(),
        nullable=True,
        comment="minutes in which it took vehicles back and had a free dock, min",
    )
    with op.batch_alter_table("station_usuals") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_usuals") as batch:
        batch.drop_column("minutes_with_dock")
