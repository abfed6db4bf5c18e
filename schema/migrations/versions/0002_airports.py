"""Create airports and city_airports.

Revision: 0002
Follows: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0002"
down_revision = "0001"

MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    op.create_table(
        "airports",
        sa.Column(
            "airport_icao", sa.String(length=4), autoincrement=False, nullable=False, comment="ICAO location indicator, like EDDB"
        ),
        sa.Column("iata_code", sa.String(length=3), nullable=True, comment="IATA code, like BER"),
        sa.Column("name", sa.String(length=200), nullable=True, comment="the airport's name"),
        sa.Column("municipality", sa.String(length=200), nullable=True, comment="the main place that it serves"),
        sa.Column("country_code", sa.String(length=2), nullable=True, comment="the country it lies in"),
        sa.Column("latitude", sa.Double(), nullable=True, comment="WGS 84, degrees north"),
        sa.Column("longitude", sa.Double(), nullable=True, comment="WGS 84, degrees east"),
        sa.Column("elevation_m", sa.Double(), nullable=True, comment="height above sea level, m"),
        sa.Column("timezone", sa.String(length=64), nullable=True, comment="IANA time zone, from the coordinates"),
        sa.Column(
            "kind",
            sa.String(length=16),
            nullable=True,
            comment="one of large_airport, medium_airport, small_airport, heliport, seaplane_base, balloonport",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["country_code"], ["countries.country_code"], name="fk_airports_country_code_countries"),
        sa.PrimaryKeyConstraint("airport_icao", name="pk_airports"),
        comment="An airport with scheduled service; one whose fetched_at is not the table's newest has lost it, "
        "or is known from flights alone.",
        **MYSQL,
    )
    op.create_index("ix_airports_country_code", "airports", ["country_code"], unique=False)
    op.create_table(
        "city_airports",
        sa.Column("city_id", sa.Integer(), autoincrement=False, nullable=False, comment="the city"),
        sa.Column("airport_icao", sa.String(length=4), autoincrement=False, nullable=False, comment="the airport"),
        sa.Column("distance_km", sa.Double(), nullable=False, comment="great-circle distance between the two, km"),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["airport_icao"], ["airports.airport_icao"], name="fk_city_airports_airport_icao_airports"),
        sa.ForeignKeyConstraint(["city_id"], ["cities.city_id"], name="fk_city_airports_city_id_cities"),
        sa.PrimaryKeyConstraint("city_id", "airport_icao", name="pk_city_airports"),
        comment="An airport within reach of a city; one whose fetched_at is not the newest of airports no longer is.",
        **MYSQL,
    )
    op.create_index("ix_city_airports_airport_icao", "city_airports", ["airport_icao"], unique=False)


def downgrade() -> None:
    op.drop_table("city_airports")
    op.drop_table("airports")
