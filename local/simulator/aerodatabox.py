"""AeroDataBox's flight boards, as RapidAPI serves them: arrivals at an airport in a window of its local time.

https://doc.aerodatabox.com. An airport's day is the same whenever it is asked for; what is known of it grows with the time. The
format is one of its three generations, by the airport and the seed; without legs it has a `movement` and no `arrival`.
"""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from local.simulator.ourairports import Airport, airports
from local.simulator.upstream import Answer, Request
from local.simulator.world import World

HOSTS = ("aerodatabox.p.rapidapi.com",)
GENERATIONS = ("2022", "both", "2023")

_LONGEST_WINDOW = timedelta(hours=12)
_FLIGHTS_A_DAY = {"large_airport": 90, "medium_airport": 20}  # others have five
_KNOWN_AHEAD = timedelta(hours=16)  # from then on a time is revised

_Airline = tuple[str, str, str]  # IATA and ICAO code, name
_AIRLINES: tuple[_Airline, ...] = (
    ("LH", "DLH", "Lufthansa"), ("AF", "AFR", "Air France"), ("KL", "KLM", "KLM"), ("BA", "BAW", "British Airways"),
    ("FR", "RYR", "Ryanair"), ("U2", "EZY", "easyJet"), ("DL", "DAL", "Delta Air Lines"), ("UA", "UAL", "United"),
    ("TK", "THY", "Turkish Airlines"), ("SQ", "SIA", "Singapore Airlines"), ("NH", "ANA", "ANA"), ("QF", "QFA", "Qantas"),
    ("AY", "FIN", "Finnair"), ("ET", "ETH", "Ethiopian Airlines"), ("LA", "LAN", "LATAM"), ("AI", "AIC", "Air India"),
)  # fmt: skip
_CARGO: tuple[_Airline, ...] = (("FX", "FDX", "FedEx"), ("QY", "BCS", "EAT Leipzig"), ("CV", "CLX", "Cargolux"))
_WITHOUT_CODES: tuple[_Airline, ...] = (("", "", "Unknown/Private owner"), ("", "", "E4"), ("", "NJE", "NetJets Europe"))
_MODELS = ("Airbus A320", "Airbus A321 NEO", "Boeing 737-800", "Embraer 190", "Airbus A350-900", "Boeing 787-9")
_WITHOUT_CODE_ORIGINS = ("Unknown", "Unknown", "Rodos", "Lago Blanco")


@dataclass(frozen=True)
class _Flight:
    """What is true of a flight, whatever its rows say.

    Attributes:
        numbers: of the operator, then of the code-shares, each with its airline.
        has_operator: whether the operator's number is on the board.
        origin: ICAO and IATA code, "" where there is none, and name.
        scheduled_at, arrives_at: UTC.
        end: the status that it comes to.
    """

    numbers: tuple[tuple[str, _Airline], ...]
    has_operator: bool
    origin: tuple[str, str, str]
    model: str
    registration: str
    scheduled_at: datetime
    arrives_at: datetime
    end: str
    is_cargo: bool
    is_private: bool
    terminal: str


def answer(world: World, request: Request, now: datetime) -> Answer:
    """The board; 204 where nothing arrives; 400, 401 or 404 with a message."""
    if not request.headers.get("x-rapidapi-key"):
        return _message(401, "The API key is missing or invalid.")
    match request.path.split("/"):
        case ["", "flights", "airports", "icao", icao, start, end] if icao in _airports(world):
            airport = _airports(world)[icao]
        case _:
            return _message(404, "No such airport or endpoint.")
    zone = ZoneInfo(airport.timezone)
    try:
        since, until = (datetime.fromisoformat(time).replace(tzinfo=zone) for time in (start, end))
    except ValueError:
        return _message(400, "A time is not valid.")
    if not timedelta(0) < until - since <= _LONGEST_WINDOW:
        return _message(400, "The window must be one of at most 12 hours.")
    flights = [row for flight in _around(world, airport, since.date()) for row in _rows(flight, request, zone, now, since, until)]
    if not flights:
        return Answer(204, {}, b"")
    generation = _dice(world.seed, "generation", icao).choice(GENERATIONS)
    arrivals = [_arrival_json(row, generation, request.query.get("withLeg") == "true") for row in flights]
    both: dict[str, Any] = {"departures": []} if request.query.get("direction", "Both") == "Both" else {}
    return _json(200, {**both, "arrivals": arrivals})


def refuse(status: int) -> Answer:
    """RapidAPI's refusal: too many requests a second, or a failure behind it."""
    return _message(status, "Too many requests a second for your plan, BASIC." if status == 429 else "The API failed.")


def exhausted() -> Answer:
    """What RapidAPI says when the units of the month are used up: a 429 too."""
    return _message(429, "You have used up the MONTHLY quota of API units of your plan, BASIC.")


def _json(status: int, content: object) -> Answer:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json; charset=utf-8"}, body)


def _message(status: int, text: str) -> Answer:
    return _json(status, {"message": text})


def _dice(seed: int, *about: object) -> random.Random:
    return random.Random(f"{seed} {about}")


@lru_cache(4)
def _airports(world: World) -> Mapping[str, Airport]:
    return {airport.icao: airport for airport in airports(world)}


def _around(world: World, airport: Airport, day: date) -> Iterator[_Flight]:
    """The flights of a day and its neighbours, since a delay may carry one into the next."""
    for days in (-1, 0, 1):
        yield from _flights(world, airport, day + timedelta(days=days))


@lru_cache(256)
def _flights(world: World, airport: Airport, day: date) -> tuple[_Flight, ...]:
    dice = _dice(world.seed, airport.icao, day)
    others = [other for other in _airports(world).values() if other != airport]
    count = round(_FLIGHTS_A_DAY.get(airport.kind, 5) * dice.uniform(0.8, 1.2))
    return tuple(_flight(dice, others, airport, day) for _ in range(count))


def _flight(dice: random.Random, others: list[Airport], airport: Airport, day: date) -> _Flight:
    is_cargo = dice.random() < 0.04
    is_private = not is_cargo and dice.random() < 0.03
    airline = dice.choice(_CARGO if is_cargo else _AIRLINES)
    number = f"{airline[0]} {dice.randint(1, 9999)}"
    if is_private:
        number = f"D{dice.choice('BCI')}{_letters(dice, 3)}"
        airline = _WITHOUT_CODES[0]
    elif dice.random() < 0.03:  # a call sign in place of a number
        number = f"{dice.choice(('E4', '3V', airline[0]))} {dice.randint(1, 99)}{_letters(dice, 2)}"
        airline = dice.choice(_WITHOUT_CODES)
    shared_by = [] if is_private or dice.random() > 0.3 else dice.sample(_AIRLINES, dice.randint(1, 4))
    shares = [(f"{other[0]} {dice.randint(1000, 9999)}", other) for other in shared_by if other != airline]
    other = dice.choice(others)
    minute = min(max(round(dice.gauss(14, 4.5) * 12), 0), 287) * 5
    local = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(airport.timezone))
    scheduled_at = local.astimezone(UTC)
    return _Flight(
        numbers=((number, airline), *shares),
        has_operator=not shares or dice.random() > 0.05,
        origin=(other.icao, other.iata, other.municipality)
        if dice.random() > 0.04
        else ("", "", dice.choice(_WITHOUT_CODE_ORIGINS)),
        model=dice.choice(_MODELS),
        registration=f"D-{_letters(dice, 4)}" if dice.random() < 0.7 else "",
        scheduled_at=scheduled_at,
        arrives_at=scheduled_at + timedelta(minutes=round(min(max(dice.gauss(0, 8), dice.expovariate(1 / 20) - 25), 600))),
        end=dice.choices(("Arrived", "Canceled", "CanceledUncertain", "Diverted"), (960, 25, 10, 5))[0],
        is_cargo=is_cargo,
        is_private=is_private,
        terminal=dice.choice(("1", "2", "")),
    )


def _letters(dice: random.Random, count: int) -> str:
    return "".join(dice.choices("ABCDEFGHKLMNPRSTUVWXYZ", k=count))


@dataclass(frozen=True)
class _Row:
    """A number of a flight, as it is known now; times local."""

    flight: _Flight
    number: str
    airline: _Airline
    is_codeshare: bool
    status: str
    scheduled: datetime
    revised: datetime | None
    runway: datetime | None


def _rows(flight: _Flight, request: Request, zone: ZoneInfo, now: datetime, since: datetime, until: datetime) -> Iterator[_Row]:
    """The rows of a flight on the board of a window, by its scheduled or its revised time."""
    status, revised, runway = _known(flight, now)
    is_hidden = (
        (flight.is_cargo and not _wants(request, "withCargo"))
        or (flight.is_private and not _wants(request, "withPrivate"))
        or (status.startswith("Canceled") and not _wants(request, "withCancelled"))
    )
    for index, (number, airline) in enumerate(flight.numbers):
        is_codeshare = index > 0
        if is_hidden or not (flight.has_operator or is_codeshare) or (is_codeshare and not _wants(request, "withCodeshared")):
            continue
        # Some code-shares are not kept up to date, and stay on the board of their scheduled time alone.
        kept = None if is_codeshare and ord(number[-1]) % 5 == 0 else revised
        if not any(at and since <= at <= until for at in (flight.scheduled_at, kept)):
            continue
        local = [at.astimezone(zone) if at else None for at in (flight.scheduled_at, kept, runway)]
        assert local[0]
        yield _Row(flight, number, airline, is_codeshare, status, local[0], local[1], local[2])


def _wants(request: Request, name: str) -> bool:
    return request.query.get(name) == "true"


def _known(flight: _Flight, now: datetime) -> tuple[str, datetime | None, datetime | None]:
    """Status, revised time and time on the runway, as they are known now."""
    if now < flight.scheduled_at - _KNOWN_AHEAD:
        return ("Unknown" if flight.terminal == "" and flight.is_cargo else "Expected"), None, None
    if flight.end != "Arrived":
        return flight.end, flight.scheduled_at, None
    if now >= flight.arrives_at:
        return "Arrived", flight.arrives_at, flight.arrives_at - timedelta(minutes=4)
    late = flight.arrives_at - flight.scheduled_at > timedelta(minutes=15)
    return ("Delayed" if late else "Expected"), flight.arrives_at, None


def _arrival_json(row: _Row, generation: str, with_leg: bool) -> dict[str, Any]:
    """A row as the board has it."""
    flight = row.flight
    icao, iata, name = flight.origin
    origin = {"airport": {**_codes(icao, iata), "name": name}}
    movement: dict[str, Any] = {}
    for name, old, at in (
        ("scheduledTime", "scheduledTime", row.scheduled),
        ("revisedTime", "actualTime", row.revised),
        ("runwayTime", "runwayTime", row.runway),
    ):
        if at and generation != "2023":
            movement |= {f"{old}Local": _local(at), f"{old}Utc": _utc(at)}
        if at and generation != "2022":
            movement[name] = {"utc": _utc(at), "local": _local(at)}
    if flight.terminal:
        movement["terminal"] = flight.terminal
    movement["quality"] = ["Basic", "Live"] if row.revised else ["Basic"]
    airline_iata, airline_icao, airline = row.airline
    registration = {"reg": flight.registration} if flight.registration and not row.is_codeshare else {}
    return {
        **({"departure": {**origin, "quality": []}, "arrival": movement} if with_leg else {"movement": {**origin, **movement}}),
        "number": row.number,
        "status": row.status,
        "codeshareStatus": "IsCodeshared" if row.is_codeshare else "IsOperator",
        "isCargo": flight.is_cargo,
        "aircraft": {**registration, "model": flight.model},
        # The first generation told no codes of airlines.
        "airline": {"name": airline, **({} if generation == "2022" else _codes(airline_icao, airline_iata))},
    }


def _codes(icao: str, iata: str) -> dict[str, str]:
    return {name: code for name, code in (("icao", icao), ("iata", iata)) if code}


def _local(at: datetime) -> str:
    return at.isoformat(" ", "minutes")


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%MZ}"
