"""Create airlines and flights.

Revision: 0003
Follows: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0003"
down_revision = "0002"

MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    op.create_table(
        "airlines",
        sa.Column(
            "airline_code",
            sa.String(length=3),
            autoincrement=False,
            nullable=False,
            comment="ICAO designator, like DLH; the IATA one, like LH, where only that is told",
        ),
        sa.Column("name", sa.String(length=200), nullable=True, comment="the airline's name"),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.PrimaryKeyConstraint("airline_code", name="pk_airlines"),
        comment="An airline that was told with a code.",
        **MYSQL,
    )
    op.create_table(
        "flights",
        sa.Column(
            "arrival_icao", sa.String(length=4), autoincrement=False, nullable=False, comment="the airport that it arrives at"
        ),
        sa.Column("scheduled_at", Instant(), autoincrement=False, nullable=False, comment="when it is to arrive (UTC)"),
        sa.Column(
            "flight_number",
            sa.String(length=20),
            autoincrement=False,
            nullable=False,
            comment="the number it is sold under, like KL 1604; a private flight's is its registration",
        ),
        sa.Column(
            "departure_icao",
            sa.String(length=4),
            nullable=True,
            comment="the airport it comes from, where its code is told",
        ),
        sa.Column("departure_name", sa.String(length=200), nullable=True, comment="the place it comes from, in words"),
        sa.Column("airline_code", sa.String(length=3), nullable=True, comment="the airline whose number it is"),
        sa.Column("airline_name", sa.String(length=200), nullable=True, comment="that airline, in words"),
        sa.Column(
            "status",
            sa.String(length=20),
            nullable=False,
            comment="as told: Expected, Delayed, Arrived, Canceled, CanceledUncertain, Diverted …",
        ),
        sa.Column("revised_at", Instant(), nullable=True, comment="the arrival as last estimated, or as it was (UTC)"),
        sa.Column(
            "actual_at",
            Instant(),
            nullable=True,
            comment="when it landed, or else reached the gate; null until it has arrived (UTC)",
        ),
        sa.Column("terminal", sa.String(length=50), nullable=True, comment="the terminal it arrives at"),
        sa.Column("aircraft", sa.String(length=100), nullable=True, comment="model of the aircraft"),
        sa.Column("registration", sa.String(length=20), nullable=True, comment="registration of the aircraft, like D-AECD"),
        sa.Column("is_cargo", sa.Boolean(), nullable=False, comment="whether it carries cargo only"),
        sa.Column(
            "is_codeshare",
            sa.Boolean(),
            nullable=False,
            comment="whether another airline operates it, so that it may stand here again",
        ),
        sa.Column("arrival_on", sa.Date(), nullable=False, comment="the date of scheduled_at at the airport"),
        sa.Column("hour_at", Instant(), nullable=False, comment="the hour that scheduled_at falls into (UTC)"),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["airline_code"], ["airlines.airline_code"], name="fk_flights_airline_code_airlines"),
        sa.ForeignKeyConstraint(["arrival_icao"], ["airports.airport_icao"], name="fk_flights_arrival_icao_airports"),
        sa.ForeignKeyConstraint(["departure_icao"], ["airports.airport_icao"], name="fk_flights_departure_icao_airports"),
        sa.PrimaryKeyConstraint("arrival_icao", "scheduled_at", "flight_number", name="pk_flights"),
        comment="A flight number that arrives at an airport, code-shares and cancelled flights included; "
        "operating_flights has each aircraft once.",
        **MYSQL,
    )
    op.create_index("ix_flights_departure_icao", "flights", ["departure_icao"], unique=False)
    op.create_index("ix_flights_airline_code", "flights", ["airline_code"], unique=False)


def downgrade() -> None:
    op.drop_table("flights")
    op.drop_table("airlines")
