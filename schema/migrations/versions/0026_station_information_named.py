"""Give the address of station_information a version of its own: a discovery document may name the others and not this one.

Revision: 0026
Follows: 0025
"""

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    column = sa.Column(
        "station_information_named_at",
        Instant(),
        server_default="1970-01-01 00:00:00",
        nullable=False,
        comment="when the discovery document named the address of station_information (UTC)",
    )
    with op.batch_alter_table("systems") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("systems") as batch:
        batch.drop_column("station_information_named_at")
