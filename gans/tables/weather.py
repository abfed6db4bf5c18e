"""Weather forecasts, kept by when they were issued, and by the hour or the day they are valid for."""

from datetime import timedelta

from sqlalchemy import Boolean, Date, Double, ForeignKey, Index, Integer, SmallInteger, String

from gans.tables._columns import Instant, celsius, fetched_at, is_backfilled, key, percent, table, value
from gans.tables._retention import Thinned

CONDITION_GROUPS = ("clear", "cloud", "fog", "rain", "snow", "storm")

weather_conditions = table(
    "weather_conditions",
    key("condition_code", SmallInteger, "WMO code table 4677 (present weather)", ge=0, le=99),
    value("label", String(100), "what it means, in a few words", required=True),
    value("condition_group", String(8), f"one of {', '.join(CONDITION_GROUPS)}", required=True),
    about="A kind of weather; filled by a migration.",
    rows="100, fixed",
)

weather_forecasts = table(
    "weather_forecasts",
    key("city_id", Integer, "the city", ForeignKey("cities.city_id"), ge=1, le=2_147_483_647),
    key("provider", String(64), "who forecast it, and with which model where one was asked for"),
    key("issued_at", Instant, "the slot it was asked in: what was known then (UTC)"),
    key("valid_at", Instant, "the hour it is about; sums cover the period that ends then (UTC)"),
    value("hour_at", Instant, "when the period begins that ends at valid_at (UTC)"),
    value("period_hours", SmallInteger, "how many hours the sums cover, h", required=True, ge=1, le=24),
    celsius("temperature_c", "air temperature at 2 m"),
    celsius("feels_like_c", "apparent temperature"),
    value("precipitation_mm", Double, "rain, showers and melted snow over the period, mm", ge=0, le=500),
    percent("precipitation_probability_pct", "chance of any precipitation in the period"),
    value("snowfall_cm", Double, "fresh snow over the period, cm", ge=0, le=500),
    value("wind_speed_kmh", Double, "mean wind at 10 m, km/h", ge=0, le=450),
    value("wind_gust_kmh", Double, "strongest gust at 10 m in the period, km/h", ge=0, le=550),
    percent("cloud_cover_pct", "sky covered"),
    value(
        "condition_code",
        SmallInteger,
        "the kind of weather",
        ForeignKey("weather_conditions.condition_code"),
        ge=0,
        le=99,
    ),
    value("local_on", Date, "the date of hour_at in the city's own zone"),
    value(
        "local_hour_of_week",
        SmallInteger,
        "the hour of hour_at in the city's own zone; 0 is Monday 00:00",
        ge=0,
        le=167,
    ),
    fetched_at(),
    # The latest issue of an hour is found here without reading its older issues.
    Index(None, "city_id", "provider", "hour_at", "issued_at"),
    Index(None, "condition_code"),
    about="A forecast for a city and an hour, as it was known at one time.",
    is_long=True,
    rows="8 issues x 168 hours = 1,344 per city and day before thinning, and 8 x 40 = 320 where openweather is asked too; "
    "24 x 6 = 144 and 8 x 5 = 40 of them stay",
    # The same shift, the night before, the roster of the next days, the week's plan. Beyond 144 hours not every hour has a
    # forecast of 168 hours that was issued so early.
    retain=Thinned(
        series=("city_id", "provider"),
        about="hour_at",
        issued="issued_at",
        after=timedelta(days=60),
        leads_hours=(6, 24, 48, 72, 144),
    ),
)

weather_days = table(
    "weather_days",
    key("area_set", String(64), "the area set whose weather it is", ForeignKey("area_sets.area_set")),
    key("provider", String(64), "who forecast it; `file` where a person imported it"),
    key("local_on", Date, "the date that it is about, in the set's own zone"),
    key("lead_days", SmallInteger, "how many days ahead it was forecast, d; 0 is what came", ge=0, le=16),
    celsius("temperature_max_c", "highest air temperature at 2 m"),
    value("precipitation_mm", Double, "rain, showers and melted snow over the day, mm", ge=0, le=2_000),
    value("precipitation_share_of_day", Double, "share of the day with precipitation, 0 to 1", ge=0, le=1),
    value("wind_speed_kmh", Double, "wind at 10 m, as the source sums the day up, km/h", ge=0, le=450),
    percent("cloud_cover_pct", "sky covered, mean of the day"),
    percent("humidity_pct", "relative humidity at 2 m, mean of the day"),
    value("snowfall_cm", Double, "fresh snow over the day, cm", ge=0, le=500),
    value("is_simulated", Boolean, "whether it was simulated, and is no forecast that anyone made, nor what came", required=True),
    value(
        "known_at",
        Instant,
        "from when on it was known (UTC): the end of the day that lies lead_days before local_on",
        required=True,
    ),
    is_backfilled(),
    fetched_at(),
    about="The weather of a day in an area set, as it was forecast some days ahead, or as it came.",
    rows="one per set, day and lead: 4 a day for leads 0 to 3",
)
