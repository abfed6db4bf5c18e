"""Keep how many vehicles were returned in such an hour.

Revision: 0019
Follows: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    column = sa.Column("returned", sa.Integer(), nullable=True, comment="vehicles returned in all such hours")
    with op.batch_alter_table("station_usuals") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_usuals") as batch:
        batch.drop_column("returned")
