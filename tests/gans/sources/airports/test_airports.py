"""What OurAirports' file means: which airports are taken, under which code, and which cities they are near."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, select, text

from gans import __version__
from gans.errors import BadData
from gans.load.load import load
from gans.source import Capture, Omitted, Reject, Repaired, Request, Row
from gans.sources import _csv
from gans.sources import airports as module
from gans.sources.airports import URL, great_circle_km, parse, plan, source
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.store import FolderStore
from gans.tables import AIRPORT_KINDS, airports, city_airports

PAYLOAD = (Path(__file__).parent / "payload.csv").read_bytes()
SLOT = datetime(2025, 3, 24, 2, 10, tzinfo=UTC)
BERLIN = {"city_id": 1, "latitude": 52.52, "longitude": 13.405}
BER = {
    "id": "1", "ident": "EDDB", "type": "large_airport", "name": "Berlin Airport", "latitude_deg": "52.3617",
    "longitude_deg": "13.5023", "elevation_ft": "157", "continent": "EU", "iso_country": "DE", "municipality": "Berlin",
    "scheduled_service": "yes", "icao_code": "EDDB", "iata_code": "BER", "gps_code": "EDDB", "keywords": "",
}  # fmt: skip


def _file(*lines: Mapping[str, str] | bytes, columns: Sequence[str] = tuple(BER)) -> bytes:
    """The file with these lines, each BER but for what it tells."""
    rows = [",".join(f'"{name}"' for name in columns).encode()]
    for line in lines:
        if not isinstance(line, bytes):
            values = {**BER, **line}
            line = ",".join('"' + values[name].replace('"', '""') + '"' if values[name] else "" for name in columns).encode()
        rows.append(line)
    return b"\n".join([*rows, b""])


def _capture(body: bytes, cities: Sequence[Mapping[str, Any]] = (BERLIN,), distance_km: float = 60.0, days: int = 0) -> Capture:
    at = SLOT + timedelta(days=days)
    return Capture(
        unit="airports",
        url=URL,
        status=200,
        slot=at,
        fetched_at=at,
        context={"cities": list(cities), "distance_km": distance_km},
        body=body,
    )


def _parsed(*lines: Mapping[str, str] | bytes, **context: Any) -> tuple[list[dict[str, Any]], list[str], int]:
    """The airports, the reasons of the rejects, and how many lines lack a code."""
    items = list(parse(_capture(_file(*lines), **context)))
    return (
        [item.values for item in items if isinstance(item, Row) and item.table == "airports"],
        [item.reason for item in items if isinstance(item, Reject)],
        sum(isinstance(item, Omitted) for item in items),
    )


def _codes(*lines: Mapping[str, str] | bytes) -> list[str]:
    found, rejected, _ = _parsed(BER, *lines)
    assert rejected == []
    return [airport["airport_icao"] for airport in found if airport["airport_icao"] != "EDDB"]


def _links(body: bytes, *cities: Mapping[str, Any], distance_km: float = 60.0) -> list[tuple[int, str, float]]:
    items = parse(_capture(body, cities, distance_km))
    return [tuple(item.values.values()) for item in items if isinstance(item, Row) and item.table == "city_airports"]


# the plan


class Known:
    """A `Reference` of cities and a distance."""

    def __init__(self, *cities: Mapping[str, Any]) -> None:
        self._tables = {"cities": cities, "watchlist": ({"airport_distance_km": 45},)}

    def rows(self, table: str) -> Sequence[Mapping[str, Any]]:
        return self._tables[table]


def test_one_file_is_asked_for_and_the_cities_go_with_it() -> None:
    nowhere = {"city_id": 2, "latitude": None, "longitude": None}
    (request,) = plan(Known(BERLIN | {"name": "Berlin"}, nowhere), SLOT)
    assert request == Request(unit="airports", url=URL, context={"cities": [BERLIN], "distance_km": 45.0})
    assert list(plan(Known(nowhere), SLOT)) == []


# which airports


def test_the_payload() -> None:
    items = list(parse(_capture(PAYLOAD, cities=[{"city_id": 1, "latitude": 43.3167, "longitude": -79.8}])))
    rows = [item for item in items if isinstance(item, Row)]
    assert [(row.table, row.values["airport_icao"]) for row in rows] == [
        ("airports", "BKPR"),
        ("airports", "CYHM"),
        ("city_airports", "CYHM"),
        ("airports", "CYKF"),
        ("city_airports", "CYKF"),
        ("airports", "CYYZ"),
        ("city_airports", "CYYZ"),
        ("airports", "EDDK"),
        ("airports", "FYWH"),
        ("airports", "LLXY"),
    ]
    assert rows[1].values == {
        "airport_icao": "CYHM",
        "iata_code": "YHM",
        "name": 'Hamilton, "The Hammer" Airport',
        "municipality": "Hamilton",
        "country_code": "CA",
        "latitude": 43.1736,
        "longitude": -79.935,
        "elevation_m": 237.7,
        "timezone": "America/Toronto",
        "kind": "medium_airport",
    }
    assert [item for item in items if not isinstance(item, Row)] == [Omitted("airports.airport_icao")]


def test_namibia_is_a_country() -> None:
    ((airport,), _, _) = _parsed({"iso_country": "NA", "continent": "AF", "iata_code": "NAN", "municipality": "null"})
    assert (airport["country_code"], airport["iata_code"], airport["municipality"]) == ("NA", "NAN", "null")


def test_what_is_empty_is_not_known_and_what_iso_does_not_know_is_no_country() -> None:
    ((airport,), _, _) = _parsed({"iso_country": "XK", "iata_code": "", "municipality": "", "elevation_ft": ""})
    values = (airport[name] for name in ("country_code", "iata_code", "municipality", "elevation_m"))
    assert list(values) == [None] * 4


@pytest.mark.parametrize(
    ("codes", "key"),
    [
        (("EDXX", "EDYY", "EDZZ"), "EDXX"),
        (("", "EDYY", "EDZZ"), "EDYY"),
        (("", "K00A", "EDZZ"), "EDZZ"),
        (("", "", "EDZZ"), "EDZZ"),
        (("EDXX", "", "DE-0001"), "EDXX"),
        (("edxx", "EDYY", "EDZZ"), "EDYY"),
        (("EDXXX", "EDYY ", "EDZZ"), "EDZZ"),
    ],
)
def test_the_key_is_the_first_field_of_four_letters(codes: tuple[str, str, str], key: str) -> None:
    assert _codes(dict(zip(("icao_code", "gps_code", "ident"), codes, strict=True))) == [key]


def test_the_file_of_before_the_column_of_icao_codes_is_read() -> None:
    columns = [name for name in BER if name != "icao_code"]
    items = list(parse(_capture(_file(BER, columns=columns))))
    assert [item.values["airport_icao"] for item in items if isinstance(item, Row)] == ["EDDB", "EDDB"]


def test_an_airport_without_a_code_is_left_out_and_counted() -> None:
    found, rejected, lacking = _parsed(BER, {"id": "2", "ident": "6N7", "icao_code": "", "gps_code": "6N7"})
    assert ([airport["airport_icao"] for airport in found], rejected, lacking) == (["EDDB"], [], 1)


@pytest.mark.parametrize(
    "changed", [{"type": "closed"}, {"scheduled_service": "no"}, {"scheduled_service": "no", "type": "spaceport"}]
)
def test_closed_airports_and_those_without_service_are_left_out(changed: dict[str, str]) -> None:
    assert _codes({"id": "2", "ident": "EDDT", "icao_code": "EDDT", "gps_code": "EDDT"} | changed) == []


def test_the_kinds_are_those_of_the_table() -> None:
    for kind in AIRPORT_KINDS:
        assert _parsed({"type": kind})[0][0]["kind"] == kind
    assert _parsed({"type": "spaceport"})[0][0]["kind"] is None


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_with_one_code_the_better_field_wins_then_the_lower_id(order: int) -> None:
    by_ident = {"id": "1", "name": "By ident", "icao_code": "", "gps_code": ""}
    later, earlier = {"id": "9", "name": "Later"}, {"id": "8", "name": "Earlier"}
    found, rejected, _ = _parsed(*[by_ident, later, earlier][::order])
    assert [airport["name"] for airport in found] == ["Earlier"]
    assert rejected == ["EDDB is the code of 'Earlier' (id 8)"] * 2 or set(rejected) == {
        "EDDB is the code of 'Later' (id 9)",
        "EDDB is the code of 'Earlier' (id 8)",
    }


# what is damaged


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        ({"latitude_deg": "95.1"}, "line 3: Expected `float` <= 90.0 - at `$.latitude_deg`"),
        ({"latitude_deg": "nan"}, "line 3: Expected `float` >= -90.0 - at `$.latitude_deg`"),
        ({"longitude_deg": ""}, "line 3: Expected `float`, got `null` - at `$.longitude_deg`"),
        ({"scheduled_service": "1"}, "line 3: scheduled_service is '1', neither yes nor no"),
        (b'1,"EDDH', "line 3: not CSV: unexpected end of data"),
        (b'1,"ED"DH"', "line 3: not CSV: "),
        (b'1,"EDDH"', "line 3: it has 2 fields for "),
        (b"", "line 3: it has 0 fields for "),
    ],
)
def test_a_damaged_line_costs_itself_alone(damaged: dict[str, str] | bytes, reason: str) -> None:
    other = {"id": "3", "ident": "EDDF", "icao_code": "EDDF", "gps_code": "EDDF"}
    wrong = {"id": "2", "icao_code": "EDDH"} | damaged if isinstance(damaged, dict) else damaged
    found, (message,), _ = _parsed(BER, wrong, other)
    assert [airport["airport_icao"] for airport in found] == ["EDDB", "EDDF"]
    assert message.startswith(reason)


@pytest.mark.parametrize(
    ("field", "value", "column"),
    [
        ("iata_code", "-", "iata_code"),
        ("iata_code", "0", "iata_code"),
        ("iata_code", "ber", "iata_code"),
        ("iata_code", "Berlin", "iata_code"),
        ("elevation_ft", "NA", "elevation_m"),
        ("elevation_ft", "99999", "elevation_m"),
        ("name", "x" * 201, "name"),
        ("name", "bell\a", "name"),
        ("iso_country", "Germany", "country_code"),
        ("type", "spaceport", "kind"),
        ("municipality", "\t", "municipality"),
    ],
)
def test_a_value_that_does_not_fit_costs_itself_alone(field: str, value: str, column: str) -> None:
    items = list(parse(_capture(_file({field: value}))))
    airport, link = (item.values for item in items if isinstance(item, Row))
    assert airport == next(iter(_parsed(BER)[0])) | {column: None}
    assert link["airport_icao"] == "EDDB"
    assert [item for item in items if not isinstance(item, Row)] == [Repaired(f"{field} does not fit")]


def test_bytes_that_are_no_utf_8_cost_their_field_alone() -> None:
    items = list(parse(_capture(_file(BER, {"name": "Köln"}).decode().encode("cp1252"))))
    assert [item for item in items if isinstance(item, Repaired)] == [Repaired("bytes that are no UTF-8")]
    assert _parsed(_file({"name": "Köln"}).split(b"\n")[1].decode().encode("cp1252"))[0][0]["name"] is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it has no column"),
        (_file(columns=[name for name in BER if name not in ("ident", "iso_country")]), "it has no column ident, iso_country$"),
        (b'"' + b"x" * 200_000, "not CSV: field larger than field limit"),
        (_file(), "No airport of the answer has scheduled service"),
        (_file({"scheduled_service": "no"}), "No airport of the answer has scheduled service"),
        (_file(BER)[:-1], "cut short: its last line does not end"),
        (_file(BER).partition(b"\n")[0], "cut short: its last line does not end"),
    ],
)
def test_a_file_that_is_not_the_whole_of_it_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        list(parse(_capture(body)))


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter() -> None:
    body = b"\xef\xbb\xbf" + _file(BER, {"scheduled_service": "no"}).replace(b"\n", b"\r\n")
    assert list(parse(_capture(body))) == list(parse(_capture(_file(BER))))


# which cities


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        ((52.52, 13.405), (52.52, 13.405), 0.0),
        ((0, 0), (0, 1), 111.195),
        ((0, 0), (90, 0), 10_007.557),
        ((-33.95, 151.18), (33.95, -28.82), 20_015.115),  # antipodes: half the way round
        ((36.12, -86.67), (33.94, -118.40), 2_886.45),
        ((-16.8, 179.95), (-16.8, -179.95), 10.645),
    ],
)
def test_the_great_circle(one: tuple[float, float], other: tuple[float, float], km: float) -> None:
    assert great_circle_km(*one, *other) == pytest.approx(km, abs=0.01)
    assert great_circle_km(*other, *one) == great_circle_km(*one, *other)


def test_an_airport_is_near_by_distance_and_not_by_name_or_country() -> None:
    city = {"city_id": 7, "latitude": 47.6, "longitude": 7.6}  # at three borders
    body = _file(
        {"ident": "LFSB", "icao_code": "LFSB", "latitude_deg": "47.59", "longitude_deg": "7.53", "iso_country": "FR"},
        {"ident": "LSZH", "icao_code": "LSZH", "latitude_deg": "47.46", "longitude_deg": "8.55", "municipality": "Basel"},
    )
    assert _links(body, city) == [(7, "LFSB", 5.4)]
    assert _links(body, city, distance_km=100) == [(7, "LFSB", 5.4), (7, "LSZH", 73.0)]
    assert _links(body, city, distance_km=5) == []


def test_the_bound_belongs_to_it() -> None:
    airport, city = _file({"latitude_deg": "1", "longitude_deg": "0"}), {"city_id": 1, "latitude": 0.0, "longitude": 0.0}
    exact = great_circle_km(1, 0, 0, 0)
    assert _links(airport, city, distance_km=exact) == [(1, "EDDB", 111.2)]
    assert _links(airport, city, distance_km=math.nextafter(exact, 0)) == []


def test_cities_across_the_date_line_and_near_a_pole_are_found() -> None:
    airport = _file({"latitude_deg": "-16.69", "longitude_deg": "-179.88"})
    assert _links(airport, {"city_id": 1, "latitude": -16.8, "longitude": 179.95}) == [(1, "EDDB", 21.8)]
    airport = _file({"latitude_deg": "89.9", "longitude_deg": "10"})
    assert _links(airport, {"city_id": 1, "latitude": 89.9, "longitude": -170.0}) == [(1, "EDDB", 22.2)]


def test_every_city_is_measured_that_can_be_near() -> None:
    cities = [{"city_id": 1 + n, "latitude": 51.5 + n % 40 / 20, "longitude": 12 + n // 40 / 10} for n in range(1_200)]
    near = {c["city_id"] for c in cities if great_circle_km(c["latitude"], c["longitude"], 52.3617, 13.5023) <= 60}
    assert 0 < len(near) < 1_200
    assert {city_id for city_id, _, _ in _links(_file(BER), *cities)} == near


# in the database


def _landed(store: FolderStore, *captures: Capture) -> list[str]:
    keys = []
    for capture in captures:
        header = Header(source="airports", slot=capture.slot, attempt=capture.fetched_at, part=1, code_version=__version__)
        writer = PartWriter(header)
        writer.add(capture)
        keys.append(str(PartKey.of(header)))
        store.write(
            keys[-1],
            writer.close(Footer(finished_at=capture.fetched_at, requests=1, bytes_received=len(capture.body), captures=1)),
        )
    return keys


def _published(store: FolderStore, table: str) -> list[dict[str, Any]]:
    return msgspec.json.decode(store.read(f"reference/{table}.json") or b"[]", type=list[dict[str, Any]])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (2, 1, 0)])
def test_what_the_newest_file_does_not_give_stays_and_is_passed_over(
    engine: Engine, tmp_path: Path, order: tuple[int, int, int]
) -> None:
    """An airport loses its service, a city is added, another is removed from the watchlist: the same in any order."""
    tegel = {"id": "2", "ident": "EDDT", "icao_code": "EDDT", "gps_code": "EDDT", "iata_code": "TXL"}
    potsdam, hamburg = {"city_id": 2, "latitude": 52.4, "longitude": 13.06}, {"city_id": 3, "latitude": 53.55, "longitude": 10.0}
    fuhlsbuettel = {"id": "3", "ident": "EDDH", "icao_code": "EDDH", "latitude_deg": "53.6304", "longitude_deg": "9.9882"}
    store = FolderStore(tmp_path)
    keys = _landed(
        store,
        _capture(_file(BER, tegel, fuhlsbuettel), [BERLIN, hamburg]),
        _capture(_file(BER, tegel, fuhlsbuettel), [BERLIN, hamburg], days=7),
        _capture(_file(BER, tegel | {"type": "closed"}, fuhlsbuettel), [BERLIN, potsdam], days=14),
    )
    last = SLOT + timedelta(days=14)
    for index in order:
        loaded = load(keys[index], store=store, engine=engine, sources={"airports": source}, clock=lambda: last)
        assert loaded.status == "ok"
    with engine.begin() as connection:
        connection.execute(text("UPDATE cities SET is_watched = 1 WHERE city_id <> 3"))
        of_links = {(row.city_id, row.airport_icao): row.fetched_at for row in connection.execute(select(city_airports))}
        of_airports = {row.airport_icao: row.fetched_at for row in connection.execute(select(airports))}
        nearby = connection.execute(text("SELECT city_id, airport_icao FROM nearby_airports ORDER BY 1, 2")).all()
    before, now = SLOT + timedelta(days=7), SLOT + timedelta(days=14)
    assert of_airports == {"EDDB": now, "EDDH": now, "EDDT": before}
    assert of_links == {(1, "EDDB"): now, (1, "EDDT"): before, (2, "EDDB"): now, (3, "EDDH"): before}
    assert nearby == [(1, "EDDB"), (2, "EDDB")]
    assert [row["airport_icao"] for row in _published(store, "airports")] == ["EDDB", "EDDH"]
    assert [(row["city_id"], row["airport_icao"]) for row in _published(store, "city_airports")] == [(1, "EDDB"), (2, "EDDB")]


def test_no_link_at_all_is_an_answer_too(engine: Engine, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    for key in _landed(store, _capture(_file(BER)), _capture(_file(BER), distance_km=1, days=1)):
        load(key, store=store, engine=engine, sources={"airports": source}, clock=lambda: SLOT + timedelta(days=14))
    assert _published(store, "city_airports") == []


def test_the_ledger_counts_what_has_no_code(engine: Engine, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    (key,) = _landed(store, _capture(PAYLOAD))
    loaded = load(key, store=store, engine=engine, sources={"airports": source}, clock=lambda: SLOT + timedelta(days=14))
    assert (loaded.status, loaded.rejected) == ("ok", 0)
    with engine.connect() as connection:
        line = connection.execute(text("SELECT missing, rows_offered FROM collection_runs")).one()
    assert msgspec.json.decode(line.missing)["airports.airport_icao"] == 1
    assert line.rows_offered == 7


def test_a_file_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = PAYLOAD.count(b"\n")
    monkeypatch.setattr(_csv, "MOST_LINES", lines - 1)
    with pytest.raises(BadData, match=f"The file holds {lines} lines: no honest one has more than {lines - 1}"):
        list(parse(_capture(PAYLOAD)))


def test_more_airports_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_AIRPORTS", 1)
    with pytest.raises(BadData, match="more than 1 airports with scheduled service"):
        list(parse(_capture(PAYLOAD)))
