"""Keep how many vehicles were taken in such an hour, beside the rate that is made of it.

Revision: 0017
Follows: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    column = sa.Column("taken", sa.Integer(), nullable=True, comment="vehicles taken in all such hours")
    with op.batch_alter_table("station_usuals") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_usuals") as batch:
        batch.drop_column("taken")
