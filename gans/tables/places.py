"""Where: countries and the cities of the watchlist."""

from sqlalchemy import Boolean, Double, ForeignKey, Index, Integer, SmallInteger, String

from gans.tables._columns import fetched_at, key, table, value

countries = table(
    "countries",
    key("country_code", String(2), "ISO 3166-1 alpha-2 code"),
    value("name", String(100), "common English name", required=True),
    about="A country or territory of ISO 3166-1; filled by a migration.",
    rows="249, fixed",
)

cities = table(
    "cities",
    key("city_id", Integer, "given once in the watchlist, never reused", ge=1, le=2_147_483_647),
    value("name", String(200), "the city's name in the language of its article"),
    value("country_code", String(2), "the country it lies in", ForeignKey("countries.country_code")),
    value("latitude", Double, "WGS 84, degrees north", ge=-90, le=90),
    value("longitude", Double, "WGS 84, degrees east", ge=-180, le=180),
    value("elevation_m", Double, "height above sea level, m", ge=-500, le=6_000),
    value("timezone", String(64), "IANA time zone, from the coordinates"),
    value("area_km2", Double, "total area, km²", ge=0, le=1_000_000),
    value("wikidata_id", String(16), "Wikidata item, like Q64"),
    value("wikipedia_language", String(12), "language of the watched article, like en", newest_by="watched_at"),
    value("wikipedia_title", String(255), "title of the watched article", newest_by="watched_at"),
    value(
        "is_watched",
        Boolean,
        "whether it is on the watchlist now; a removed city keeps its rows",
        newest_by="watched_at",
    ),
    value(
        "region",
        String(6),
        "ISO 3166-2 code of the part of the country that it lies in, like DE-BE, as the watchlist says",
        newest_by="watched_at",
    ),
    fetched_at("watched_at", "when the watchlist said so (UTC)"),
    fetched_at(),
    Index(None, "country_code"),
    about="A city of the watchlist.",
    rows="one per city",
    reference=True,
)

city_populations = table(
    "city_populations",
    key("city_id", Integer, "the city", ForeignKey("cities.city_id"), ge=1, le=2_147_483_647),
    key("as_of_year", SmallInteger, "the year the figure is of; 0 where the page does not tell", ge=0, le=2_100),
    value("population", Integer, "inhabitants of the city proper", required=True, ge=0, le=100_000_000),
    fetched_at(),
    about="A population figure of a city, and the year it is of; every figure ever seen is kept.",
    rows="one per city and census or estimate",
)
