"""The simulated flight boards, over real sockets and as the source reads them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from gans.sources import asked
from gans.sources.flights import HOST, PARAMS, WINDOWS
from local.simulator import Simulator, World
from local.simulator.aerodatabox import GENERATIONS
from local.simulator.ourairports import airports
from tests.local.simulator.conftest import rows_of

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BOARD = f"/{HOST}/flights/airports/icao"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(clock=lambda: NOW) as running:
        yield running


def get(
    simulator: Simulator, icao: str = "EGLL", start: str = "2026-03-10T00:00", end: str = "2026-03-10T11:59", **params: str
) -> requests.Response:
    url = f"{simulator.url}{BOARD}/{icao}/{start}/{end}"
    return requests.get(url, params={**PARAMS, **params}, headers={"X-RapidAPI-Key": "any"}, timeout=5)


def flights(simulator: Simulator, **asked: str) -> list[dict[str, Any]]:
    response = get(simulator, **asked)
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()["arrivals"]
    return found


def read(response: requests.Response, icao: str) -> list[dict[str, Any]]:
    """The rows that the source takes from an answer; none may be refused."""
    rows = rows_of("flights", response, {"airport_icao": icao}, NOW)
    return [row.values for row in rows if row.table == "flights"]


def day(simulator: Simulator, icao: str, date: str = "2026-03-10") -> list[list[dict[str, Any]]]:
    """The rows of the two windows of a day."""
    return [read(get(simulator, icao, f"{date}T{start}", f"{date}T{end}"), icao) for start, end in WINDOWS]


def test_every_airport_has_a_board_that_is_read_without_a_refusal(simulator: Simulator) -> None:
    known = airports(simulator.world)
    rows = [row for airport in known for window in day(simulator, airport.icao) for row in window]
    assert len({row["arrival_icao"] for row in rows}) == len(known)
    assert {"Arrived", "Expected", "Delayed", "Canceled", "CanceledUncertain", "Diverted"} <= {row["status"] for row in rows}
    assert {row["departure_icao"] for row in rows} <= {airport.icao for airport in known} | {None}
    unknown = [row["departure_name"] for row in rows if row["departure_icao"] is None]
    assert None in unknown
    assert "Rodos" in unknown
    assert any(row["is_cargo"] for row in rows)
    assert any(len(row["flight_number"].split()[-1].strip("0123456789")) == 2 for row in rows), "odd numbers, like E4 56LE"
    zones = {airport.icao: ZoneInfo(airport.timezone) for airport in known}
    assert all(row["arrival_on"] == row["scheduled_at"].astimezone(zones[row["arrival_icao"]]).date() for row in rows)


def test_windows_overlap_and_agree(simulator: Simulator) -> None:
    overlaps = 0
    for airport in airports(simulator.world)[:12]:
        morning, evening = (
            {(row["flight_number"], row["scheduled_at"]): row for row in half} for half in day(simulator, airport.icao)
        )
        shared = morning.keys() & evening.keys()
        overlaps += len(shared)
        assert all(morning[key] == evening[key] for key in shared)
    assert overlaps > 5


def test_most_code_shares_stand_beside_their_operator_and_some_do_not(simulator: Simulator) -> None:
    alone = beside = 0
    for airport in airports(simulator.world)[:12]:
        rows = [row for half in day(simulator, airport.icao) for row in half]
        operated = {(row["scheduled_at"], row["departure_icao"]) for row in rows if not row["is_codeshare"]}
        shared = {(row["scheduled_at"], row["departure_icao"]) for row in rows if row["is_codeshare"]}
        beside += len(shared & operated)
        alone += len(shared - operated)
    assert 0 < alone < beside / 5


def test_the_three_generations_are_told_apart_by_airport_and_seed(simulator: Simulator) -> None:
    found = set()
    for airport in airports(simulator.world):
        response = get(simulator, airport.icao, "2026-03-10T12:00", "2026-03-10T23:59")
        (names,) = {tuple("scheduledTime" + end in row["arrival"] for end in ("Utc", "")) for row in response.json()["arrivals"]}
        found.add(names)
    assert len(found) == len(GENERATIONS)


def test_without_legs_there_is_one_movement(simulator: Simulator) -> None:
    (with_leg, without) = (flights(simulator, withLeg=value)[0] for value in ("true", "false"))
    assert with_leg.keys() - without.keys() == {"departure", "arrival"}
    assert without["movement"] == {**with_leg["arrival"], "airport": with_leg["departure"]["airport"]}


@pytest.mark.parametrize(
    ("name", "is_it"),
    [
        ("withCargo", lambda row: row["isCargo"]),
        ("withCodeshared", lambda row: row["codeshareStatus"] == "IsCodeshared"),
        ("withCancelled", lambda row: row["status"].startswith("Canceled")),
        ("withPrivate", lambda row: row["airline"]["name"] == "Unknown/Private owner" and " " not in row["number"]),
    ],
)
def test_what_is_not_wanted_is_left_out(simulator: Simulator, name: str, is_it: Any) -> None:
    left_out = 0
    for icao in ("EDDB", "EDDM", "EGLL", "KJFK"):
        asked = {"icao": icao, "start": "2026-03-10T08:00", "end": "2026-03-10T19:59"}
        wanted, unwanted = (flights(simulator, **asked, **{name: value}) for value in ("true", "false"))
        assert unwanted == [row for row in wanted if not is_it(row)]
        left_out += len(wanted) - len(unwanted)
    assert left_out


def test_a_day_is_the_same_whenever_it_is_asked_for_and_more_is_known_later() -> None:
    clock = [NOW - timedelta(days=2)]
    with Simulator(clock=lambda: clock[0]) as simulator:
        first = {row["flight_number"]: row for half in day(simulator, "EDDB") for row in half}
        clock[0] = NOW + timedelta(days=2)
        last = {row["flight_number"]: row for half in day(simulator, "EDDB") for row in half}
    assert {row["status"] for row in first.values()} <= {"Expected", "Unknown"}
    assert {row["revised_at"] for row in first.values()} == {None}
    both = first.keys() & last.keys()
    assert len(both) > 0.9 * len(first)
    assert all(first[number]["scheduled_at"] == last[number]["scheduled_at"] for number in both)
    assert (
        {"Arrived", "Canceled"}
        <= {row["status"] for row in last.values()}
        <= {"Arrived", "Canceled", "CanceledUncertain", "Diverted"}
    )
    assert all((row["actual_at"] is not None) == (row["status"] == "Arrived") for row in last.values())


def test_an_hour_in_which_nothing_arrives_has_no_content(simulator: Simulator) -> None:
    response = get(simulator, "KJRA", "2026-03-10T03:01", "2026-03-10T03:02")
    assert (response.status_code, response.content) == (204, b"")
    assert read(response, "KJRA") == []


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("EGLL/2026-03-10T00:00/2026-03-10T11:59", "", 401),
        ("XXXX/2026-03-10T00:00/2026-03-10T11:59", "any", 404),
        ("EGLL", "any", 404),
        ("EGLL/2026-03-10T00:00/2026-03-10T12:01", "any", 400),
        ("EGLL/2026-03-10T11:59/2026-03-10T00:00", "any", 400),
        ("EGLL/today/tomorrow", "any", 400),
    ],
)
def test_a_bad_question_is_refused_with_a_message(simulator: Simulator, path: str, key: str, status: int) -> None:
    response = requests.get(f"{simulator.url}{BOARD}/{path}", headers={"X-RapidAPI-Key": key} if key else {}, timeout=5)
    assert response.status_code == status
    assert response.json().keys() == {"message"}


def test_a_used_up_quota_is_told_apart_from_too_many_requests(simulator: Simulator) -> None:
    quota = asked()["flights"].quota
    assert quota
    for fault, is_used_up in (("quota_exceeded", True), ("rate_limited", False)):
        simulator.inject(fault)
        response = get(simulator)
        assert response.status_code == 429
        assert quota.is_used_up(429, response.content) is is_used_up
    simulator.inject("quota_exceeded")
    plain = requests.get(f"{simulator.url}/en.wikipedia.org/wiki/Berlin", timeout=5)
    assert plain.status_code == 429, "an upstream without a quota says what it says of too many requests"


def test_another_seed_has_other_flights() -> None:
    boards = []
    for seed in (1, 1, 2):
        with Simulator(seed=seed, clock=lambda: NOW) as simulator:
            boards.append(json.dumps(flights(simulator)))
    assert boards[0] == boards[1] != boards[2]
    assert World(1, 1).cities == World(1, 2).cities
