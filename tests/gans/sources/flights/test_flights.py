"""What the flight boards of AeroDataBox mean: three generations, code-shares, cancellations, quotas; and how the views count."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, insert, select, text

from gans.errors import BadData
from gans.load.load import load
from gans.source import Capture, Reject, Repaired, Request, Rows, rows_of
from gans.sources.flights import PARAMS, URL, parse, plan, source
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.store import FolderStore
from gans.tables import Instant, metadata

PAYLOAD = (Path(__file__).parent / "payload.json").read_bytes()
SLOT = datetime(2025, 3, 30, tzinfo=UTC)
AT = "2025-03-30 10:20Z"
LOCAL = "2025-03-30 12:20+02:00"


def _flight(number: str = "XX 1", **fields: Any) -> dict[str, Any]:
    """A flight as the board of today tells it; a field of None is left out."""
    flight = {
        "number": number,
        "status": "Expected",
        "codeshareStatus": "IsOperator",
        "isCargo": False,
        "departure": {"airport": {"icao": "EGLL", "iata": "LHR", "name": "London"}},
        "arrival": {"scheduledTime": {"utc": AT, "local": LOCAL}},
        "aircraft": {"model": "Airbus A320"},
        "airline": {"name": "Example Air", "iata": "XX", "icao": "XXY"},
        **fields,
    }
    return {name: value for name, value in flight.items() if value is not None}


def _codeshare(number: str, **fields: Any) -> dict[str, Any]:
    return _flight(number, **{"codeshareStatus": "IsCodeshared", "airline": {"name": "Other Air"}, **fields})


def _arrival(utc: str = AT, local: str = LOCAL, **fields: Any) -> dict[str, Any]:
    return {"scheduledTime": {"utc": utc, "local": local}, **fields}


def _capture(answer: object, icao: str = "EDDK", *, status: int = 200, at: datetime = SLOT, unit: str = "x") -> Capture:
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    return Capture(unit=unit, url="https://x", status=status, slot=SLOT, fetched_at=at, context={"airport_icao": icao}, body=body)


def _items(answer: object, icao: str = "EDDK") -> list[Rows | Reject | Repaired]:
    return list(parse(_capture(answer, icao)))


def _rows(answer: object, icao: str = "EDDK", table: str = "flights") -> list[dict[str, Any]]:
    """The rows of an answer in which nothing is refused."""
    items = _items(answer, icao)
    assert [item for item in items if isinstance(item, Reject)] == []
    return [row.values for row in rows_of(items) if row.table == table]


def _row(flight: Mapping[str, Any], icao: str = "EDDK") -> dict[str, Any]:
    (row,) = _rows({"arrivals": [flight]}, icao)
    return row


def test_the_payload() -> None:
    rows = _rows(PAYLOAD)
    assert rows[0] == {
        "arrival_icao": "EDDK",
        "scheduled_at": datetime(2025, 3, 29, 23, 20, tzinfo=UTC),
        "flight_number": "XX 101",
        "departure_icao": "EGLL",
        "departure_name": "London",
        "airline_code": "XXY",
        "airline_name": "Example Air",
        "status": "Arrived",
        "revised_at": datetime(2025, 3, 29, 23, 31, tzinfo=UTC),
        "actual_at": datetime(2025, 3, 29, 23, 27, tzinfo=UTC),
        "terminal": "1",
        "aircraft": "Airbus A320",
        "registration": "G-TEST",
        "is_cargo": False,
        "is_codeshare": False,
        "arrival_on": date(2025, 3, 30),
        "hour_at": datetime(2025, 3, 29, 23, tzinfo=UTC),
    }
    assert [(row["flight_number"], row["is_codeshare"], row["is_cargo"], row["status"]) for row in rows[1:]] == [
        ("ZZ 7101", True, False, "Expected"),
        ("E4 56LE", False, True, "Expected"),
        ("XX 202", False, False, "Canceled"),
    ]
    assert [(row["departure_icao"], row["departure_name"]) for row in rows[2:]] == [(None, None), (None, "Rodos")]
    assert [row["actual_at"] for row in rows[1:]] == [None, None, None], "a time on the runway may be an estimate"
    assert _rows(PAYLOAD, table="airlines") == [
        {"airline_code": "XXY", "name": "Example Air"},
        {"airline_code": "ZZ", "name": "Other Air"},
    ]


GENERATIONS: dict[str, dict[str, Any]] = {
    "2022": {
        "arrival": {
            "scheduledTimeLocal": LOCAL,
            "actualTimeLocal": "2025-03-30 12:31+02:00",
            "runwayTimeLocal": "2025-03-30 12:27+02:00",
            "scheduledTimeUtc": AT,
            "actualTimeUtc": "2025-03-30 10:31Z",
            "runwayTimeUtc": "2025-03-30 10:27Z",
        }
    },
    "2023": {
        "arrival": _arrival(
            revisedTime={"utc": "2025-03-30 10:31Z", "local": "2025-03-30 12:31+02:00"},
            runwayTime={"utc": "2025-03-30 10:27Z", "local": "2025-03-30 12:27+02:00"},
        )
    },
}
GENERATIONS["both"] = {"arrival": {**GENERATIONS["2022"]["arrival"], **GENERATIONS["2023"]["arrival"]}}
GENERATIONS["movement"] = {
    "departure": None,
    "arrival": None,
    "movement": {**GENERATIONS["2023"]["arrival"], "airport": {"icao": "EGLL", "iata": "LHR", "name": "London"}},
}
GENERATIONS["nulls"] = {
    "movement": None,
    "arrival": {**GENERATIONS["2023"]["arrival"], "airport": None, "scheduledTimeUtc": None, "terminal": None},
}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_generation_says_the_same(generation: str) -> None:
    row = _row(_flight(status="Arrived", **GENERATIONS[generation]))
    assert (row["scheduled_at"], row["arrival_on"]) == (datetime(2025, 3, 30, 10, 20, tzinfo=UTC), date(2025, 3, 30))
    assert (row["revised_at"], row["actual_at"]) == (SLOT.replace(hour=10, minute=31), SLOT.replace(hour=10, minute=27))
    assert (row["departure_icao"], row["departure_name"]) == ("EGLL", "London")


def test_a_flight_alone_is_an_answer() -> None:
    assert _rows(_flight(**GENERATIONS["movement"])) == [_row(_flight(**GENERATIONS["movement"]))]


def test_of_an_answer_to_both_directions_the_arrivals_are_taken() -> None:
    assert _rows({"departures": [{"number": 1}], "arrivals": [_flight()]}) == [_row(_flight())]


def test_nothing_arrives() -> None:
    assert _rows({"arrivals": []}) == []
    assert list(parse(_capture(b"", status=204))) == []


@pytest.mark.parametrize(
    ("number", "kept"), [("DBETI", "DBETI"), (" E4  56LE\t", "E4 56LE"), ("3V 8ER", "3V 8ER"), ("kl 1", "kl 1")]
)
def test_a_number_is_kept_as_told_but_for_spaces(number: str, kept: str) -> None:
    assert _row(_flight(number))["flight_number"] == kept


@pytest.mark.parametrize(
    ("origin", "kept"),
    [
        ({"name": "Unknown"}, (None, None)),
        ({"name": "Rodos"}, (None, "Rodos")),
        ({"icao": "EGLL", "name": "Unknown"}, ("EGLL", None)),
        ({"iata": "LHR", "name": "London"}, (None, "London")),
        ({"icao": "", "name": " "}, (None, None)),
        ({}, (None, None)),
        (None, (None, None)),
    ],
)
def test_an_origin_may_be_unknown_or_only_a_name(origin: object, kept: tuple[str | None, str | None]) -> None:
    row = _row(_flight(departure={"airport": origin}))
    assert (row["departure_icao"], row["departure_name"]) == kept


@pytest.mark.parametrize(
    ("airline", "kept"),
    [
        ({"name": "NetJets Europe", "icao": "NJE"}, ("NJE", "NetJets Europe")),
        ({"name": "Other Air", "iata": "ZZ"}, ("ZZ", "Other Air")),
        ({"name": "KLM"}, (None, "KLM")),
        ({"iata": "ZZ", "icao": None}, ("ZZ", None)),
        (None, (None, None)),
    ],
)
def test_an_airline_may_have_no_code(airline: object, kept: tuple[str | None, str | None]) -> None:
    answer = {"arrivals": [_flight("XX 1", airline=airline), _flight("XX 2", airline=airline)]}
    assert {(row["airline_code"], row["airline_name"]) for row in _rows(answer)} == {kept}
    assert _rows(answer, table="airlines") == ([{"airline_code": kept[0], "name": kept[1]}] if kept[0] else [])


def test_the_date_is_the_airports_and_the_hour_is_utc() -> None:
    row = _row(_flight(arrival=_arrival("2025-03-30 18:45Z", "2025-03-31 00:15+05:30")))
    assert (row["arrival_on"], row["hour_at"]) == (date(2025, 3, 31), datetime(2025, 3, 30, 18, tzinfo=UTC))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no scheduled time": ({"arrival": {"quality": ["Basic"]}}, "the scheduled time is missing"),
    "no local time": ({"arrival": {"scheduledTime": {"utc": AT}}}, "the scheduled time is missing"),
    "no time in UTC": ({"arrival": {"scheduledTimeLocal": LOCAL}}, "the scheduled time is missing"),
    "two times": ({"arrival": _arrival("2025-03-30 10:25Z")}, "'2025-03-30 10:25Z' in UTC but '2025-03-30 12:20+02:00' local"),
    "no zone": ({"arrival": _arrival("2025-03-30 10:20")}, "the time '2025-03-30 10:20' has no zone"),
    "no time at all": ({"arrival": _arrival("soon")}, "'soon' is no time"),
    "before the calendar": ({"arrival": _arrival("0001-01-01 00:00+14:00", "0001-01-01 00:00+14:00")}, ""),
    "neither side": ({"arrival": None}, "neither arrival nor movement"),
    "it departs": ({"arrival": None, "movement": _arrival(checkInDesk="511-514")}, "so it departs"),
    "elsewhere": ({"arrival": _arrival(airport={"icao": "EDDL"})}, "it arrives at EDDL, not at EDDK"),
    "an empty number": ({"number": "  "}, "the number is empty"),
    "no number": ({"number": None}, "missing required field `number`"),
    "a number that is one": ({"number": 17}, "Expected `str`, got `int` - at `$.number`"),
}


@pytest.mark.parametrize(
    ("changes", "column", "value", "rule"),
    [
        ({"arrival": _arrival(revisedTime={"utc": "late"})}, "revised_at", None, "a revised time that is none"),
        ({"arrival": _arrival(runwayTime={"utc": 7})}, "actual_at", None, "arrival.runwayTime.utc does not fit"),
        ({"arrival": _arrival(terminal=2)}, "terminal", None, "arrival.terminal does not fit"),
        ({"status": "X" * 21}, "status", "Unknown", "status does not fit"),
        ({"isCargo": "no"}, "is_cargo", False, "isCargo does not fit"),
        ({"aircraft": "Airbus A320"}, "aircraft", None, "aircraft does not fit"),
        ({"airline": {"name": 5, "icao": "XXY"}}, "airline_name", None, "airline.name does not fit"),
        ({"departure": []}, "departure_icao", None, "departure does not fit"),
    ],
)
def test_a_field_that_does_not_fit_costs_itself(changes: dict[str, Any], column: str, value: object, rule: str) -> None:
    items = _items({"arrivals": [_flight("XX 1"), _flight("YY 9", **changes)]})
    flights = [row.values for row in rows_of(items) if row.table == "flights"]
    assert [flight["flight_number"] for flight in flights] == ["XX 1", "YY 9"]
    assert flights[1][column] == value
    assert [item for item in items if not isinstance(item, Rows)] == [Repaired(rule)]


def test_a_byte_order_mark_and_a_number_that_is_none_cost_nothing_else() -> None:
    body = b"\xef\xbb\xbf" + msgspec.json.encode({"arrivals": [_flight(quality=0.25), _flight("XX 2")]}).replace(b"0.25", b"NaN")
    assert [type(item) for item in _items(body)] == [Rows, Rows, Repaired, Repaired]


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_flight_costs_only_itself(case: str) -> None:
    changes, reason = REFUSED[case]
    bad = {name: value for name, value in {**_flight("YY 9"), **changes}.items() if value is not None}
    items = _items({"arrivals": [_flight("XX 1"), bad, _flight("XX 2")]})
    (reject,) = (item for item in items if isinstance(item, Reject))
    assert reason in reject.reason
    assert msgspec.json.decode(reject.item).get("status") == "Expected", "the item is told as it came"
    flights = [row.values for row in rows_of(items) if row.table == "flights"]
    assert [flight["flight_number"] for flight in flights] == ["XX 1", "XX 2"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"message": "The MONTHLY quota is used up"}, "AeroDataBox says: The MONTHLY quota is used up"),
        ({"items": []}, "The answer has no arrivals, only items"),
        ({}, "The answer has no arrivals, only nothing"),
        ({"arrivals": None}, "Expected `array`, got `null`"),
        ([_flight()], "Expected `object`, got `array`"),
        (b"<html>", "Not an answer of AeroDataBox"),
        (b"", "Not an answer of AeroDataBox"),
        (b"[" * 100_000, "Not an answer of AeroDataBox"),
        (b'{"arrivals": ' + b"[" * 100_000, "Not an answer of AeroDataBox"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_board_is_refused(answer: object, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        _items(answer)


# what is asked


class World:
    """A `Reference` of Cologne, which is watched, of Bonn, which has the same airport, and of Ulm, which is not watched."""

    tables: Mapping[str, Sequence[Mapping[str, Any]]] = {
        "watched_cities": [{"city_id": city_id, "is_watched": city_id != 3} for city_id in (1, 2, 3)],
        "airports": [
            {"airport_icao": "EDDK", "timezone": "Europe/Berlin"},
            {"airport_icao": "EDNY", "timezone": "Europe/Berlin"},
            {"airport_icao": "EDXX", "timezone": None},
            {"airport_icao": "KJFK", "timezone": "America/New_York"},
            {"airport_icao": "NZAA", "timezone": "Pacific/Auckland"},
        ],
        "city_airports": [
            {"city_id": city_id, "airport_icao": icao}
            for city_id, icao in ((1, "EDDK"), (1, "EDXX"), (1, "KJFK"), (2, "EDDK"), (2, "NZAA"), (3, "EDNY"))
        ],
    }

    def rows(self, table: str) -> Sequence[Mapping[str, Any]]:
        return self.tables[table]


def _planned(slot: str) -> Iterator[Request]:
    return plan(World(), datetime.fromisoformat(slot).replace(tzinfo=UTC))


def test_each_airport_of_a_watched_city_is_asked_for_once_in_two_halves_of_its_own_day() -> None:
    asked = [request.url.removeprefix(f"{URL}/") for request in _planned("2025-03-30T12:00")]
    assert asked == [
        "EDDK/2025-03-30T00:00/2025-03-30T11:59",
        "EDDK/2025-03-30T12:00/2025-03-30T23:59",
        "KJFK/2025-03-30T00:00/2025-03-30T11:59",
        "KJFK/2025-03-30T12:00/2025-03-30T23:59",
        "NZAA/2025-03-31T00:00/2025-03-31T11:59",
        "NZAA/2025-03-31T12:00/2025-03-31T23:59",
    ]


def test_at_midnight_utc_tomorrow_is_asked_for_too() -> None:
    days = Counter((request.unit[:4], request.url.split("/")[-1][:10]) for request in _planned("2025-03-30T00:00"))
    assert days == {
        ("EDDK", "2025-03-30"): 2,
        ("EDDK", "2025-03-31"): 2,
        ("KJFK", "2025-03-29"): 2,
        ("KJFK", "2025-03-30"): 2,
        ("NZAA", "2025-03-30"): 2,
        ("NZAA", "2025-03-31"): 2,
    }


def test_units_are_the_same_from_run_to_run_and_the_host_is_named() -> None:
    first, later = list(_planned("2025-03-30T06:00")), list(_planned("2025-04-02T18:00"))
    assert [request.unit for request in first] == [request.unit for request in later]
    assert first[0].url.startswith("https://aerodatabox.p.rapidapi.com/flights/airports/icao/EDDK/")
    assert first[0].unit == "EDDK today from 00:00"
    assert first[0].context == {"airport_icao": "EDDK"}
    assert first[0].headers == {"X-RapidAPI-Host": "aerodatabox.p.rapidapi.com"}
    assert {name for name, value in PARAMS.items() if value == "true"} == {
        "withLeg",
        "withCancelled",
        "withCodeshared",
        "withCargo",
    }
    assert PARAMS["direction"] == "Arrival"


# the quota


@pytest.mark.parametrize(
    ("status", "body", "is_used_up"),
    [
        (429, b'{"message":"The MONTHLY quota of your plan, BASIC, is used up"}', True),
        (429, b'{"message":"the daily Quota is exceeded"}', True),
        (403, b'{"message":"No units are left of the MONTHLY quota"}', True),
        (200, b'{"message":"No units are left of the MONTHLY quota"}', True),
        (429, b'{"message":"The rate limit per second of your plan, BASIC, is exceeded"}', False),
        (429, b'{"message":"Too many requests"}', False),
        (429, b"quota", False),
        (200, b'{"arrivals":[{"number":"quota"}]}', False),
        (200, b'{"a":' + b"[" * 990, False),
        (204, b"", False),
    ],
)
def test_a_used_up_quota_is_told_from_too_many_requests_by_its_text(status: int, body: bytes, is_used_up: bool) -> None:
    assert source.quota
    assert source.quota.is_used_up(status, body) is is_used_up


# the views


@pytest.fixture
def near(engine: Engine) -> Engine:
    """Cologne (1) and Bonn (2), both near EDDK; Cologne near EDDL too."""
    with engine.begin() as connection:
        for table, rows in {
            "cities": [{"city_id": 1, "name": "Köln", "is_watched": True}, {"city_id": 2, "name": "Bonn", "is_watched": True}],
            "airports": [{"airport_icao": icao, "fetched_at": SLOT} for icao in ("EDDK", "EDDL")],
            "city_airports": [
                {"city_id": city_id, "airport_icao": icao, "distance_km": 1.0, "fetched_at": SLOT}
                for city_id, icao in ((1, "EDDK"), (1, "EDDL"), (2, "EDDK"))
            ],
        }.items():
            connection.execute(insert(metadata.tables[table]), rows)
    return engine


def _load(engine: Engine, folder: Path, *captures: Capture) -> None:
    """Each capture as a part of its own, loaded in the order given; fetched at its own time."""
    store = FolderStore(folder)
    for part, capture in enumerate(captures, 1):
        header = Header(source="flights", slot=SLOT, attempt=SLOT, part=part, code_version="")
        writer = PartWriter(header)
        writer.add(capture)
        store.write(
            str(PartKey.of(header)),
            writer.close(Footer(finished_at=SLOT, requests=1, bytes_received=len(capture.body), captures=1)),
        )
        done = load(str(PartKey.of(header)), store=store, engine=engine, sources={"flights": source}, clock=lambda: SLOT)
        assert done.status == "ok", done


def _counted(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        query = text("SELECT flight_number FROM operating_flights ORDER BY flight_number")
        return list(connection.scalars(query))


CODESHARES: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "with its operator": ([_codeshare("AA 1"), _flight("XX 1"), _codeshare("ZZ 1")], ["XX 1"]),
    "without an operator": ([_codeshare("ZZ 1"), _codeshare("AA 2"), _codeshare("AA 1")], ["AA 1"]),
    "alone": ([_codeshare("ZZ 1")], ["ZZ 1"]),
    "of two operators": ([_flight("XX 1"), _flight("YY 1"), _codeshare("AA 1")], ["XX 1", "YY 1"]),
    "its model is told otherwise": ([_codeshare("AA 1", aircraft={"model": "A320 (sharklets)"}), _flight("XX 1")], ["XX 1"]),
    "another aircraft": (
        [_codeshare("AA 1", aircraft={"reg": "D-TWO"}), _flight("XX 1", aircraft={"reg": "D-ONE"})],
        ["AA 1", "XX 1"],
    ),
    "the same aircraft": ([_codeshare("AA 1", aircraft={"reg": "D-ONE"}), _flight("XX 1", aircraft={"reg": "D-ONE"})], ["XX 1"]),
    "another time": (
        [_codeshare("AA 1", arrival=_arrival("2025-03-30 10:21Z", "2025-03-30 12:21+02:00")), _flight("XX 1")],
        ["AA 1", "XX 1"],
    ),
    "another origin": ([_codeshare("AA 1", departure={"airport": {"name": "Rodos"}}), _flight("XX 1")], ["AA 1", "XX 1"]),
    "an origin by name": (
        [_codeshare(number, departure={"airport": {"name": "Rodos"}}) for number in ("AA 1", "AA 2")],
        ["AA 1"],
    ),
    "an unknown origin": ([_codeshare(number, departure=None) for number in ("AA 1", "AA 2")], ["AA 1"]),
    "of a cancelled flight": ([_codeshare("AA 1"), _flight("XX 1", status="Canceled")], ["XX 1"]),
}


@pytest.mark.parametrize("case", CODESHARES)
def test_a_code_shared_flight_is_counted_once(near: Engine, tmp_path: Path, case: str) -> None:
    flights, counted = CODESHARES[case]
    _load(near, tmp_path, _capture({"arrivals": flights}))
    assert _counted(near) == counted


def test_whichever_windows_tell_of_a_code_share_and_in_whatever_order(near: Engine, tmp_path: Path) -> None:
    windows = [[_codeshare("AA 1")], [_codeshare("AA 2"), _codeshare("AA 1")], [_flight("XX 1")]]
    for turn, order in enumerate(permutations(windows)):
        _load(near, tmp_path / str(turn), *(_capture({"arrivals": flights}) for flights in order))
        assert _counted(near) == ["XX 1"]
        with near.begin() as connection:
            connection.execute(metadata.tables["flights"].delete())


def test_overlapping_windows_give_a_flight_one_row_of_the_newest_answer(near: Engine, tmp_path: Path) -> None:
    expected, delayed = ({"arrivals": [_flight(status=status)]} for status in ("Expected", "Delayed"))
    _load(near, tmp_path, _capture(delayed, at=SLOT + timedelta(seconds=2)), _capture(expected, at=SLOT + timedelta(seconds=1)))
    with near.connect() as connection:
        assert list(connection.scalars(select(metadata.tables["flights"].c.status))) == ["Delayed"]


def test_arrivals_are_counted_by_city_and_hour(near: Engine, tmp_path: Path) -> None:
    later = _arrival("2025-03-30 11:00Z", "2025-03-30 13:00+02:00")
    cologne = [
        _flight("XX 1"),
        _codeshare("AA 1"),
        _flight("XX 2", departure=None),
        _flight("XX 3", status="Canceled"),
        _codeshare("AA 3", status="Canceled"),
        _flight("XX 4", status="CanceledUncertain"),
        _flight("XX 5", status="Diverted"),
        _flight("FX 1", isCargo=True),
        _flight("FX 2", isCargo=True, status="Canceled"),
        _flight("XX 6", arrival=later),
    ]
    _load(near, tmp_path, _capture({"arrivals": cologne}), _capture({"arrivals": [_flight("XX 7")]}, "EDDL"))
    query = text("SELECT * FROM arrivals_by_hour ORDER BY city_id, hour_at").columns(hour_at=Instant)
    with near.connect() as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    hours = [SLOT.replace(hour=10), SLOT.replace(hour=11)]
    assert rows == [
        (1, "Köln", hours[0], 3, 3, 1),
        (1, "Köln", hours[1], 1, 0, 0),
        (2, "Bonn", hours[0], 2, 3, 1),
        (2, "Bonn", hours[1], 1, 0, 0),
    ]


# the captures


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What a careful reader takes from a recorded answer.

    Attributes:
        operating: how many flights there are when each is counted once.
        orphans: the numbers that stand for flights without an operator's row.
        unknown: how many have an origin without a code, and how many of these without a name too.
        statuses: those that are neither Expected nor Arrived.
        first: some values of the first row, read off the file by hand.
    """

    icao: str
    rows: int
    codeshares: int
    operating: int
    orphans: list[str]
    cargo: int
    unknown: tuple[int, int]
    airlines: int
    statuses: dict[str, int]
    first: dict[str, object]


READ = {
    "fids_EDDB_arrivals_2023-10-05.json": Expected(
        icao="EDDB", rows=180, codeshares=0, operating=180, orphans=[], cargo=0, unknown=(4, 3),
        airlines=45, statuses={"Delayed": 7, "Approaching": 5, "Unknown": 1},
        first={"flight_number": "3V 8ER", "departure_icao": "LFPG", "airline_code": "TAY", "registration": "OE-IBO",
               "scheduled_at": "2023-10-05T04:06Z", "actual_at": "2023-10-05T03:59Z"},
    ),
    "fids_EDDB_arrivals_2024-07-10.json": Expected(
        icao="EDDB", rows=90, codeshares=9, operating=81, orphans=[], cargo=0, unknown=(0, 0),
        airlines=42, statuses={"Delayed": 1, "Unknown": 1},
        first={"flight_number": "TO 3412", "scheduled_at": "2024-07-10T21:10Z", "arrival_on": date(2024, 7, 10),
               "hour_at": "2024-07-10T21:00Z"},
    ),
    "fids_EDDB_both_2024-05-08.json": Expected(
        icao="EDDB", rows=238, codeshares=36, operating=202, orphans=[], cargo=0, unknown=(9, 9),
        airlines=44, statuses={"Canceled": 5, "Approaching": 1},
        first={"flight_number": "FR 1143", "departure_icao": "LPPT", "airline_code": "RYR", "terminal": "2",
               "actual_at": "2024-05-08T10:22Z"},
    ),
    "fids_EDDP_arrivals_movement_2023-12-08.json": Expected(
        icao="EDDP", rows=7, codeshares=0, operating=7, orphans=[], cargo=0, unknown=(0, 0),
        airlines=5, statuses={"Unknown": 3},
        first={"flight_number": "LH 2166", "departure_icao": "EDDM", "departure_name": "Munich",
               "revised_at": None, "actual_at": None},
    ),
    "fids_EHAM_arrivals_2022-10-04_OLDSCHEMA.json": Expected(
        icao="EHAM", rows=480, codeshares=307, operating=178,
        orphans=["AF 8218", "DL 9244", "DL 9318", "DL 9432", "DL 9455"], cargo=8, unknown=(4, 0),
        airlines=0, statuses={"Unknown": 4},
        first={"flight_number": "AF 8288", "is_codeshare": True, "departure_name": "Kraków", "airline_code": None,
               "airline_name": "Air France",
               "scheduled_at": "2022-10-04T17:55Z", "revised_at": "2022-10-04T18:15Z", "aircraft": "Embraer 195-E2"},
    ),
    "flight_movement_arrival0_EDDB_2023-12.json": Expected(
        icao="EDDB", rows=1, codeshares=0, operating=1, orphans=[], cargo=0, unknown=(0, 0),
        airlines=1, statuses={},
        first={"flight_number": "SN 2581", "status": "Arrived", "actual_at": "2023-11-28T10:05Z"},
    ),
}  # fmt: skip
NO_BOARD = {
    "airport_detail_UUDD.json": "The answer has no arrivals, only continent",
    "airports_search_location_berlin.json": "The answer has no arrivals, only count",
    "airports_search_location_leipzig.json": "The answer has no arrivals, only count",
    "error_quota_exceeded.json": "AeroDataBox says: .* MONTHLY quota",
}
DEPARTURE = "flight_movement_departure0_EDDB_2023-12.json"


def test_there_is_an_expectation_for_every_capture(captures: Path) -> None:
    assert {path.name for path in (captures / "aerodatabox").iterdir()} == {*READ, *NO_BOARD, DEPARTURE}


@pytest.mark.parametrize("name", READ)
def test_a_captured_board(captures: Path, engine: Engine, tmp_path: Path, name: str) -> None:
    expected, body = READ[name], (captures / "aerodatabox" / name).read_bytes()
    rows = _rows(body, expected.icao)
    assert len(rows) == expected.rows
    assert sum(row["is_codeshare"] for row in rows) == expected.codeshares
    assert sum(row["is_cargo"] for row in rows) == expected.cargo
    assert len(_rows(body, expected.icao, "airlines")) == expected.airlines
    nowhere = [row for row in rows if row["departure_icao"] is None]
    assert (len(nowhere), sum(row["departure_name"] is None for row in nowhere)) == expected.unknown
    statuses = Counter(row["status"] for row in rows)
    assert {status: n for status, n in statuses.items() if status not in ("Expected", "Arrived")} == expected.statuses
    first = {key: f"{value:%Y-%m-%dT%H:%MZ}" if isinstance(value, datetime) else value for key, value in rows[0].items()}
    assert expected.first.items() <= first.items()
    _load(engine, tmp_path, _capture(body, expected.icao))
    counted = _counted(engine)
    assert len(counted) == expected.operating
    codeshares = {row["flight_number"] for row in rows if row["is_codeshare"]}
    assert sorted(codeshares & set(counted)) == expected.orphans


@pytest.mark.parametrize("name", NO_BOARD)
def test_a_captured_answer_that_is_no_board(captures: Path, name: str) -> None:
    with pytest.raises(BadData, match=NO_BOARD[name]):
        _items((captures / "aerodatabox" / name).read_bytes())


def test_a_captured_departure_is_no_arrival(captures: Path) -> None:
    items = _items((captures / "aerodatabox" / DEPARTURE).read_bytes(), "EDDB")
    (reject,) = (item for item in items if isinstance(item, Reject))
    assert not list(rows_of(items))
    assert "so it departs" in reject.reason


def test_a_captured_quota_answer_is_known_as_one(captures: Path) -> None:
    assert source.quota
    assert source.quota.is_used_up(429, (captures / "aerodatabox" / "error_quota_exceeded.json").read_bytes())
