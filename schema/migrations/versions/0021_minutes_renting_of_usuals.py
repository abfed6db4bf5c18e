"""Keep in how many minutes a station gave vehicles: what share of its demand was seen.

Revision: 0021
Follows: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    column = sa.Column("minutes_renting", sa.Integer(), nullable=True, comment="minutes in which it gave vehicles, min")
    with op.batch_alter_table("station_usuals") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_usuals") as batch:
        batch.drop_column("minutes_renting")
