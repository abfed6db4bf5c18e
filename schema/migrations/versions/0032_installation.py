"""Create installation: which landing a database belongs to, and whether what it tells was simulated.

Revision: 0032
Follows: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column(
            "installation_id", sa.SmallInteger(), autoincrement=False, nullable=False, comment="always 1: there is one row"
        ),
        sa.Column(
            "landing_id",
            sa.String(length=64),
            nullable=False,
            comment="the landing that the rows were loaded from, as its state/identity.json says",
        ),
        sa.Column(
            "is_simulated",
            sa.Boolean(),
            nullable=False,
            comment="whether simulated upstreams were asked, and not the real ones",
        ),
        sa.PrimaryKeyConstraint("installation_id", name="pk_installation"),
        comment="Which landing this database belongs to, and whether what it tells was simulated.",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    op.drop_table("installation")
