"""Fill the new name of the local hour of what is usual: there are 168 rows a station, and few of them are written again soon.

Revision: 0014
Follows: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("UPDATE station_usuals SET local_hour_of_week = hour_of_week WHERE local_hour_of_week IS NULL")


def downgrade() -> None:
    """Nothing: the column goes with the revision before."""
