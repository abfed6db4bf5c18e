"""Find all stations of a system in a past hour.

Revision: 0006
Follows: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"

INDEX = "ix_station_hours_system_id_hour_at"


def upgrade() -> None:
    op.create_index(INDEX, "station_hours", ["system_id", "hour_at"])


def downgrade() -> None:
    op.drop_index(INDEX, "station_hours")
