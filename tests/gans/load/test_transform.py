"""What a landed part means: rows that fit, and a reason for everything else."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gans.errors import BadData
from gans.load import transform
from gans.load.transform import EXCERPT_CHARS, MOST_MISSING, ParsedPart, missing, parse_part
from gans.source import MOST_REFUSED, Capture, Reject, Row, Rows, Source
from gans.storage.landing import Footer, Header, Part
from gans.tables import weather_forecasts

SLOT = datetime(2025, 3, 30, 3, tzinfo=UTC)
NOW = datetime(2025, 3, 30, 3, 1, tzinfo=UTC)
FIXED = {"countries": {"DE", "FR"}, "weather_conditions": {0, 61}}

Parse = Callable[[Capture], Iterator[Row | Reject]]


def source(parse: Parse) -> Source:
    return Source(
        name="probe",
        provider="",
        docs="",
        licence="",
        writes=("cities", "city_populations", "weather_forecasts"),
        parse=parse,
    )


def capture(unit: str, *items: Any, seconds: int = 0, **told: Any) -> Capture:
    """An answer whose items are its context's."""
    at = NOW + timedelta(seconds=seconds)
    return Capture(
        **{"unit": unit, "url": "https://api.test/", "status": 200, "slot": SLOT, "fetched_at": at, "context": {"items": items}}
        | told
    )


def told(capture: Capture) -> Iterator[Row | Reject]:
    """Gives the items, raises those that are errors."""
    for item in capture.context["items"]:
        if isinstance(item, Exception):
            raise item
        yield item


def parsed_part(*captures: Capture, parse: Parse = told) -> ParsedPart:
    header, footer = (
        Header(source="probe", slot=SLOT, attempt=NOW, part=1, code_version="0"),
        Footer(finished_at=NOW, requests=len(captures), bytes_received=0, captures=len(captures)),
    )
    return parse_part(source(parse), Part(header, list(captures), footer), FIXED)


def rows_of(parsed: ParsedPart) -> list[tuple[str, dict[str, Any]]]:
    return [
        (table, dict(zip(columns, msgspec.structs.astuple(row), strict=True)))
        for (table, columns), rows in parsed.rows.items()
        for row in rows
    ]


FACTS = ("name", "country_code", "latitude", "longitude", "elevation_m", "timezone", "area_km2", "wikidata_id")
WATCH = ("wikipedia_language", "wikipedia_title", "is_watched", "region")
WEATHER = [str(c.name) for c in weather_forecasts.columns if not c.primary_key and c.name != "fetched_at"]


def city(city_id: Any = 1, **values: Any) -> Row:
    """With all the columns that share a version with one of `values`."""
    told = [name for group in (FACTS, WATCH) if set(group) & values.keys() for name in group]
    return Row("cities", {"city_id": city_id, **dict.fromkeys(told), **values})


def hour(**values: Any) -> Row:
    key = {"city_id": 1, "provider": "open-meteo", "issued_at": SLOT, "valid_at": SLOT}
    return Row("weather_forecasts", {**dict.fromkeys(WEATHER), "period_hours": 1, **key, **values})


# rows


def test_a_row_is_kept_with_the_time_of_its_capture() -> None:
    parsed = parsed_part(capture("1", city(name="Köln", country_code="DE")))
    others = dict.fromkeys({*FACTS} - {"name", "country_code"})
    row = {"city_id": 1, "country_code": "DE", "name": "Köln", **others, "fetched_at": NOW}
    assert rows_of(parsed) == [("cities", row)]
    assert (parsed.status, parsed.offered, parsed.good, parsed.refused) == ("ok", 1, 1, [])


def test_columns_that_age_by_themselves_have_a_version_of_their_own() -> None:
    ((_, both), (_, watched)) = rows_of(parsed_part(capture("1", city(is_watched=True), city(2, is_watched=True, name="Ulm"))))
    assert watched.keys() == {"city_id", *WATCH, "watched_at"}
    assert both.keys() == {"city_id", *WATCH, *FACTS, "watched_at", "fetched_at"}
    assert watched["watched_at"] == both["watched_at"] == both["fetched_at"] == NOW


def test_a_key_alone_has_no_version() -> None:
    assert rows_of(parsed_part(capture("1", city()))) == [("cities", {"city_id": 1})]


def test_rows_go_in_key_order() -> None:
    hours = [hour(city_id=c, valid_at=SLOT + timedelta(hours=h)) for c in (10, 2, 1) for h in (5, 11, 0)]
    keys = [(row["city_id"], row["valid_at"]) for _, row in rows_of(parsed_part(capture("1", *hours)))]
    assert keys == sorted(keys)
    assert len(keys) == 9


def test_of_two_rows_with_one_key_the_later_capture_wins() -> None:
    older, newer = capture("old", city(name="old")), capture("new", city(name="new"), seconds=1)
    for captures in ((older, newer), (newer, older)):
        ((_, row),) = rows_of(parsed_part(*captures))
        assert (row["name"], row["fetched_at"]) == ("new", NOW + timedelta(seconds=1))
    ((_, row),) = rows_of(parsed_part(capture("1", city(name="first"), city(name="last"))))
    assert row["name"] == "last"


def test_a_key_is_the_same_however_it_is_written() -> None:
    parsed = parsed_part(capture("1", hour(valid_at="2025-03-30T05:00:00+02:00", cloud_cover_pct=1), hour(cloud_cover_pct=2)))
    ((_, row),) = rows_of(parsed)
    assert (row["valid_at"], row["cloud_cover_pct"]) == (SLOT, 2)


# what is refused


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (city(nme="Köln"), "cities: no column nme"),
        (city(**{"name); DROP TABLE cities; --": 1}), "cities: no column name); DROP TABLE cities; --"),
        (Row("cities", {}), "cities: city_id is missing"),
        (Row("cities", {"city_id": 1, "is_watched": True}),
         "cities: wikipedia_language is missing; wikipedia_title is missing; region is missing"),
        (hour(period_hours=None), "weather_forecasts.period_hours: Expected `int`, got `null`"),
        (Row("weather_forecasts", {"city_id": 1, "provider": "x", "valid_at": SLOT}),
         "weather_forecasts: issued_at is missing; period_hours is missing"),
        (Row("city_populations", {"city_id": 1, "as_of_year": 2020}), "city_populations: population is missing"),
        (city(fetched_at=NOW), "cities: fetched_at is not for a source to give"),
        (city(watched_at=NOW, is_watched=True), "cities: watched_at is not for a source to give"),
        (Row("countries", {"country_code": "DE", "name": "Germany"}), "probe says that it does not write countries"),
        (Row("sqlite_master", {}), "probe says that it does not write sqlite_master"),
        (city(0), "cities.city_id: Expected `int` >= 1"),
        (city(None), "cities.city_id: Expected `int`, got `null`"),
        (hour(period_hours=25), "weather_forecasts.period_hours: Expected `int` <= 24"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_row_that_does_not_fit_costs_itself(row: Row, reason: str) -> None:
    parsed = parsed_part(capture("1", city(7), row, city(8)))
    assert [(refused.unit, refused.reason) for refused in parsed.refused] == [("1", reason)]
    assert [values["city_id"] for _, values in rows_of(parsed)] == [7, 8]
    assert (parsed.status, parsed.offered, parsed.good, parsed.failed) == ("partial", 3, 1, 0)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (city(name="Köln", latitude=90.5), "cities.latitude"),
        (city(name="Köln", latitude=float("nan")), "cities.latitude"),
        (city(name="x" * 201), "cities.name"),
        (city(name="K\x00ln"), "cities.name"),
        (city(country_code="XX"), "cities.country_code"),
        (city(country_code=["DE"]), "cities.country_code"),
        (hour(condition_code=62), "weather_forecasts.condition_code"),
        (hour(precipitation_mm=-3276.8, temperature_c=3.0), "weather_forecasts.precipitation_mm"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_that_does_not_fit_costs_itself_where_it_may_be_missing(row: Row, column: str) -> None:
    parsed = parsed_part(capture("1", city(7), row))
    name = column.partition(".")[2]
    (mended,) = [values for _, values in rows_of(parsed) if name in values]
    assert mended[name] is None
    assert all(mended[other] == value for other, value in row.values.items() if other != name)
    assert (parsed.status, parsed.refused, parsed.omitted) == ("ok", [], {f"{column} does not fit": 1})


def test_a_parent_that_is_not_told_is_none() -> None:
    assert parsed_part(capture("1", hour(condition_code=None), city(country_code=None))).refused == []


def test_bad_rows_among_many_cost_only_themselves() -> None:
    bad = {3, 4, 90}
    hours = [hour(city_id=c, cloud_cover_pct=101 if c == 5 else 1, period_hours=25 if c in bad else 1) for c in range(1, 101)]
    parsed = parsed_part(capture("1", *hours))
    assert [row["city_id"] for _, row in rows_of(parsed)] == [c for c in range(1, 101) if c not in bad]
    assert [json.loads(refused.item)["city_id"] for refused in parsed.refused] == sorted(bad)
    assert {refused.reason for refused in parsed.refused} == {"weather_forecasts.period_hours: Expected `int` <= 24"}
    assert parsed.omitted == {"weather_forecasts.cloud_cover_pct does not fit": 1}


def test_rows_with_as_many_columns_may_have_others() -> None:
    both = Row("city_populations", {"city_id": 1, "as_of_year": 2020, "population": 5})
    other = Row("city_populations", {"population": 6, "city_id": 2, "as_of_year": 2021})
    wrong = Row("city_populations", {"city_id": 3, "as_of_year": 2022, "people": 7})
    parsed = parsed_part(capture("1", both, wrong, other))
    assert [(row["city_id"], row["population"]) for _, row in rows_of(parsed)] == [(1, 5), (2, 6)]
    assert [refused.reason for refused in parsed.refused] == ["city_populations: no column people; population is missing"]


def test_a_refused_item_is_shown_as_it_was() -> None:
    row = city(0, name="Köln", latitude=float("inf"), area_km2=10**40, wikidata_id=date(2025, 1, 1))
    (refused,) = parsed_part(capture("1", row, city(1))).refused
    shown = ('"city_id":0', '"name":"Köln"', '"latitude":Infinity', f'"area_km2":1{"0" * 40}', '"wikidata_id":"2025-01-01"')
    assert all(value in refused.item for value in shown)


@pytest.mark.parametrize("item", [Reject("why \ud800", "it \udfff" + "x" * 9_999), city(0, name="\ud800" + "x" * 9_999)])
def test_what_is_refused_can_be_stored(item: Row | Reject) -> None:
    (refused,) = parsed_part(capture("1", item)).refused
    assert len(refused.item) == EXCERPT_CHARS
    (refused.reason + refused.item).encode()


def test_an_answer_that_gives_no_row_but_refusals_has_failed() -> None:
    populations = ("city_populations", ("city_id", "as_of_year", "population"))
    parsed = parsed_part(capture("1", Reject("bad", ""), Rows(*populations, [])))
    assert (parsed.status, parsed.good, parsed.failed, parsed.unusable, parsed.rows) == ("failed", 0, 1, ["1"], {})
    parsed = parsed_part(capture("1", Reject("bad", ""), Rows(*populations, [(1, 2020, 5)])))
    assert (parsed.status, parsed.good, parsed.offered) == ("partial", 1, 2)
    assert parsed_part(capture("1", Rows(*populations, []))).status == "ok"


# captures


@pytest.mark.parametrize("bug", [KeyError("hourly"), ZeroDivisionError(), RecursionError("too deep"), BadData("Not JSON")])
def test_a_capture_that_cannot_be_parsed_costs_no_other(bug: Exception) -> None:
    bad = capture("bad", city(5), bug, city(6), body=b"\xff<html>")
    parsed = parsed_part(capture("a", city(1)), bad, capture("b", city(2)))
    assert [values["city_id"] for _, values in rows_of(parsed)] == [1, 2]
    (refused,) = parsed.refused
    reason = "Not JSON" if isinstance(bug, BadData) else f"probe.parse failed, please report it: {type(bug).__name__}: {bug}"
    assert (refused.unit, refused.reason, refused.item) == ("bad", reason, "\ufffd<html>")
    assert (parsed.good, parsed.failed, parsed.unusable) == (2, 1, ["bad"])


def test_nothing_is_parsed_where_nothing_was_answered() -> None:
    seen: list[str] = []

    def parse(capture: Capture) -> Iterator[Row]:
        seen.append(capture.unit)
        return iter(())

    failed = capture("a", status=200, error="Permanent: over 32 MiB")
    parsed = parsed_part(failed, capture("b", status=304), capture("c"), parse=parse)
    assert seen == ["c"]
    assert [(refused.unit, refused.reason) for refused in parsed.refused] == [("a", "Permanent: over 32 MiB")]
    assert (parsed.good, parsed.not_modified, parsed.failed, parsed.unusable) == (1, 1, 1, [])


GOOD, EMPTY, SAME = capture("good", city(1)), capture("empty"), capture("same", status=304)
FAILED, BAD = capture("failed", error="Transient: busy"), capture("bad", city(0))
MIXED = capture("mixed", city(0), city(2))
GIVEN, BAD_GIVEN = capture("given", city(3), url="", status=0), capture("given", city(0), url="", status=0)


@pytest.mark.parametrize(
    ("captures", "status", "units"),
    [
        ([], "ok", (0, 0, 0)),
        ([GOOD], "ok", (1, 0, 0)),
        ([EMPTY], "ok", (1, 0, 0)),
        ([GIVEN], "ok", (0, 0, 0)),
        ([GOOD, SAME], "ok", (1, 1, 0)),
        ([SAME], "not_modified", (0, 1, 0)),
        ([GIVEN, SAME], "not_modified", (0, 1, 0)),
        ([GOOD, FAILED], "partial", (1, 0, 1)),
        ([SAME, FAILED], "partial", (0, 1, 1)),
        ([MIXED], "partial", (1, 0, 0)),
        ([GOOD, BAD], "partial", (1, 0, 1)),
        ([GOOD, BAD_GIVEN], "partial", (1, 0, 0)),
        ([FAILED], "failed", (0, 0, 1)),
        ([GIVEN, FAILED], "failed", (0, 0, 1)),
        ([BAD], "failed", (0, 0, 1)),
        ([BAD, FAILED], "failed", (0, 0, 2)),
    ],
)
def test_the_status_is_what_became_of_the_units(captures: list[Capture], status: str, units: tuple[int, int, int]) -> None:
    parsed = parsed_part(*captures)
    assert parsed.status == status
    assert (parsed.good, parsed.not_modified, parsed.failed) == units


# what is missing


def test_missing_values_are_counted_by_column() -> None:
    hours = [hour(city_id=n, temperature_c=None, cloud_cover_pct=n if n < 3 else None) for n in (1, 2, 3)]
    counted = missing(parsed_part(capture("1", *hours, city(9, **dict.fromkeys(FACTS, None) | {"name": "x"}))))
    assert (counted["weather_forecasts.temperature_c"], counted["weather_forecasts.cloud_cover_pct"]) == (3, 1)
    assert (counted["cities.latitude"], counted.get("cities.name")) == (1, None)
    assert missing(parsed_part(capture("1", city()))) == {}


def test_what_is_counted_has_room_in_the_ledger() -> None:
    everything = ParsedPart(rows={("a_table_with_a_long_name", tuple(f"a_column_with_a_long_name_{n}" for n in range(99))): []})
    ((table, columns),) = everything.rows
    kind = msgspec.defstruct("Row", [(name, Any) for name in columns])
    everything.rows[table, columns] = [kind(*[None] * 99)] * 100
    assert len(missing(everything)) == MOST_MISSING
    assert len(msgspec.json.encode(missing(everything))) <= 2_000


# what is bounded


def test_of_an_answer_with_too_many_bad_items_the_last_are_only_counted() -> None:
    of_feed = Reject("more of the same feed", "", 40)
    bad = [Reject(f"bad {number}", "x") for number in range(MOST_REFUSED + 5)]
    parsed = parsed_part(capture("a", *bad, of_feed, city(1)), capture("b", Reject("bad", "y")))
    assert (parsed.rejected, parsed.offered, parsed.status) == (MOST_REFUSED + 46, MOST_REFUSED + 47, "partial")
    assert [refused.reason for refused in parsed.refused[MOST_REFUSED - 1 :]] == [
        f"bad {MOST_REFUSED - 1}",
        "and 45 more items of this answer",
        "bad",
    ]


def test_rows_that_do_not_fit_are_counted_alike() -> None:
    parsed = parsed_part(capture("a", *(city(-1) for _ in range(MOST_REFUSED + 5))))
    assert (parsed.rejected, len(parsed.refused), parsed.failed) == (MOST_REFUSED + 5, MOST_REFUSED + 1, 1)


def test_an_answer_with_too_many_rows_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transform, "MOST_ROWS", 3)
    monkeypatch.setattr(transform, "BATCH_ROWS", 2)
    parsed = parsed_part(capture("a", *map(city, range(1, 5))), capture("b", *map(city, range(1, 4)), seconds=1))
    assert [refused.reason for refused in parsed.refused] == ["The answer gives more than 3 rows: no honest one does"]
    assert (parsed.rejected, parsed.failed, parsed.good, parsed.unusable, len(rows_of(parsed))) == (1, 1, 1, ["a"], 3)


def test_an_answer_that_turns_out_bad_leaves_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transform, "BATCH_ROWS", 1)
    parsed = parsed_part(capture("a", city(1), Reject("bad", ""), city(2), BadData("not the whole of it")))
    assert (rows_of(parsed), [refused.reason for refused in parsed.refused], parsed.offered) == ([], ["not the whole of it"], 1)


def test_an_answer_that_takes_too_long_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transform, "PARSE_S", -1.0)
    parsed = parsed_part(capture("a", city(1), city(2)))
    assert [refused.reason for refused in parsed.refused] == ["It took longer than the -1 s that an answer may take"]
    assert (parsed.failed, rows_of(parsed)) == (1, [])
