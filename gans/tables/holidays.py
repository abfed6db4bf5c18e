"""Public and other holidays, national and regional."""

from sqlalchemy import Boolean, Date, ForeignKey, String

from gans.tables._columns import fetched_at, key, table, value

holidays = table(
    "holidays",
    key("country_code", String(2), "the country", ForeignKey("countries.country_code")),
    key("region", String(6), "ISO 3166-2 code of the part of the country that keeps it, like DE-BY; '' for the whole country"),
    key("observed_on", Date, "the date on which it is kept"),
    key("name", String(200), "its English name"),
    value("local_name", String(200), "its name in the country's own language"),
    value("is_public", Boolean, "whether people are off work by law, and not banks, schools or offices alone", required=True),
    fetched_at(),
    about="A holiday in a country or a part of it, on a date; one that was withdrawn stays, with a fetched_at that grows old.",
    rows="10 to 60 per country and year",
)
