"""Create weather_days.

Revision: 0039
Follows: 0038
"""

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.create_table(
        "weather_days",
        sa.Column(
            "area_set", sa.String(length=64), autoincrement=False, nullable=False, comment="the area set whose weather it is"
        ),
        sa.Column(
            "provider",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="who forecast it; `file` where a person imported it",
        ),
        sa.Column(
            "local_on", sa.Date(), autoincrement=False, nullable=False, comment="the date that it is about, in the set's own zone"
        ),
        sa.Column(
            "lead_days",
            sa.SmallInteger(),
            autoincrement=False,
            nullable=False,
            comment="how many days ahead it was forecast, d; 0 is what came",
        ),
        sa.Column("temperature_max_c", sa.Double(), nullable=True, comment="highest air temperature at 2 m, °C"),
        sa.Column("precipitation_mm", sa.Double(), nullable=True, comment="rain, showers and melted snow over the day, mm"),
        sa.Column(
            "precipitation_share_of_day", sa.Double(), nullable=True, comment="share of the day with precipitation, 0 to 1"
        ),
        sa.Column("wind_speed_kmh", sa.Double(), nullable=True, comment="wind at 10 m, as the source sums the day up, km/h"),
        sa.Column("cloud_cover_pct", sa.SmallInteger(), nullable=True, comment="sky covered, mean of the day, %"),
        sa.Column("humidity_pct", sa.SmallInteger(), nullable=True, comment="relative humidity at 2 m, mean of the day, %"),
        sa.Column("snowfall_cm", sa.Double(), nullable=True, comment="fresh snow over the day, cm"),
        sa.Column(
            "is_simulated",
            sa.Boolean(),
            nullable=False,
            comment="whether it was simulated, and is no forecast that anyone made, nor what came",
        ),
        sa.Column(
            "known_at",
            Instant(),
            nullable=False,
            comment="from when on it was known (UTC): the end of the day that lies lead_days before local_on",
        ),
        sa.Column(
            "is_backfilled",
            sa.Boolean(),
            nullable=False,
            comment="whether known_at is what the source says, and not when it was really asked",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["area_set"], ["area_sets.area_set"], name="fk_weather_days_area_set_area_sets"),
        sa.PrimaryKeyConstraint("area_set", "provider", "local_on", "lead_days", name="pk_weather_days"),
        comment="The weather of a day in an area set, as it was forecast some days ahead, or as it came.",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    op.drop_table("weather_days")
