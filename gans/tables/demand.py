"""What riders did: trips, counted by area and day."""

from sqlalchemy import Boolean, Date, Double, ForeignKey, Integer, String

from gans.tables._columns import Instant, fetched_at, is_backfilled, key, table, value

MOST_TRIPS = 10_000_000
"""More than any area has in a day."""

area_days = table(
    "area_days",
    key("area_set", String(64), "the area set", ForeignKey("area_sets.area_set")),
    key("local_on", Date, "the date in the set's own zone"),
    key("area_id", String(64), "the area"),
    value(
        "trips_started",
        Integer,
        "trips that began in it on the day; null where that was not counted",
        ge=0,
        le=MOST_TRIPS,
        newest_by="started_fetched_at",
    ),
    value(
        "trips_ended",
        Integer,
        "trips that ended in it on the day; null where that was not counted",
        ge=0,
        le=MOST_TRIPS,
        newest_by="ended_fetched_at",
    ),
    value("is_complete", Boolean, "whether the day was over, and whole, when it was counted", required=True),
    value(
        "share_observed",
        Double,
        "share of the day with a vehicle in the area, so that demand was seen, 0 to 1; null where not known",
        ge=0,
        le=1,
        newest_by="observed_fetched_at",
    ),
    value(
        "known_at",
        Instant,
        "from when on the counts were known (UTC): the end of the day, and the delay of the source",
        required=True,
    ),
    is_backfilled(),
    fetched_at("started_fetched_at", "the version of trips_started (UTC); of two the newer stays"),
    fetched_at("ended_fetched_at", "the version of trips_ended (UTC); of two the newer stays"),
    fetched_at("observed_fetched_at", "the version of share_observed (UTC); of two the newer stays"),
    fetched_at(),
    about="How many trips began and ended in an area on a day. A day without a row was not counted; one with 0 had none.",
    is_long=True,
    rows="one per area and day",
)
