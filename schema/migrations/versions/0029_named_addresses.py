"""Fill the versions of the addresses, so that no older answer that is loaded again takes their place.

Revision: 0029
Follows: 0028
"""

from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.execute(
        "UPDATE systems SET station_information_named_at = discovered_at, station_status_named_at = discovered_at, "
        "vehicle_status_named_at = discovered_at"
    )


def downgrade() -> None:
    """Nothing: the columns go with the revisions before."""
