"""Create area_sets.

Revision: 0035
Follows: 0034
"""

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.create_table(
        "area_sets",
        sa.Column(
            "area_set", sa.String(length=64), autoincrement=False, nullable=False, comment="its name, given once, like chicago"
        ),
        sa.Column("kind", sa.String(length=8), nullable=True, comment="what its areas are: polygons, or cells of H3"),
        sa.Column("areas", sa.Integer(), nullable=True, comment="how many areas it has"),
        sa.Column("latitude", sa.Double(), nullable=True, comment="of a point amid it, WGS 84, degrees north"),
        sa.Column("longitude", sa.Double(), nullable=True, comment="of a point amid it, WGS 84, degrees east"),
        sa.Column(
            "timezone",
            sa.String(length=64),
            nullable=True,
            comment="IANA time zone of that point: a date of the set's is one there",
        ),
        sa.Column("city_id", sa.Integer(), nullable=True, comment="the watched city that it is of, where it is of one"),
        sa.Column("is_removed", sa.Boolean(), nullable=True, comment="whether it is out of use; what was counted in it stays"),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when it was added, or removed (UTC); its areas are those of the same time",
        ),
        sa.ForeignKeyConstraint(["city_id"], ["cities.city_id"], name="fk_area_sets_city_id_cities"),
        sa.PrimaryKeyConstraint("area_set", name="pk_area_sets"),
        comment="A set of areas, as `gans areas add` was given it.",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_area_sets_city_id", "area_sets", ["city_id"], unique=False)


def downgrade() -> None:
    op.drop_table("area_sets")
