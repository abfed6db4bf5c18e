"""Create countries, cities, weather and the ledger.

Revision: 0001
Follows: nothing
"""

import csv
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "0001"
down_revision = None

DATA = Path(__file__).parent.parent / "data"
MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    op.create_table(
        "collection_runs",
        sa.Column("source", sa.String(length=64), autoincrement=False, nullable=False, comment="the source"),
        sa.Column(
            "slot_at", Instant(), autoincrement=False, nullable=False, comment="the scheduled time: the identity of the run (UTC)"
        ),
        sa.Column("attempt_at", Instant(), autoincrement=False, nullable=False, comment="when this attempt began (UTC)"),
        sa.Column(
            "part",
            sa.SmallInteger(),
            autoincrement=False,
            nullable=False,
            comment="a long run lands in several parts, numbered from 1",
        ),
        sa.Column("finished_at", Instant(), nullable=True, comment="when the part was landed (UTC)"),
        sa.Column("status", sa.String(length=12), nullable=False, comment="one of ok, partial, failed, not_modified"),
        sa.Column("requests", sa.Integer(), nullable=False, comment="requests made, tries again included"),
        sa.Column("bytes_received", sa.BigInteger(), nullable=False, comment="size of the answers, B"),
        sa.Column(
            "units_planned",
            sa.Integer(),
            nullable=False,
            comment="units the plan asked for (cities, batches of cities, airports)",
        ),
        sa.Column("units_failed", sa.Integer(), nullable=False, comment="units without a usable answer"),
        sa.Column("rows_offered", sa.Integer(), nullable=False, comment="rows that the answers gave"),
        sa.Column(
            "rows_rejected", sa.Integer(), nullable=False, comment="items and answers refused, each with its line in rejects"
        ),
        sa.Column(
            "missing", sa.String(length=2000), nullable=False, comment="JSON: how many rows lack which column, where any does"
        ),
        sa.Column("landing_key", sa.String(length=255), nullable=False, comment="where the raw answers are kept"),
        sa.Column("code_version", sa.String(length=64), nullable=False, comment="the version of Gans that loaded it"),
        sa.Column("error", sa.String(length=2000), nullable=True, comment="the first failure, or why there was nothing to do"),
        sa.Column(
            "stale_at",
            Instant(),
            nullable=True,
            comment="until when this run keeps its source fresh (UTC); null after a failed run",
        ),
        sa.Column("loaded_at", Instant(), nullable=False, comment="when it was loaded last (UTC)"),
        sa.PrimaryKeyConstraint("source", "slot_at", "attempt_at", "part", name="pk_collection_runs"),
        comment="One landed part of one attempt of a source's run; a run of one part, as nearly all are, is one row.",
        **MYSQL,
    )
    op.create_index("ix_collection_runs_landing_key", "collection_runs", ["landing_key"], unique=False)
    op.create_table(
        "countries",
        sa.Column("country_code", sa.String(length=2), autoincrement=False, nullable=False, comment="ISO 3166-1 alpha-2 code"),
        sa.Column("name", sa.String(length=100), nullable=False, comment="common English name"),
        sa.PrimaryKeyConstraint("country_code", name="pk_countries"),
        comment="A country or territory of ISO 3166-1; filled by a migration.",
        **MYSQL,
    )
    op.create_table(
        "weather_conditions",
        sa.Column(
            "condition_code",
            sa.SmallInteger(),
            autoincrement=False,
            nullable=False,
            comment="WMO code table 4677 (present weather)",
        ),
        sa.Column("label", sa.String(length=100), nullable=False, comment="what it means, in a few words"),
        sa.Column("condition_group", sa.String(length=8), nullable=False, comment="one of clear, cloud, fog, rain, snow, storm"),
        sa.PrimaryKeyConstraint("condition_code", name="pk_weather_conditions"),
        comment="A kind of weather; filled by a migration.",
        **MYSQL,
    )
    op.create_table(
        "cities",
        sa.Column(
            "city_id", sa.Integer(), autoincrement=False, nullable=False, comment="given once in the watchlist, never reused"
        ),
        sa.Column("name", sa.String(length=200), nullable=True, comment="the city's name in the language of its article"),
        sa.Column("country_code", sa.String(length=2), nullable=True, comment="the country it lies in"),
        sa.Column("latitude", sa.Double(), nullable=True, comment="WGS 84, degrees north"),
        sa.Column("longitude", sa.Double(), nullable=True, comment="WGS 84, degrees east"),
        sa.Column("elevation_m", sa.Double(), nullable=True, comment="height above sea level, m"),
        sa.Column("timezone", sa.String(length=64), nullable=True, comment="IANA time zone, from the coordinates"),
        sa.Column("area_km2", sa.Double(), nullable=True, comment="total area, km²"),
        sa.Column("wikidata_id", sa.String(length=16), nullable=True, comment="Wikidata item, like Q64"),
        sa.Column("wikipedia_language", sa.String(length=12), nullable=True, comment="language of the watched article, like en"),
        sa.Column("wikipedia_title", sa.String(length=255), nullable=True, comment="title of the watched article"),
        sa.Column(
            "is_watched", sa.Boolean(), nullable=True, comment="whether it is on the watchlist now; a removed city keeps its rows"
        ),
        sa.Column(
            "watched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the watchlist said so (UTC)",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["country_code"], ["countries.country_code"], name="fk_cities_country_code_countries"),
        sa.PrimaryKeyConstraint("city_id", name="pk_cities"),
        comment="A city of the watchlist.",
        **MYSQL,
    )
    op.create_index("ix_cities_country_code", "cities", ["country_code"], unique=False)
    op.create_table(
        "rejects",
        sa.Column("source", sa.String(length=64), autoincrement=False, nullable=False, comment="the source"),
        sa.Column(
            "slot_at", Instant(), autoincrement=False, nullable=False, comment="the scheduled time: the identity of the run (UTC)"
        ),
        sa.Column("attempt_at", Instant(), autoincrement=False, nullable=False, comment="when this attempt began (UTC)"),
        sa.Column(
            "part",
            sa.SmallInteger(),
            autoincrement=False,
            nullable=False,
            comment="a long run lands in several parts, numbered from 1",
        ),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False, comment="its place in the part, from 1"),
        sa.Column("unit", sa.String(length=255), nullable=False, comment="what the answer was about"),
        sa.Column("reason", sa.String(length=1000), nullable=False, comment="why it was refused"),
        sa.Column("item", sa.Text(), nullable=False, comment="the refused item, shortened to 4,000 characters"),
        sa.ForeignKeyConstraint(
            ["source", "slot_at", "attempt_at", "part"],
            ["collection_runs.source", "collection_runs.slot_at", "collection_runs.attempt_at", "collection_runs.part"],
            name="fk_rejects_source_slot_at_attempt_at_part_collection_runs",
        ),
        sa.PrimaryKeyConstraint("source", "slot_at", "attempt_at", "part", "ordinal", name="pk_rejects"),
        comment="An item that could not become a row, or an answer that failed, and why.",
        **MYSQL,
    )
    op.create_table(
        "city_populations",
        sa.Column("city_id", sa.Integer(), autoincrement=False, nullable=False, comment="the city"),
        sa.Column(
            "as_of_year",
            sa.SmallInteger(),
            autoincrement=False,
            nullable=False,
            comment="the year the figure is of; 0 where the page does not tell",
        ),
        sa.Column("population", sa.Integer(), nullable=False, comment="inhabitants of the city proper"),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["city_id"], ["cities.city_id"], name="fk_city_populations_city_id_cities"),
        sa.PrimaryKeyConstraint("city_id", "as_of_year", name="pk_city_populations"),
        comment="A population figure of a city, and the year it is of; every figure ever seen is kept.",
        **MYSQL,
    )
    op.create_table(
        "weather_forecasts",
        sa.Column("city_id", sa.Integer(), autoincrement=False, nullable=False, comment="the city"),
        sa.Column(
            "provider",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="who forecast it, and with which model where one was asked for",
        ),
        sa.Column(
            "issued_at",
            Instant(),
            autoincrement=False,
            nullable=False,
            comment="the slot it was asked in: what was known then (UTC)",
        ),
        sa.Column(
            "valid_at",
            Instant(),
            autoincrement=False,
            nullable=False,
            comment="the hour it is about; sums cover the period that ends then (UTC)",
        ),
        sa.Column("hour_at", Instant(), nullable=True, comment="when the period begins that ends at valid_at (UTC)"),
        sa.Column("period_hours", sa.SmallInteger(), nullable=False, comment="how many hours the sums cover, h"),
        sa.Column("temperature_c", sa.Double(), nullable=True, comment="air temperature at 2 m, °C"),
        sa.Column("feels_like_c", sa.Double(), nullable=True, comment="apparent temperature, °C"),
        sa.Column("precipitation_mm", sa.Double(), nullable=True, comment="rain, showers and melted snow over the period, mm"),
        sa.Column(
            "precipitation_probability_pct",
            sa.SmallInteger(),
            nullable=True,
            comment="chance of any precipitation in the period, %",
        ),
        sa.Column("snowfall_cm", sa.Double(), nullable=True, comment="fresh snow over the period, cm"),
        sa.Column("wind_speed_kmh", sa.Double(), nullable=True, comment="mean wind at 10 m, km/h"),
        sa.Column("wind_gust_kmh", sa.Double(), nullable=True, comment="strongest gust at 10 m in the period, km/h"),
        sa.Column("cloud_cover_pct", sa.SmallInteger(), nullable=True, comment="sky covered, %"),
        sa.Column("condition_code", sa.SmallInteger(), nullable=True, comment="the kind of weather"),
        sa.Column("local_on", sa.Date(), nullable=True, comment="the date of hour_at in the city's own zone"),
        sa.Column(
            "local_hour_of_week",
            sa.SmallInteger(),
            nullable=True,
            comment="the hour of hour_at in the city's own zone; 0 is Monday 00:00",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["city_id"], ["cities.city_id"], name="fk_weather_forecasts_city_id_cities"),
        sa.ForeignKeyConstraint(
            ["condition_code"],
            ["weather_conditions.condition_code"],
            name="fk_weather_forecasts_condition_code_weather_conditions",
        ),
        sa.PrimaryKeyConstraint("city_id", "provider", "issued_at", "valid_at", name="pk_weather_forecasts"),
        comment="A forecast for a city and an hour, as it was known at one time.",
        **MYSQL,
    )
    op.create_index(
        "ix_weather_forecasts_city_id_provider_hour_at_issued_at",
        "weather_forecasts",
        ["city_id", "provider", "hour_at", "issued_at"],
        unique=False,
    )
    op.create_index("ix_weather_forecasts_condition_code", "weather_forecasts", ["condition_code"], unique=False)
    for table, kinds in (("countries", (str, str)), ("weather_conditions", (int, str, str))):
        fill(table, kinds)


def fill(name: str, kinds: tuple[type, ...]) -> None:
    """Fills a fixed table from `data/<name>.csv`."""
    with (DATA / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = list(rows[0])
    op.bulk_insert(
        sa.table(name, *(sa.column(column) for column in columns)),
        [{column: kind(row[column]) for column, kind in zip(columns, kinds, strict=True)} for row in rows],
    )


def downgrade() -> None:
    for table in (
        "weather_forecasts",
        "city_populations",
        "rejects",
        "cities",
        "weather_conditions",
        "countries",
        "collection_runs",
    ):
        op.drop_table(table)
