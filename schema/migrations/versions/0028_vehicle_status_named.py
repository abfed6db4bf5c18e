"""Give the address of vehicle_status a version of its own: a discovery document may name the others and not this one.

Revision: 0028
Follows: 0027
"""

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    column = sa.Column(
        "vehicle_status_named_at",
        Instant(),
        server_default="1970-01-01 00:00:00",
        nullable=False,
        comment="when the discovery document named the address of vehicle_status (UTC)",
    )
    with op.batch_alter_table("systems") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("systems") as batch:
        batch.drop_column("vehicle_status_named_at")
