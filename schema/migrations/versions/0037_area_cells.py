"""Create area_cells.

Revision: 0037
Follows: 0036
"""

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "area_cells",
        sa.Column("area_set", sa.String(length=64), autoincrement=False, nullable=False, comment="the set"),
        sa.Column(
            "cell", sa.String(length=16), autoincrement=False, nullable=False, comment="a cell of H3, resolution 10 (0.015 km²)"
        ),
        sa.Column("area_id", sa.String(length=64), nullable=False, comment="the area that the cell's centre lies in"),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["area_set"], ["area_sets.area_set"], name="fk_area_cells_area_set_area_sets"),
        sa.PrimaryKeyConstraint("area_set", "cell", name="pk_area_cells"),
        comment="A cell, and the area it lies in; one without the fetched_at of its set no longer does (see current_area_cells).",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        mysql_stats_sample_pages="2048",
    )


def downgrade() -> None:
    op.drop_table("area_cells")
