"""Flights that arrive at the airports near the cities, and the airlines that sell them."""

from sqlalchemy import Boolean, Date, ForeignKey, Index, String

from gans.tables._columns import Instant, fetched_at, key, table, value

airlines = table(
    "airlines",
    key("airline_code", String(3), "ICAO designator, like DLH; the IATA one, like LH, where only that is told"),
    value("name", String(200), "the airline's name"),
    fetched_at(),
    about="An airline that was told with a code.",
    rows="a few hundred in all",
)

flights = table(
    "flights",
    key("arrival_icao", String(4), "the airport that it arrives at", ForeignKey("airports.airport_icao")),
    # Before the number, so that the flights of one time at an airport lie together: code-shares are found there.
    key("scheduled_at", Instant, "when it is to arrive (UTC)"),
    key("flight_number", String(20), "the number it is sold under, like KL 1604; a private flight's is its registration"),
    value("departure_icao", String(4), "the airport it comes from, where its code is told", ForeignKey("airports.airport_icao")),
    value("departure_name", String(200), "the place it comes from, in words"),
    value("airline_code", String(3), "the airline whose number it is", ForeignKey("airlines.airline_code")),
    value("airline_name", String(200), "that airline, in words"),
    value("status", String(20), "as told: Expected, Delayed, Arrived, Canceled, CanceledUncertain, Diverted …", required=True),
    value("revised_at", Instant, "the arrival as last estimated, or as it was (UTC)"),
    value("actual_at", Instant, "when it landed, or else reached the gate; null until it has arrived (UTC)"),
    value("terminal", String(50), "the terminal it arrives at"),
    value("aircraft", String(100), "model of the aircraft"),
    value("registration", String(20), "registration of the aircraft, like D-AECD"),
    value("is_cargo", Boolean, "whether it carries cargo only", required=True),
    value("is_codeshare", Boolean, "whether another airline operates it, so that it may stand here again", required=True),
    value("arrival_on", Date, "the date of scheduled_at at the airport", required=True),
    value("hour_at", Instant, "the hour that scheduled_at falls into (UTC)", required=True),
    fetched_at(),
    Index(None, "departure_icao"),
    # What arrives in an hour is found here, for the hours of a forecast.
    Index(None, "arrival_icao", "hour_at"),
    Index(None, "airline_code"),
    about="A flight number that arrives at an airport, code-shares and cancelled flights included; "
    "operating_flights has each aircraft once.",
    is_long=True,
    rows="one per flight number, airport and day: 200 to 1,500 per airport and day",
)
