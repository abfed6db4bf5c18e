"""Create the tables of shared mobility.

Revision: 0005
Follows: 0004
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0005"
down_revision = "0004"

MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    op.create_table(
        "system_catalogue",
        sa.Column(
            "catalogue_id",
            sa.String(length=100),
            autoincrement=False,
            nullable=False,
            comment="System ID in MobilityData's catalogue",
        ),
        sa.Column("name", sa.String(length=200), nullable=True, comment="the system's name"),
        sa.Column("country_code", sa.String(length=2), nullable=True, comment="the country, as the catalogue tells it"),
        sa.Column("location", sa.String(length=200), nullable=True, comment="where it is, in words"),
        sa.Column("url", sa.String(length=500), nullable=True, comment="its GBFS discovery document"),
        sa.Column(
            "versions", sa.String(length=100), nullable=True, comment="the versions of GBFS that it speaks, like 2.3 ; 3.0"
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.PrimaryKeyConstraint("catalogue_id", name="pk_system_catalogue"),
        comment="A shared-mobility system of the world; one whose fetched_at is not the table's newest has left the catalogue.",
        **MYSQL,
    )
    op.create_table(
        "systems",
        sa.Column(
            "system_id",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="chosen once in the watchlist, like velib",
        ),
        sa.Column("name", sa.String(length=200), nullable=True, comment="the system's name"),
        sa.Column("operator", sa.String(length=200), nullable=True, comment="who runs it"),
        sa.Column("timezone", sa.String(length=64), nullable=True, comment="IANA time zone of the system"),
        sa.Column("language", sa.String(length=35), nullable=True, comment="the language of its texts, like fr"),
        sa.Column(
            "gbfs_version",
            sa.String(length=20),
            nullable=True,
            comment="the version of GBFS that it speaks; null where its feeds do not tell",
        ),
        sa.Column("station_information_url", sa.String(length=500), nullable=True, comment="the feed of its stations"),
        sa.Column("station_status_url", sa.String(length=500), nullable=True, comment="the feed of what is available at them"),
        sa.Column("vehicle_status_url", sa.String(length=500), nullable=True, comment="the feed of its free-floating vehicles"),
        sa.Column("provider", sa.String(length=20), nullable=True, comment="one of gbfs, paris_opendata"),
        sa.Column("city_id", sa.Integer(), nullable=True, comment="the city that it serves"),
        sa.Column(
            "ttl_s",
            sa.Integer(),
            nullable=True,
            comment="how long an answer holds where the watchlist knows better than the feeds, s",
        ),
        sa.Column(
            "is_watched",
            sa.Boolean(),
            nullable=True,
            comment="whether it is on the watchlist now; a removed system keeps its rows",
        ),
        sa.Column(
            "watched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the watchlist said so (UTC)",
        ),
        sa.Column(
            "discovered_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the discovery document said so (UTC)",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["city_id"], ["cities.city_id"], name="fk_systems_city_id_cities"),
        sa.PrimaryKeyConstraint("system_id", name="pk_systems"),
        comment="A shared-mobility system of the watchlist.",
        **MYSQL,
    )
    op.create_index("ix_systems_city_id", "systems", ["city_id"], unique=False)
    op.create_table(
        "station_hours",
        sa.Column("system_id", sa.String(length=64), autoincrement=False, nullable=False, comment="the system"),
        sa.Column(
            "station_id",
            sa.String(length=100),
            autoincrement=False,
            nullable=False,
            comment="the station, by the system's own id",
        ),
        sa.Column("hour_at", Instant(), autoincrement=False, nullable=False, comment="when the hour begins (UTC)"),
        sa.Column(
            "hour_of_week",
            sa.SmallInteger(),
            nullable=True,
            comment="the hour of hour_at in the system's own zone; 0 is Monday 00:00",
        ),
        sa.Column("local_date", sa.Date(), nullable=True, comment="the date of hour_at in the system's own zone"),
        sa.Column("vehicles_mean", sa.Double(), nullable=True, comment="vehicles available, mean of the minutes observed"),
        sa.Column("vehicles_min", sa.Integer(), nullable=True, comment="the fewest vehicles available"),
        sa.Column("vehicles_max", sa.Integer(), nullable=True, comment="the most vehicles available"),
        sa.Column("docks_mean", sa.Double(), nullable=True, comment="docks available, mean of the minutes observed"),
        sa.Column("docks_min", sa.Integer(), nullable=True, comment="the fewest docks available"),
        sa.Column("docks_max", sa.Integer(), nullable=True, comment="the most docks available"),
        sa.Column(
            "minutes_observed", sa.Integer(), nullable=False, comment="minutes for which the vehicles available were told, min"
        ),
        sa.Column("minutes_empty", sa.Integer(), nullable=False, comment="of these, minutes without a vehicle, min"),
        sa.Column("minutes_full", sa.Integer(), nullable=False, comment="of these, minutes without a free dock, min"),
        sa.Column(
            "vehicles_taken",
            sa.Integer(),
            nullable=False,
            comment="sum of the decreases between consecutive minutes: at least so many were taken",
        ),
        sa.Column(
            "vehicles_returned",
            sa.Integer(),
            nullable=False,
            comment="sum of the increases between consecutive minutes: at least so many were returned",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["system_id"], ["systems.system_id"], name="fk_station_hours_system_id_systems"),
        sa.PrimaryKeyConstraint("system_id", "station_id", "hour_at", name="pk_station_hours"),
        comment="A station in an hour, from every minute that was collected.",
        **MYSQL,
    )
    op.create_index(
        "ix_station_hours_system_id_hour_of_week_station_id",
        "station_hours",
        ["system_id", "hour_of_week", "station_id"],
        unique=False,
    )
    op.create_table(
        "station_neighbours",
        sa.Column("system_id", sa.String(length=64), autoincrement=False, nullable=False, comment="the system"),
        sa.Column(
            "station_id",
            sa.String(length=100),
            autoincrement=False,
            nullable=False,
            comment="the station, by the system's own id",
        ),
        sa.Column("neighbour_id", sa.String(length=100), autoincrement=False, nullable=False, comment="the other station"),
        sa.Column("distance_m", sa.Double(), nullable=False, comment="great-circle distance between the two, m"),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["system_id"], ["systems.system_id"], name="fk_station_neighbours_system_id_systems"),
        sa.PrimaryKeyConstraint("system_id", "station_id", "neighbour_id", name="pk_station_neighbours"),
        comment="A station and one of the 20 nearest others within 500 m of it; it holds while its fetched_at is that"
        " of the station.",
        **MYSQL,
    )
    op.create_table(
        "station_status",
        sa.Column("system_id", sa.String(length=64), autoincrement=False, nullable=False, comment="the system"),
        sa.Column(
            "station_id",
            sa.String(length=100),
            autoincrement=False,
            nullable=False,
            comment="the station, by the system's own id",
        ),
        sa.Column(
            "vehicles_available", sa.Integer(), nullable=True, comment="vehicles that can be taken; null where it is not told"
        ),
        sa.Column(
            "vehicles_disabled",
            sa.Integer(),
            nullable=True,
            comment="vehicles there that cannot be taken; null where it is not told",
        ),
        sa.Column(
            "docks_available", sa.Integer(), nullable=True, comment="places where one can be returned; null where it is not told"
        ),
        sa.Column(
            "docks_disabled", sa.Integer(), nullable=True, comment="places that are out of order; null where it is not told"
        ),
        sa.Column(
            "is_installed", sa.Boolean(), nullable=True, comment="whether the station is on the street; null where it is not told"
        ),
        sa.Column("is_renting", sa.Boolean(), nullable=True, comment="whether it gives vehicles; null where it is not told"),
        sa.Column("is_returning", sa.Boolean(), nullable=True, comment="whether it takes them back; null where it is not told"),
        sa.Column("reported_at", Instant(), nullable=True, comment="when the station itself reported last (UTC)"),
        sa.Column("feed_updated_at", Instant(), nullable=True, comment="when the feed says that it was renewed (UTC)"),
        sa.Column(
            "is_stale",
            sa.Boolean(),
            nullable=False,
            comment="whether the feed was old when it was fetched, or its clock is wrong",
        ),
        sa.Column(
            "hour_of_week",
            sa.SmallInteger(),
            nullable=True,
            comment="the hour of fetched_at in the system's own zone; 0 is Monday 00:00",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["system_id"], ["systems.system_id"], name="fk_station_status_system_id_systems"),
        sa.PrimaryKeyConstraint("system_id", "station_id", name="pk_station_status"),
        comment="What is available at a station, as last told.",
        **MYSQL,
    )
    op.create_table(
        "station_usuals",
        sa.Column("system_id", sa.String(length=64), autoincrement=False, nullable=False, comment="the system"),
        sa.Column(
            "station_id",
            sa.String(length=100),
            autoincrement=False,
            nullable=False,
            comment="the station, by the system's own id",
        ),
        sa.Column(
            "hour_of_week",
            sa.SmallInteger(),
            autoincrement=False,
            nullable=False,
            comment="the hour in the system's own zone; 0 is Monday 00:00",
        ),
        sa.Column(
            "usual_taken",
            sa.Double(),
            nullable=False,
            comment="vehicles taken in such an hour, mean of the minutes observed; at least so many, fewer than wanted where it "
            "stood empty",
        ),
        sa.Column("minutes_observed", sa.Integer(), nullable=False, comment="how much that is the mean of, min"),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["system_id"], ["systems.system_id"], name="fk_station_usuals_system_id_systems"),
        sa.PrimaryKeyConstraint("system_id", "station_id", "hour_of_week", name="pk_station_usuals"),
        comment="What an hour of the week usually takes from a station: the sum of its station_hours.",
        **MYSQL,
    )
    op.create_table(
        "station_vehicle_types",
        sa.Column("system_id", sa.String(length=64), autoincrement=False, nullable=False, comment="the system"),
        sa.Column(
            "station_id",
            sa.String(length=100),
            autoincrement=False,
            nullable=False,
            comment="the station, by the system's own id",
        ),
        sa.Column(
            "vehicle_type_id",
            sa.String(length=100),
            autoincrement=False,
            nullable=False,
            comment="the type of vehicle, by the system's own id; mechanical or ebike in Paris",
        ),
        sa.Column("vehicles_available", sa.Integer(), nullable=False, comment="vehicles of the type that can be taken"),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["system_id"], ["systems.system_id"], name="fk_station_vehicle_types_system_id_systems"),
        sa.PrimaryKeyConstraint("system_id", "station_id", "vehicle_type_id", name="pk_station_vehicle_types"),
        comment="How many vehicles of a type are available at a station; it holds while its fetched_at is that of "
        "station_status.",
        **MYSQL,
    )
    op.create_table(
        "stations",
        sa.Column("system_id", sa.String(length=64), autoincrement=False, nullable=False, comment="the system"),
        sa.Column(
            "station_id",
            sa.String(length=100),
            autoincrement=False,
            nullable=False,
            comment="the station, by the system's own id",
        ),
        sa.Column("name", sa.String(length=200), nullable=True, comment="the station's name"),
        sa.Column("latitude", sa.Double(), nullable=True, comment="WGS 84, degrees north"),
        sa.Column("longitude", sa.Double(), nullable=True, comment="WGS 84, degrees east"),
        sa.Column(
            "capacity",
            sa.Integer(),
            nullable=True,
            comment="docks, or places to park, as told: more may be parked there; null where it is not told",
        ),
        sa.Column(
            "is_virtual",
            sa.Boolean(),
            nullable=True,
            comment="whether it is a marked place without docks; null where it is not told",
        ),
        sa.Column(
            "is_charging", sa.Boolean(), nullable=True, comment="whether vehicles are charged there; null where it is not told"
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["system_id"], ["systems.system_id"], name="fk_stations_system_id_systems"),
        sa.PrimaryKeyConstraint("system_id", "station_id", name="pk_stations"),
        comment="A station, or another place of a system to take vehicles from; one whose fetched_at is not its "
        "system's newest is no longer told of (current_stations has the others).",
        **MYSQL,
    )
    op.create_index("ix_stations_system_id_fetched_at", "stations", ["system_id", "fetched_at"], unique=False)
    op.create_table(
        "vehicle_types",
        sa.Column("system_id", sa.String(length=64), autoincrement=False, nullable=False, comment="the system"),
        sa.Column(
            "vehicle_type_id",
            sa.String(length=100),
            autoincrement=False,
            nullable=False,
            comment="the type of vehicle, by the system's own id; mechanical or ebike in Paris",
        ),
        sa.Column(
            "form_factor",
            sa.String(length=50),
            nullable=True,
            comment="as told: bicycle, scooter, scooter_standing, moped, car …",
        ),
        sa.Column(
            "propulsion_type",
            sa.String(length=50),
            nullable=True,
            comment="as told: human, electric_assist, electric, combustion …",
        ),
        sa.Column("max_range_m", sa.Double(), nullable=True, comment="how far it goes with a full battery, m"),
        sa.Column("name", sa.String(length=200), nullable=True, comment="its name"),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["system_id"], ["systems.system_id"], name="fk_vehicle_types_system_id_systems"),
        sa.PrimaryKeyConstraint("system_id", "vehicle_type_id", name="pk_vehicle_types"),
        comment="A type of vehicle of a system.",
        **MYSQL,
    )
    op.create_table(
        "vehicles",
        sa.Column("system_id", sa.String(length=64), autoincrement=False, nullable=False, comment="the system"),
        sa.Column(
            "vehicle_id",
            sa.String(length=100),
            autoincrement=False,
            nullable=False,
            comment="the vehicle; ids rotate on purpose, so nothing follows from two that differ",
        ),
        sa.Column("vehicle_type_id", sa.String(length=100), nullable=True, comment="its type"),
        sa.Column("latitude", sa.Double(), nullable=True, comment="WGS 84, degrees north"),
        sa.Column("longitude", sa.Double(), nullable=True, comment="WGS 84, degrees east"),
        sa.Column("range_m", sa.Double(), nullable=True, comment="how far it still goes, m"),
        sa.Column("battery_pct", sa.Double(), nullable=True, comment="charge of its battery, %"),
        sa.Column(
            "is_reserved", sa.Boolean(), nullable=True, comment="whether somebody has reserved it; null where it is not told"
        ),
        sa.Column("is_disabled", sa.Boolean(), nullable=True, comment="whether it cannot be taken; null where it is not told"),
        sa.Column("station_id", sa.String(length=100), nullable=True, comment="the station where it stands, if any"),
        sa.Column("reported_at", Instant(), nullable=True, comment="when the vehicle itself reported last (UTC)"),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["system_id"], ["systems.system_id"], name="fk_vehicles_system_id_systems"),
        sa.PrimaryKeyConstraint("system_id", "vehicle_id", name="pk_vehicles"),
        comment="A vehicle that was told of within a day; one whose fetched_at is not its system's newest is no longer there.",
        **MYSQL,
    )
    op.create_index("ix_vehicles_fetched_at", "vehicles", ["fetched_at"], unique=False)


def downgrade() -> None:
    op.drop_table("vehicles")
    op.drop_table("vehicle_types")
    op.drop_table("stations")
    op.drop_table("station_vehicle_types")
    op.drop_table("station_usuals")
    op.drop_table("station_status")
    op.drop_table("station_neighbours")
    op.drop_table("station_hours")
    op.drop_table("systems")
    op.drop_table("system_catalogue")
