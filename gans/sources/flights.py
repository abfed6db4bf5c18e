"""Flights that arrive at the airports near the watched cities, from AeroDataBox: every 6 hours today's, daily also tomorrow's.

The format (https://doc.aerodatabox.com, "FIDS / airport departures and arrivals by local time range") has had three generations,
and all are read: times as `scheduledTimeUtc` and `scheduledTimeLocal` (2022), as `scheduledTime: {utc, local}` (since 2023), or
both; and the arrival as `arrival` beside a `departure`, or, asked without legs, as `movement`, whose airport is the origin.

Rules
1. A flight is known by its airport, number and scheduled time. Windows overlap, for the board sorts flights into them by their
   revised time: the same key is the same flight.
2. Every number is kept as told, its spaces trimmed: `DBETI`, `E4 56LE`. Code-shares are marked, not counted here: which of them
   stands for a flight depends on numbers that another window may tell, so the view `operating_flights` decides.
3. What is not told is None. An origin called "Unknown" is not told. What does not fit is None too, and the ledger counts it; a
   flight is refused for its number or scheduled time alone, or where it departs or arrives elsewhere.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from gans.errors import BadData
from gans.schedule import every
from gans.source import Capture, CollectedSource, Quota, Reference, Reject, Repaired, Request, Rows, Secret
from gans.sources import _json
from gans.sources._optional import without_bad

HOST = "aerodatabox.p.rapidapi.com"
URL = f"https://{HOST}/flights/airports/icao"
WINDOWS = (("00:00", "11:59"), ("12:00", "23:59"))
"""The halves of an airport's day, local time: a board answers for at most twelve hours."""

_REPEATED = 4_096
"""How many parsed texts and times are cached: a board repeats most of them."""

PARAMS = {
    "direction": "Arrival",
    "withLeg": "true",
    "withCancelled": "true",
    "withCodeshared": "true",
    "withCargo": "true",
    "withPrivate": "false",
    "withLocation": "false",
}


class _Struct(msgspec.Struct, rename="camel", frozen=True, gc=False, omit_defaults=True):
    """Any name may be absent or null."""


class _Time(_Struct, frozen=True):
    utc: str | None = None
    local: str | None = None


class _Airport(_Struct, frozen=True):
    icao: str | None = None
    name: str | None = None


class _Airline(_Struct, frozen=True):
    name: str | None = None
    iata: str | None = None
    icao: str | None = None


class _Aircraft(_Struct, frozen=True):
    model: str | None = None
    reg: str | None = None


class _Departure(_Struct, frozen=True):
    airport: _Airport | None = None


class _Arrival(_Struct, frozen=True, kw_only=True):
    airport: _Airport | None = None  # of a `movement`: the origin
    scheduled_time: _Time | None = None
    scheduled_time_utc: str | None = None
    scheduled_time_local: str | None = None
    revised_time: _Time | None = None
    actual_time_utc: str | None = None  # the first name of `revisedTime`
    runway_time: _Time | None = None
    runway_time_utc: str | None = None
    terminal: str | None = None
    check_in_desk: Any = None


class _Flight(_Struct, frozen=True, kw_only=True):
    number: str
    status: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    codeshare_status: str | None = None
    is_cargo: bool | None = None
    arrival: _Arrival | None = None
    movement: _Arrival | None = None
    departure: _Departure | None = None
    aircraft: _Aircraft | None = None
    airline: _Airline | None = None


class _Board(msgspec.Struct):
    """An answer in which every flight is as declared."""

    arrivals: list[_Flight]


class _Message(msgspec.Struct):
    """What RapidAPI says instead of an answer."""

    message: str


_NOWHERE, _NOBODY, _NOTHING = _Airport(), _Airline(), _Aircraft()
_decode_board = msgspec.json.Decoder(_Board).decode
_decode_answer = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def plan(reference: Reference, slot: datetime) -> Iterator[Request]:
    """Two windows of today for every airport near a watched city, and of tomorrow at midnight UTC; days are the airport's own."""
    watched = {city["city_id"] for city in reference.rows("watched_cities") if city["is_watched"]}
    near = {link["airport_icao"] for link in reference.rows("city_airports") if link["city_id"] in watched}
    for airport in reference.rows("airports"):
        icao, zone = airport["airport_icao"], airport["timezone"]
        if icao not in near or zone is None:
            continue
        today = slot.astimezone(ZoneInfo(zone)).date()
        yield from _requests(icao, "today", today)
        if slot.hour == 0:
            yield from _requests(icao, "tomorrow", today + timedelta(days=1))


def _requests(icao: str, name: str, day: date) -> Iterator[Request]:
    for start, end in WINDOWS:
        yield Request(
            unit=f"{icao} {name} from {start}",
            url=f"{URL}/{icao}/{day}T{start}/{day}T{end}",
            params=PARAMS,
            headers={"X-RapidAPI-Host": HOST},
            context={"airport_icao": icao},
        )


def parse(capture: Capture) -> Iterator[Rows | Reject | Repaired]:
    """A row per flight, and one per airline that is told with a code.

    Raises:
        BadData: not JSON, an error message, or an answer without arrivals.
    """
    if capture.status == 204:  # the board's way to say that nothing arrives
        return
    airport_icao = capture.context["airport_icao"]
    flights, repairs = _flights(capture.body)
    rows, airlines = [], dict[str, str | None]()
    for flight in flights:
        if isinstance(flight, Reject):
            yield flight
            continue
        try:
            airline_code, airline_name = _airline(flight.airline or _NOBODY)
            rows.append(_row(flight, airport_icao, airline_code, airline_name, repairs))
        except (OverflowError, BadData) as error:
            yield Reject(str(error), msgspec.json.encode(flight).decode())
            continue
        if airline_code:
            airlines.setdefault(airline_code, airline_name)
    yield Rows("airlines", ("airline_code", "name"), list(airlines.items()))
    yield Rows("flights", _ROW, rows)
    yield from (Repaired(rule, times) for rule, times in sorted(repairs.items()))


def _flights(body: bytes) -> tuple[Iterable[_Flight | Reject], Counter[str]]:
    """The flights of an answer, those that are none, and what was mended how often; a flight alone is an answer too."""
    _json.check_size(body)
    try:
        return _decode_board(body).arrivals, Counter()  # all at once, twice as fast as one by one
    except (ValueError, RecursionError):
        pass
    try:
        answer, repairs = _json.decode(body, _decode_answer)
        if "arrivals" in answer:
            flights = msgspec.json.decode(answer["arrivals"], type=list[msgspec.Raw])
            return (_flight(flight, repairs) for flight in flights), repairs
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, another shape, or not UTF-8
        raise BadData(f"Not an answer of AeroDataBox: {error}") from None
    if "arrival" in answer or "movement" in answer:
        return [_flight(msgspec.json.encode(answer), repairs)], repairs
    if message := _message(body):
        raise BadData(f"AeroDataBox says: {message}")
    raise BadData(f"The answer has no arrivals, only {', '.join(sorted(answer)) or 'nothing'}")


def _flight(item: bytes | msgspec.Raw, repairs: Counter[str]) -> _Flight | Reject:
    try:
        flight, left_out = without_bad(msgspec.json.decode(item), _Flight)
    except (ValueError, RecursionError) as error:
        return Reject(str(error), bytes(item).decode(errors="replace"))
    repairs += left_out
    return flight


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Message).message
    except (ValueError, RecursionError):
        return ""


def _row(
    flight: _Flight, airport_icao: str, airline_code: str | None, airline_name: str | None, repairs: Counter[str]
) -> tuple[Any, ...]:
    """The row of a flight.

    Raises:
        BadData: no number, no scheduled time or one that is none, or a flight that departs or arrives elsewhere.
    """
    arrival = flight.arrival or flight.movement
    if arrival is None:
        raise BadData("neither arrival nor movement is told")
    if arrival.check_in_desk is not None:
        raise BadData("it has a check-in desk, so it departs")
    if flight.arrival and arrival.airport and (destination := _text(arrival.airport.icao)) not in (None, airport_icao):
        raise BadData(f"it arrives at {destination}, not at {airport_icao}")
    number = _text(flight.number)
    if number is None:
        raise BadData("the number is empty")
    if scheduled := arrival.scheduled_time:
        scheduled_at, hour_at, arrival_on = _scheduled(scheduled.utc, scheduled.local)
    else:
        scheduled_at, hour_at, arrival_on = _scheduled(arrival.scheduled_time_utc, arrival.scheduled_time_local)
    revised_at = _known_instant(arrival.revised_time.utc if arrival.revised_time else arrival.actual_time_utc, repairs)
    landed_at = _known_instant(arrival.runway_time.utc if arrival.runway_time else arrival.runway_time_utc, repairs)
    origin = flight.movement.airport if flight.movement else flight.departure.airport if flight.departure else None
    departure_icao, departure_name = _origin(origin or _NOWHERE)
    aircraft = flight.aircraft or _NOTHING
    return (
        airport_icao,
        scheduled_at,
        number,
        departure_icao,
        departure_name,
        airline_code,
        airline_name,
        _text(flight.status) or "Unknown",
        revised_at,
        # Before it has arrived, its time on the runway is an estimate as well.
        (landed_at or revised_at) if flight.status == "Arrived" else None,
        _text(arrival.terminal),
        _text(aircraft.model),
        _text(aircraft.reg),
        flight.is_cargo is True,
        flight.codeshare_status == "IsCodeshared",
        arrival_on,
        hour_at,
    )


_ROW = (
    "arrival_icao", "scheduled_at", "flight_number", "departure_icao", "departure_name", "airline_code", "airline_name", "status",
    "revised_at", "actual_at", "terminal", "aircraft", "registration", "is_cargo", "is_codeshare", "arrival_on", "hour_at",
)  # fmt: skip


@lru_cache(_REPEATED)
def _scheduled(utc: str | None, local: str | None) -> tuple[datetime, datetime, date]:
    """When it is to arrive, the hour that this falls into (both UTC), and the date at the airport.

    Raises:
        BadData: one of the two times is missing or is none, or they are not the same instant.
    """
    at, there = _instant(utc), _instant(local)
    if at is None or there is None:
        raise BadData("the scheduled time is missing, in UTC or local")
    if at != there:
        raise BadData(f"the scheduled time is {utc!r} in UTC but {local!r} local")
    at = at.astimezone(UTC)
    return at, at.replace(minute=0, second=0, microsecond=0), there.date()


@lru_cache(_REPEATED)
def _origin(airport: _Airport) -> tuple[str | None, str | None]:
    """Code and name of the airport that a flight comes from."""
    name = _text(airport.name)
    return _text(airport.icao), None if name == "Unknown" else name


@lru_cache(_REPEATED)
def _airline(airline: _Airline) -> tuple[str | None, str | None]:
    """Code and name of an airline."""
    return _text(airline.icao) or _text(airline.iata), _text(airline.name)


@lru_cache(_REPEATED)
def _text(value: str | None) -> str | None:
    """`value` with single spaces and none at its ends; None where nothing is left."""
    return " ".join(value.split()) or None if value else None


@lru_cache(_REPEATED)
def _instant(value: str | None) -> datetime | None:
    """A time like `2023-12-08 11:20Z`, in the zone that it names.

    Raises:
        BadData: it is no time, or names no zone.
    """
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise BadData(f"{value!r} is no time") from None
    if at.tzinfo is None:
        raise BadData(f"the time {value!r} has no zone")
    return at


def _known_instant(value: str | None, repairs: Counter[str]) -> datetime | None:
    """The same, None where it is no time: that is counted."""
    try:
        return _instant(value)
    except BadData:
        repairs["a revised time that is none"] += 1
        return None


def _is_used_up(status: int, body: bytes) -> bool:
    """RapidAPI says so with a 429, as it does of too many requests a second, or with another status: only the text tells."""
    return len(body) < 1_000 and "quota" in _message(body).lower()


source = CollectedSource(
    name="flights",
    provider="AeroDataBox",
    docs="https://doc.aerodatabox.com",
    licence="AeroDataBox terms of use",
    schedule=every(hours=6),
    stale_after=timedelta(hours=18),
    hosts=(HOST,),
    secret=Secret(setting="GANS_AERODATABOX_KEY", header="X-RapidAPI-Key"),
    # The free plan; a board is of tier 2, which costs 2 units. Paid plans have more: then change the number here.
    quota=Quota(per_month=600, per_request=2, plan="AeroDataBox BASIC on RapidAPI", is_used_up=_is_used_up),
    # The free plan takes one request a second.
    pause=timedelta(seconds=1.5),
    reads=("airports", "city_airports", "watched_cities"),
    writes=("airlines", "flights"),
    plan=plan,
    parse=parse,
)
