"""Create area_days.

Revision: 0038
Follows: 0037
"""

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "area_days",
        sa.Column("area_set", sa.String(length=64), autoincrement=False, nullable=False, comment="the area set"),
        sa.Column("local_on", sa.Date(), autoincrement=False, nullable=False, comment="the date in the set's own zone"),
        sa.Column("area_id", sa.String(length=64), autoincrement=False, nullable=False, comment="the area"),
        sa.Column(
            "trips_started",
            sa.Integer(),
            nullable=True,
            comment="trips that began in it on the day; null where that was not counted",
        ),
        sa.Column(
            "trips_ended",
            sa.Integer(),
            nullable=True,
            comment="trips that ended in it on the day; null where that was not counted",
        ),
        sa.Column(
            "is_complete", sa.Boolean(), nullable=False, comment="whether the day was over, and whole, when it was counted"
        ),
        sa.Column(
            "share_observed",
            sa.Double(),
            nullable=True,
            comment="share of the day with a vehicle in the area, so that demand was seen, 0 to 1; null where not known",
        ),
        sa.Column(
            "known_at",
            Instant(),
            nullable=False,
            comment="from when on the counts were known (UTC): the end of the day, and the delay of the source",
        ),
        sa.Column(
            "is_backfilled",
            sa.Boolean(),
            nullable=False,
            comment="whether known_at is what the source says, and not when it was really asked",
        ),
        sa.Column(
            "started_fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="the version of trips_started (UTC); of two the newer stays",
        ),
        sa.Column(
            "ended_fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="the version of trips_ended (UTC); of two the newer stays",
        ),
        sa.Column(
            "observed_fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="the version of share_observed (UTC); of two the newer stays",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["area_set"], ["area_sets.area_set"], name="fk_area_days_area_set_area_sets"),
        sa.PrimaryKeyConstraint("area_set", "local_on", "area_id", name="pk_area_days"),
        comment="How many trips began and ended in an area on a day. A day without a row was not counted; one with 0 had none.",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        mysql_stats_sample_pages="2048",
    )


def downgrade() -> None:
    op.drop_table("area_days")
