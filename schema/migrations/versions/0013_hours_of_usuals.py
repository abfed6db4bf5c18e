"""Call the local hour of what is usual as the weather's is called: the name comes beside the old one.

Revision: 0013
Follows: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    column = sa.Column(
        "local_hour_of_week", sa.SmallInteger(), nullable=True, comment="the hour in the system's own zone; 0 is Monday 00:00"
    )
    with op.batch_alter_table("station_usuals") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_usuals") as batch:
        batch.drop_column("local_hour_of_week")
