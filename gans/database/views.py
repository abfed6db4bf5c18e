"""The views: one declared table each, for all who read one, and their texts in `schema/views`.

An instant comes back aware, a date as a date; flags are 0, 1 or NULL on every database.
"""

import re
from pathlib import Path
from typing import Any

from sqlalchemy import Date, TableClause, column, table
from sqlalchemy.types import NullType, TypeEngine

from gans.tables import Instant

SCHEMA = Path(__file__).parents[2] / "schema"


def _view(name: str, columns: str) -> TableClause:
    return table(name, *(column(each, _type(each)) for each in columns.split()))


def _type(name: str) -> TypeEngine[Any]:
    """By the ending of the name: `_at` is an instant, `_on` a date."""
    return Instant() if name.endswith("_at") else Date() if name.endswith(("_on", "_date")) else NullType()


arrivals_by_hour = _view("arrivals_by_hour", "city_id city hour_at arrivals cancelled_arrivals cargo_arrivals")
city_hours = _view(
    "city_hours",
    """
    city_id city country_code hour_at local_on local_hour local_hour_of_week weather_issued_at temperature_c feels_like_c
    precipitation_mm precipitation_probability_pct snowfall_cm wind_speed_kmh wind_gust_kmh cloud_cover_pct condition_label
    condition_group arrivals is_holiday holiday is_rideable
    """,
)
current_areas = _view("current_areas", "area_set area_id name latitude longitude timezone city_id outline")
current_area_cells = _view("current_area_cells", "area_set cell area_id")
current_stations = _view(
    "current_stations", "system_id station_id name latitude longitude capacity is_virtual is_charging fetched_at"
)
latest_issues = _view("latest_issues", "city_id city provider issued_at")
latest_populations = _view("latest_populations", "city_id city as_of_year population")
latest_weather = _view(
    "latest_weather",
    """
    city_id city provider valid_at hour_at issued_at known_at period_hours temperature_c feels_like_c precipitation_mm
    precipitation_probability_pct snowfall_cm wind_speed_kmh wind_gust_kmh cloud_cover_pct condition_code condition_label
    condition_group local_on local_hour_of_week local_hour is_rideable
    """,
)
nearby_airports = _view("nearby_airports", "city_id city airport_icao iata_code airport kind distance_km")
operating_flights = _view(
    "operating_flights",
    """
    arrival_icao scheduled_at flight_number hour_at arrival_on departure_icao departure_name airline_code airline_name status
    is_cancelled revised_at actual_at terminal aircraft registration is_cargo
    """,
)
source_freshness = _view(
    "source_freshness", "source last_slot_at last_good_slot_at stale_at runs failed_runs rows_offered rows_rejected"
)
station_deficits = _view(
    "station_deficits",
    """
    system_id station_id name latitude longitude capacity vehicles_available docks_available local_hour_of_week local_hour
    hour_of_week is_stale fetched_at status_at usual_taken share_observed need shortfall served_by_neighbours deficit
    dock_shortfall
    """,
)
station_hour_deficits = _view(
    "station_hour_deficits",
    """
    system_id station_id name latitude longitude capacity hour_at local_on local_hour local_hour_of_week hour_of_week local_date
    vehicles_mean vehicles_min docks_mean minutes_observed minutes_renting minutes_returning minutes_empty minutes_full
    vehicles_taken usual_taken usual_returned share_observed deficit dock_deficit
    """,
)
station_needs = _view(
    "station_needs",
    """
    system_id station_id name latitude longitude capacity station_fetched_at vehicles_available docks_available
    local_hour_of_week local_hour hour_of_week is_stale fetched_at status_at usual_taken usual_returned share_observed
    dock_share_observed need shortfall spare dock_shortfall
    """,
)


def view_texts() -> dict[str, str]:
    """The views' queries by name, each after those that it reads from."""
    texts = {path.stem: path.read_text(encoding="utf-8").strip().rstrip(";") for path in sorted((SCHEMA / "views").glob("*.sql"))}
    ordered: dict[str, str] = {}
    while waiting := [name for name in texts if name not in ordered]:
        free = [
            name for name in waiting if not any(re.search(rf"\b{other}\b", texts[name]) for other in waiting if other != name)
        ]
        for name in free or waiting:
            ordered[name] = texts[name]
    return ordered
