"""Call the local date of a station's hour as the weather's is called: the name comes beside the old one.

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    column = sa.Column("local_on", sa.Date(), nullable=True, comment="the date of hour_at in the system's own zone")
    with op.batch_alter_table("station_hours") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_hours") as batch:
        batch.drop_column("local_on")
