"""Airports with scheduled service, and which of them are near which city."""

from sqlalchemy import Double, ForeignKey, Index, Integer, String

from gans.tables._columns import fetched_at, key, table, value

AIRPORT_KINDS = ("large_airport", "medium_airport", "small_airport", "heliport", "seaplane_base", "balloonport")

airports = table(
    "airports",
    key("airport_icao", String(4), "ICAO location indicator, like EDDB"),
    value("iata_code", String(3), "IATA code, like BER"),
    value("name", String(200), "the airport's name"),
    value("municipality", String(200), "the main place that it serves"),
    value("country_code", String(2), "the country it lies in", ForeignKey("countries.country_code")),
    value("latitude", Double, "WGS 84, degrees north", ge=-90, le=90),
    value("longitude", Double, "WGS 84, degrees east", ge=-180, le=180),
    value("elevation_m", Double, "height above sea level, m", ge=-500, le=6_000),
    value("timezone", String(64), "IANA time zone, from the coordinates"),
    value("kind", String(16), f"one of {', '.join(AIRPORT_KINDS)}"),
    fetched_at(),
    Index(None, "country_code"),
    about="An airport with scheduled service; one whose fetched_at is not the table's newest has lost it, "
    "or is known from flights alone.",
    rows="about 4,100 in all",
    reference=True,
    current_with="airports",
)

city_airports = table(
    "city_airports",
    key("city_id", Integer, "the city", ForeignKey("cities.city_id"), ge=1, le=2_147_483_647),
    key("airport_icao", String(4), "the airport", ForeignKey("airports.airport_icao")),
    value("distance_km", Double, "great-circle distance between the two, km", required=True, ge=0, le=300),
    fetched_at(),
    Index(None, "airport_icao"),
    about="An airport within reach of a city; one whose fetched_at is not the newest of airports no longer is.",
    rows="one or two per city",
    reference=True,
    current_with="airports",
)
