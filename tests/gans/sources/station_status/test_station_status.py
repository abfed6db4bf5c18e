"""What station_status means, in all its versions: every repair, every reject, the time of the feed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gans.errors import BadData
from gans.source import MOST_REFUSED, Capture, Reject, Repaired, Request, Rows, rows_of
from gans.sources import _json
from gans.sources.station_status import parse, plan, source

PAYLOAD = (Path(__file__).parent / "payload.json").read_bytes()
NOW = datetime(2025, 3, 30, 4, 56, 7, tzinfo=UTC)
RENEWED = int(NOW.timestamp()) - 7
DOCKED = {"is_installed": True, "is_renting": True, "is_returning": True}


def capture(body: bytes, provider: str = "gbfs", timezone: str | None = "Europe/Berlin") -> Capture:
    context = {"system_id": "testville", "provider": provider, "timezone": timezone, "ttl_s": None}
    return Capture(
        unit="testville", url="https://gbfs.example.com/", status=200, slot=NOW, fetched_at=NOW, context=context, body=body
    )


def feed(*stations: Any, **head: Any) -> bytes:
    head_and_data = {"last_updated": RENEWED, "ttl": 60, "version": "2.3", "data": {"stations": stations}, **head}
    return json.dumps({name: value for name, value in head_and_data.items() if value is not ...}).encode()


def table(body: bytes, name: str = "station_status", **overrides: Any) -> list[dict[str, Any]]:
    return [row.values for row in rows_of(parse(capture(body, **overrides))) if row.table == name]


def others(body: bytes) -> Iterator[Reject | Repaired]:
    return (item for item in parse(capture(body)) if isinstance(item, (Reject, Repaired)))


def test_the_payload() -> None:
    first, second, third = table(PAYLOAD)
    assert first == {
        "system_id": "testville", "station_id": "1", "vehicles_available": 7, "vehicles_disabled": 1, "docks_available": 16,
        "docks_disabled": 0, "is_installed": True, "is_renting": True, "is_returning": True,
        "reported_at": datetime(2025, 3, 30, 4, 55, 42, tzinfo=UTC), "feed_updated_at": datetime(2025, 3, 30, 4, 56, tzinfo=UTC),
        "is_stale": False, "local_hour_of_week": 6 * 24 + 6, "hour_of_week": 6 * 24 + 6,
    }  # fmt: skip
    assert (second["station_id"], second["is_renting"], second["reported_at"]) == ("2", False, NOW.replace(minute=55, second=0))
    assert {third[name] for name in ("vehicles_available", "docks_available", "is_renting", "reported_at")} == {None}
    types = table(PAYLOAD, "station_vehicle_types")
    assert [(row["station_id"], row["vehicle_type_id"], row["vehicles_available"]) for row in types] == [
        ("1", "bike", 4), ("1", "ebike", 3), ("2", "mechanical", 0), ("2", "ebike", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "vehicles"),
    [
        ({"num_bikes_available": 3}, 3),
        ({"num_vehicles_available": 4, "num_bikes_available": 3}, 4),
        ({"num_bikes_available": "5"}, 5),
        ({"num_bikes_available": 5.0}, 5),
        ({"num_bikes_available": None}, None),
        ({"num_bikes_available": -1}, None),
        ({"num_bikes_available": "-1"}, None),
        ({"num_bikes_available": 999_999}, None),
        ({"numBikesAvailable": 7}, None),
        ({}, None),
        ({"num_bikes_available": 998}, 998),
        ({"num_bikes_available": 999}, None),
        ({"num_bikes_available": 8123}, None),
        ({"num_bikes_available": "NaN"}, None),
        ({"num_bikes_available": 3, "num_scooters_available": 4}, 7),
        ({"num_bikes_available": 3, "num_scooters_available": 0}, 3),
        ({"num_bikes_available": None, "num_scooters_available": 4}, None),
        ({"num_vehicles_available": 7, "num_bikes_available": 3, "num_scooters_available": 4}, 7),
        ({"num_bikes_available": 600, "num_scooters_available": 600}, None),
        ({"num_bikes_available": 5, "num_ebikes_available": 2}, 5),
    ],
)
def test_a_count_is_told_or_unknown_and_never_zero_for_want_of_it(fields: dict[str, Any], vehicles: int | None) -> None:
    (row,) = table(feed({"station_id": "a", **fields}))
    assert row["vehicles_available"] == vehicles


def test_what_is_mended_is_counted_by_its_rule() -> None:
    body = feed(
        {"station_id": "a", "num_bikes_available": -1, "num_docks_available": 999_999},
        {"station_id": "b", "num_bikes_available": -2, "vehicle_types_available": [{"vehicle_type_id": "x", "count": -3}]},
        {"station_id": "a", "num_bikes_available": 9},
        {"station_id": "c", "num_bikes_available_types": [{"mechanical": -1}, {"ebike": 2}]},
    )
    assert list(others(body)) == [
        Repaired("count: negative"),
        Repaired("num_bikes_available: negative", 2),
        Repaired("num_docks_available: too many"),
        Repaired("station_id repeats"),
        Repaired("vehicles of a type: negative"),
    ]
    assert [row["station_id"] for row in table(body)] == ["a", "b", "c"]
    assert table(body)[0]["vehicles_available"] is None, "the first of two stays"
    assert [row["vehicle_type_id"] for row in table(body, "station_vehicle_types")] == ["ebike"]


@pytest.mark.parametrize(
    "bad",
    [
        None, 7, [], {}, {"station_id": None}, {"station_id": True}, {"station_id": ""}, {"station_id": " "}, {"data": {}},
        {"num_bikes_available": 4},
    ],
    ids=repr,
)  # fmt: skip
def test_a_bad_station_costs_only_itself(bad: Any) -> None:
    body = feed({"station_id": "a", **DOCKED}, bad, {"station_id": "c"})
    assert [row["station_id"] for row in table(body)] == ["a", "c"]
    (refused,) = others(body)
    assert isinstance(refused, Reject)
    assert "station_id" in refused.reason or "Expected `object`" in refused.reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_bikes_available", "many"),
        ("num_bikes_available", 1.5),
        ("num_bikes_available", [1]),
        ("num_bikes_available", True),
        ("is_renting", 2),
        ("is_renting", "perhaps"),
        ("is_renting", ""),
        ("last_reported", "soon"),
        ("last_reported", {}),
        ("vehicle_types_available", "none"),
        ("vehicle_docks_available", 3),
        ("num_bikes_available_types", "none"),
    ],
)
def test_a_bad_field_costs_only_itself(name: str, value: Any) -> None:
    body = feed({"station_id": "a", **DOCKED}, {"station_id": "b", "num_docks_available": 4, name: value}, {"station_id": "c"})
    assert [row["station_id"] for row in table(body)] == ["a", "b", "c"]
    row = table(body)[1]
    assert row["docks_available"] == 4
    assert {row["vehicles_available"], row["is_renting"], row["reported_at"]} == {None}
    assert list(others(body)) == [Repaired(f"{name}: does not fit")]


def test_a_number_beyond_all_costs_only_itself() -> None:
    body = feed({"station_id": "a", "num_docks_available": 4, "is_renting": True}).replace(b": 4", b": 4e999")
    (row,) = table(body)
    assert (row["docks_available"], row["is_renting"]) == (None, True)
    assert list(others(body)) == [Repaired("num_docks_available: does not fit")]


def typed(*counts: tuple[str, Any], **fields: Any) -> bytes:
    return feed({"station_id": "a", "vehicle_types_available": [{"vehicle_type_id": k, "count": n} for k, n in counts], **fields})


TYPES_DIFFER = Repaired("vehicles: the types add up to another count")
BY_TYPE_ONLY = Repaired("vehicles: told by type only")


@pytest.mark.parametrize(
    ("body", "vehicles", "types", "findings"),
    [
        (typed(("s", 3), ("e", 1), num_vehicles_available=4), 4, {"s": 3, "e": 1}, []),
        (typed(("s", 12), num_vehicles_available=0), None, {"s": 12}, [TYPES_DIFFER]),
        (typed(("s", 0), ("e", 0), num_bikes_available=5), 5, {}, [TYPES_DIFFER]),
        (typed(("s", 3), num_bikes_available=5), 5, {"s": 3}, [TYPES_DIFFER]),
        (typed(("s", 3), ("e", 1)), 4, {"s": 3, "e": 1}, [BY_TYPE_ONLY]),
        (typed(("s", 0)), 0, {"s": 0}, [BY_TYPE_ONLY]),
        (typed(("s", 3), ("e", -1)), None, {"s": 3}, [Repaired("count: negative")]),
        (typed(("s", 3), ("e", "x"), num_bikes_available=4), 4, {"s": 3}, [Repaired("count: does not fit")]),
        (typed(), None, {}, []),
        (typed(("a", 3), ("a", 2), num_bikes_available=5), 5, {"a": 5}, [Repaired("a type of vehicle named twice")]),
        (typed(("a", 3), ("a", 3), num_bikes_available=3), 3, {"a": 3}, [Repaired("a type of vehicle named twice")]),
        (typed(("a", 3), ("", 2), num_bikes_available=5), 5, {"a": 3}, [Repaired("a type of vehicle without an id")]),
        (typed(("a", 2), ("b", 1), ("c", 4), num_bikes_available=3, num_scooters_available=4), 7, {"a": 2, "b": 1, "c": 4}, []),
        (typed(("a", 2), ("b", 1), num_bikes_available=3, num_scooters_available=4), 7, {"a": 2, "b": 1, "scooter": 4}, []),
        (typed(("a", 0), ("b", 0), num_bikes_available=0, num_scooters_available=6), 6, {"a": 0, "b": 0, "scooter": 6}, []),
        (feed({"station_id": "a", "num_bikes_available": 5, "num_ebikes_available": 2}), 5, {"ebike": 2}, []),
        (feed({"station_id": "a", "num_bikes_available_types": {"mechanical": 5, "ebike": 1}}),
         6, {"mechanical": 5, "ebike": 1}, [BY_TYPE_ONLY]),
    ],
)  # fmt: skip
def test_vehicles_and_their_types_agree_or_the_ledger_says_so(
    body: bytes, vehicles: int | None, types: dict[str, int], findings: list[Repaired]
) -> None:
    assert [row["vehicles_available"] for row in table(body)] == [vehicles]
    found = {row["vehicle_type_id"]: row["vehicles_available"] for row in table(body, "station_vehicle_types")}
    assert found == types
    assert list(others(body)) == findings


@pytest.mark.parametrize(
    ("fields", "docks", "disabled"),
    [
        ({"num_docks_available": 999}, None, None),
        ({"num_docks_available": 3, "vehicle_docks_available": [{"vehicle_type_ids": ["a"], "count": 3}]}, 3, None),
        ({"vehicle_docks_available": [{"vehicle_type_ids": ["a"], "count": 3}, {"count": 2}]}, 5, None),
        ({"num_docks_available": 0, "vehicle_docks_available": [{"count": 2}]}, None, None),
        ({"num_docks_available": 4, "vehicle_docks_available": [{"count": 2}]}, 4, None),
        ({"vehicle_docks_available": []}, None, None),
        ({"num_bikes_disabled": 1, "num_scooters_unavailable": 2}, None, 3),
        ({"num_vehicles_disabled": 1, "num_bikes_disabled": 5}, None, 1),
        ({"num_scooters_unavailable": 2}, None, None),
    ],
)
def test_docks_and_what_is_disabled_are_read_wherever_they_are_told(
    fields: dict[str, Any], docks: int | None, disabled: int | None
) -> None:
    (row,) = table(feed({"station_id": "a", **fields}))
    assert (row["docks_available"], row["vehicles_disabled"]) == (docks, disabled)


def test_each_station_may_be_wrapped_by_itself() -> None:
    body = feed(*({"data": {"station_id": key, "num_bikes_available": 2}, "headers": [], "status": 200} for key in "ab"))
    assert [(row["station_id"], row["vehicles_available"]) for row in table(body)] == [("a", 2), ("b", 2)]
    assert list(others(body)) == [Repaired("items wrapped by themselves", 2)]


@pytest.mark.parametrize("token", ["NaN", "-nan", "Infinity"])
def test_a_number_that_is_none_costs_only_itself_and_the_feed_still_holds(token: str) -> None:
    body = feed({"station_id": "a", "num_bikes_available": 7}, {"station_id": "b", "num_bikes_available": 2})
    body = b"\xef\xbb\xbf" + body.replace(b": 7", f": {token}".encode())
    assert [row["vehicles_available"] for row in table(body)] == [None, 2]
    assert list(others(body)) == [Repaired("a byte-order mark"), Repaired("a number that is none")]
    assert source.holds_until is not None
    assert source.holds_until(capture(body)) == NOW + timedelta(seconds=53)


@pytest.mark.parametrize("truths", [(True, False), (1, 0), ("true", "false"), ("1", "0")])
def test_truths_may_be_numbers_or_texts(truths: tuple[Any, Any]) -> None:
    (row,) = table(feed({"station_id": "a", "is_renting": truths[0], "is_returning": truths[1]}))
    assert (row["is_renting"], row["is_returning"], row["is_installed"]) == (True, False, None)


@pytest.mark.parametrize(
    ("value", "reported_at"),
    [
        (RENEWED, NOW - timedelta(seconds=7)),
        (RENEWED * 1000, NOW - timedelta(seconds=7)),
        (str(RENEWED), NOW - timedelta(seconds=7)),
        ("2025-03-30T06:56:00+02:00", NOW - timedelta(seconds=7)),
        ("2025-03-30T04:56:00.000Z", NOW - timedelta(seconds=7)),
        ("2025-03-30T04:56:00", None),
        ("soon", None),
        (0, None),
        (-62_135_596_800, None),  # the year 1, as which .NET tells that it does not know
        (None, None),
        (RENEWED + 3600, None),
    ],
)
def test_a_time_may_be_told_in_many_ways(value: Any, reported_at: datetime | None) -> None:
    (row,) = table(feed({"station_id": "a", "last_reported": value}))
    assert row["reported_at"] == reported_at


@pytest.mark.parametrize(
    ("head", "ago_s", "is_stale"),
    [
        ({}, 7, False),
        ({"last_updated": ..., "lastUpdatedOther": RENEWED}, 7, False),
        ({"last_updated": "2025-03-30T06:56:00+02:00", "version": "3.0"}, 7, False),
        ({"last_updated": RENEWED + 40}, -33, False),
        ({"last_updated": RENEWED + 3600}, 7 - 3600, True),
        ({"last_updated": RENEWED - 3600}, 7 + 3600, True),
        ({"last_updated": RENEWED * 1000}, 7, True),
        ({"last_updated": ...}, None, False),
        ({"last_updated": "yesterday"}, None, False),
    ],
)
def test_a_feed_that_is_old_or_whose_clock_is_wrong_is_stale(head: dict[str, Any], ago_s: int | None, is_stale: bool) -> None:
    (row,) = table(feed({"station_id": "a"}, **head))
    assert row["is_stale"] is is_stale
    assert row["feed_updated_at"] == (None if ago_s is None else NOW - timedelta(seconds=ago_s))


@pytest.mark.parametrize(
    ("reports_ago_h", "renewed", "old_h"),
    [
        ((30, 26), RENEWED, 26),
        ((30, 26), ..., 26),
        ((30, 26), RENEWED - 40 * 3600, 40),
        ((30, 23), RENEWED, 0),
        ((30, None), RENEWED, 0),
    ],
)
def test_a_feed_whose_stations_all_reported_long_ago_stands_still(
    reports_ago_h: tuple[int, int | None], renewed: Any, old_h: int
) -> None:
    reports = [hours and RENEWED - hours * 3600 for hours in reports_ago_h]
    body = feed(*({"station_id": str(hours), "last_reported": hours} for hours in reports), last_updated=renewed)
    for row in table(body):
        assert row["feed_updated_at"] == NOW - timedelta(hours=old_h, seconds=7)
        assert row["is_stale"] is (old_h > 0)
    told = [Repaired("last_updated: no station reported for a day")]
    assert list(others(body)) == (told if old_h else [])


def test_a_feed_may_be_wrapped_into_another_object() -> None:
    inner = json.loads(feed({"station_id": "a", "num_bikes_available": 2}))
    (row,) = table(json.dumps({"data": inner, "headers": {}, "status": 200}).encode())
    assert (row["vehicles_available"], row["feed_updated_at"]) == (2, NOW - timedelta(seconds=7))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "it has no `data`"),
        (b'{"message": "closed"}', "it has no `data`"),
        (b'{"data": {}}', "has no stations"),
        (b'{"data": {"stations": null}}', "has no stations"),
        (b'{"data": {"stations": 1}}', "has no stations"),
    ],
)
def test_what_is_no_feed_is_refused_as_a_whole(body: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        list(parse(capture(body)))


def test_without_a_zone_the_hour_is_unknown() -> None:
    for zone in (None, "Mars/Olympus"):
        (row,) = table(feed({"station_id": "a"}), timezone=zone)
        assert row["local_hour_of_week"] is None


def test_paris_tells_the_same_rows() -> None:
    record = {
        "stationcode": "16107", "name": "Here", "is_installed": "OUI", "capacity": 35, "numdocksavailable": 27,
        "numbikesavailable": 7, "mechanical": 6, "ebike": 1, "is_renting": "OUI", "is_returning": "NON",
        "duedate": "2025-03-30T06:50:00+02:00", "coordonnees_geo": {"lon": 2.27, "lat": 48.86},
    }  # fmt: skip
    old = {**record, "stationcode": "11031_relais", "duedate": "2018-01-01T00:00:00+00:00", "numbikesavailable": -1}
    for payload in (
        [record, old],
        {"total_count": 2, "results": [record, old]},
        {"records": [{"fields": record}, {"fields": old}]},
        [{"recordid": "r", "fields": record}, {"recordid": "s", "fields": old}],
    ):
        body = json.dumps(payload).encode()
        first, second = table(body, provider="paris_opendata", timezone="Europe/Paris")
        assert (first["station_id"], first["vehicles_available"], first["docks_available"]) == ("16107", 7, 27)
        assert (first["is_renting"], first["is_returning"], first["is_stale"]) == (True, False, False)
        assert first["feed_updated_at"] == second["feed_updated_at"] == datetime(2025, 3, 30, 4, 50, tzinfo=UTC)
        assert (second["station_id"], second["vehicles_available"]) == ("11031_relais", None)
        assert len(table(body, "station_vehicle_types", provider="paris_opendata")) == 4


def test_each_watched_system_that_has_the_feed_is_asked() -> None:
    systems = [
        {
            "system_id": "a",
            "provider": "gbfs",
            "timezone": None,
            "ttl_s": 60,
            "station_status_url": "https://x.test/s.json?lang=de&k=",
        },
        {"system_id": "b", "provider": "gbfs", "timezone": None, "ttl_s": None, "station_status_url": None},
    ]

    class Systems:
        def rows(self, name: str) -> Any:
            return systems if name == "systems" else ()

    context = {"system_id": "a", "provider": "gbfs", "timezone": None, "ttl_s": 60}
    assert list(plan(Systems(), NOW)) == [
        Request(unit="a", url="https://x.test/s.json", params={"lang": "de", "k": ""}, context=context)
    ]


@pytest.mark.parametrize(
    ("head", "ttl_s", "holds_s"),
    [
        ({}, None, 53),
        ({"ttl": 3600}, 60, 53),
        ({"ttl": "300"}, None, 293),
        ({"ttl": ...}, None, -7),
        ({"ttl": -1}, None, -7),
        ({"ttl": "soon"}, None, -7),
        ({"ttl": 10**9}, None, 86_393),
        ({"last_updated": ...}, None, 60),
        ({"last_updated": RENEWED + 40}, None, 60),
        ({"last_updated": RENEWED + 3600}, None, 0),
        ({"last_updated": RENEWED - 3600, "ttl": 86_400}, None, 0),
    ],
)
def test_a_feed_holds_for_its_ttl(head: dict[str, Any], ttl_s: int | None, holds_s: int) -> None:
    response = capture(feed({"station_id": "a"}, **head))
    response = msgspec.structs.replace(response, context={**response.context, "ttl_s": ttl_s})
    assert source.holds_until is not None
    assert source.holds_until(response) == NOW + timedelta(seconds=holds_s)


# what is bounded


def test_of_many_bad_stations_the_last_are_only_counted() -> None:
    items = list(parse(capture(feed(*[1] * (MOST_REFUSED + 7), {"station_id": "a"}))))
    rejects = [item for item in items if isinstance(item, Reject)]
    assert (len(rejects), rejects[-1]) == (MOST_REFUSED + 1, Reject("more of the same feed", "", 7))
    assert [len(item.values) for item in items if isinstance(item, Rows)] == [1]


def test_a_feed_that_holds_too_much_holds_for_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """`collect` asks that of it, and goes on."""
    monkeypatch.setattr(_json, "MOST_OBJECTS", 1)
    assert source.holds_until is not None
    assert source.holds_until(capture(feed({"station_id": "a"}))) == NOW
