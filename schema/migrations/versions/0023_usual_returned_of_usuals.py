"""Estimate how many vehicles an hour would return if a dock were free all the time.

Revision: 0023
Follows: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    column = sa.Column(
        "usual_returned",
        sa.Double(),
        nullable=True,
        comment="vehicles that such an hour would return if a dock were free all the time",
    )
    with op.batch_alter_table("station_usuals") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("station_usuals") as batch:
        batch.drop_column("usual_returned")
