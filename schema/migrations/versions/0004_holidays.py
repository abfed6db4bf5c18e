"""Create holidays.

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "holidays",
        sa.Column("country_code", sa.String(length=2), autoincrement=False, nullable=False, comment="the country"),
        sa.Column(
            "region",
            sa.String(length=6),
            autoincrement=False,
            nullable=False,
            comment="ISO 3166-2 code of the part of the country that keeps it, like DE-BY; '' for the whole country",
        ),
        sa.Column("observed_on", sa.Date(), autoincrement=False, nullable=False, comment="the date on which it is kept"),
        sa.Column("name", sa.String(length=200), autoincrement=False, nullable=False, comment="its English name"),
        sa.Column("local_name", sa.String(length=200), nullable=True, comment="its name in the country's own language"),
        sa.Column(
            "is_public",
            sa.Boolean(),
            nullable=False,
            comment="whether people are off work by law, and not banks, schools or offices alone",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["country_code"], ["countries.country_code"], name="fk_holidays_country_code_countries"),
        sa.PrimaryKeyConstraint("country_code", "region", "observed_on", "name", name="pk_holidays"),
        comment="A holiday in a country or a part of it, on a date; one that was withdrawn stays, "
        "with a fetched_at that grows old.",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    op.drop_table("holidays")
