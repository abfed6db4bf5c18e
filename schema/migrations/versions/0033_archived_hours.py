"""Create archived_hours: which hours of the stations this database has, which a file beside the archive said of every database.

It begins empty, so the hours that the archive still looks at (a week) are compacted once more, to the same.

Revision: 0033
Follows: 0032
"""

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "archived_hours",
        sa.Column("hour_at", Instant(), autoincrement=False, nullable=False, comment="when the hour begins (UTC)"),
        sa.Column("parts", sa.Integer(), nullable=False, comment="how many parts of station_status were landed for it then"),
        sa.Column(
            "archived_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when it was archived last (UTC)",
        ),
        sa.PrimaryKeyConstraint("hour_at", name="pk_archived_hours"),
        comment="An hour that is in the archive, and at its stations in station_hours.",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    op.drop_table("archived_hours")
