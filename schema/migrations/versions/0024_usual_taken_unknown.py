"""Let what is usually taken be unknown: of an hour of which nothing was seen, here or at other hours, nothing is estimated.

Revision: 0024
Follows: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    with op.batch_alter_table("station_usuals") as batch:
        batch.alter_column(
            "usual_taken",
            existing_type=sa.Double(),
            nullable=True,
            comment="vehicles that such an hour would take if one were there all the time; null where too little was seen",
        )


def downgrade() -> None:
    op.execute("DELETE FROM station_usuals WHERE usual_taken IS NULL")
    with op.batch_alter_table("station_usuals") as batch:
        batch.alter_column(
            "usual_taken",
            existing_type=sa.Double(),
            nullable=False,
            comment="vehicles taken in such an hour, mean of the minutes observed",
        )
