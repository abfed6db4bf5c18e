"""Create areas.

Revision: 0036
Follows: 0035
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

from gans.tables import Instant

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "areas",
        sa.Column("area_set", sa.String(length=64), autoincrement=False, nullable=False, comment="the set"),
        sa.Column(
            "area_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="its number in the file; or its name in small letters and digits alone; or its H3 cell",
        ),
        sa.Column("name", sa.String(length=200), nullable=False, comment="its name as the file has it"),
        sa.Column("latitude", sa.Double(), nullable=False, comment="of a point within it, WGS 84, degrees north"),
        sa.Column("longitude", sa.Double(), nullable=False, comment="of a point within it, WGS 84, degrees east"),
        sa.Column(
            "outline",
            sa.Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb"),
            nullable=False,
            comment="its outline: a geometry of GeoJSON, coordinates to six digits",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["area_set"], ["area_sets.area_set"], name="fk_areas_area_set_area_sets"),
        sa.PrimaryKeyConstraint("area_set", "area_id", name="pk_areas"),
        comment="An area of a set; one whose fetched_at is not its set's is no longer in it (see the view current_areas).",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    op.drop_table("areas")
