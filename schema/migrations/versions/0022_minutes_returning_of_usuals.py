"""Keep in how many minutes a station took vehicles back.

Revision: 0022
Follows: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    column = sa.Column("minutes_returning", sa.Integer(), nullable=True, comment="minutes in which it took vehicles back, min")
    with op.batch_alter_table("station_usuals") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_usuals") as batch:
        batch.drop_column("minutes_returning")
