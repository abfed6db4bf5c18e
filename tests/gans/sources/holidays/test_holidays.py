"""What Nager.Date's answers mean: the whole country or parts of it, who is off, and what is refused."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gans.errors import BadData
from gans.source import Capture, Reject, Repaired, Request, Row
from gans.sources.holidays import parse, parts_of, plan

PAYLOAD = (Path(__file__).parent / "payload.json").read_bytes()
SLOT = datetime(2025, 12, 29, 4, 20, tzinfo=UTC)


def _holiday(**fields: Any) -> dict[str, Any]:
    """A holiday of the whole country, unless it is told otherwise; what is told to be ... is left out."""
    holiday = {
        "date": "2025-05-01", "localName": "Tag der Arbeit", "name": "Labour Day", "countryCode": "DE", "fixed": True,
        "global": True, "counties": None, "launchYear": None, "types": ["Public"],
    }  # fmt: skip
    return {name: value for name, value in {**holiday, **fields}.items() if value is not ...}


def _capture(answer: object, status: int = 200) -> Capture:
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    url = "https://date.nager.at/api/v3/PublicHolidays/2025/DE"
    return Capture(unit="DE 2025", url=url, status=status, slot=SLOT, fetched_at=SLOT, context={"country_code": "DE"}, body=body)


def _rows(answer: object) -> list[dict[str, Any]]:
    """The rows of an answer that holds nothing else."""
    items = list(parse(_capture(answer)))
    assert all(isinstance(item, Row) and item.table == "holidays" for item in items), items
    return [item.values for item in items if isinstance(item, Row)]


class Cities:
    """A `Reference` of cities."""

    def __init__(self, *countries: str | None) -> None:
        self._countries = countries

    def rows(self, table: str) -> Sequence[Mapping[str, Any]]:
        return [{"country_code": country} for country in self._countries] if table == "cities" else ()


def test_the_payload() -> None:
    rows = _rows(PAYLOAD)
    assert [(row["region"], row["observed_on"], row["is_public"]) for row in rows] == [
        ("", date(2025, 1, 1), True),
        ("", date(2025, 5, 29), True),
        ("DE-SL", date(2025, 8, 15), True),
        ("DE-BY", date(2025, 8, 15), True),
        ("", date(2025, 12, 24), False),
    ]
    assert rows[3] == {
        "country_code": "DE",
        "region": "DE-BY",
        "observed_on": date(2025, 8, 15),
        "name": "Assumption Day",
        "local_name": "Mariä Himmelfahrt",
        "is_public": True,
    }


@pytest.mark.parametrize("counties", [None, [], ...])
def test_without_counties_it_is_of_the_whole_country(counties: object) -> None:
    (row,) = _rows([_holiday(counties=counties)])
    assert row["region"] == ""


@pytest.mark.parametrize(
    ("types", "is_public"),
    [
        (["Public"], True),
        (["Bank", "Public"], True),
        (["Bank"], False),
        (["School", "Authorities", "Optional", "Observance"], False),
        ([], False),
    ],
)
def test_it_is_public_where_people_are_off_by_law(types: list[str], is_public: bool) -> None:
    (row,) = _rows([_holiday(types=types)])
    assert row["is_public"] is is_public


@pytest.mark.parametrize("types", [(["Public"], ["Optional"]), (["Optional"], ["Public"])])
def test_what_is_told_twice_is_one_row_and_public_if_either_is(types: tuple[list[str], list[str]]) -> None:
    (row,) = _rows([_holiday(types=one) for one in types])
    assert row["is_public"] is True


def test_names_are_trimmed() -> None:
    (row,) = _rows([_holiday(name="Labour Day ", localName=" ")])
    assert (row["name"], row["local_name"]) == ("Labour Day", None)


def test_two_holidays_on_one_date_are_two_rows() -> None:
    rows = _rows([_holiday(), _holiday(name="Ascension Day", localName="Christi Himmelfahrt")])
    assert [(row["observed_on"].isoformat(), row["name"]) for row in rows] == [
        ("2025-05-01", "Labour Day"),
        ("2025-05-01", "Ascension Day"),
    ]


def test_one_holiday_for_other_parts_with_other_types_keeps_them_apart() -> None:
    rows = _rows([_holiday(counties=["DE-BY"]), _holiday(counties=["DE-BE", "DE-BB"], types=["Optional"])])
    assert {row["region"]: row["is_public"] for row in rows} == {"DE-BY": True, "DE-BE": False, "DE-BB": False}


UK = ("GB-ENG", "GB-NIR", "GB-SCT", "GB-WLS")


def _british(*holidays: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Name by date and region, of an answer about the United Kingdom."""
    told = msgspec.structs.replace(
        _capture([_holiday(countryCode="GB", **fields) for fields in holidays]), context={"country_code": "GB"}
    )
    return {
        (item.values["observed_on"].isoformat(), item.values["region"]): item.values["name"]
        for item in parse(told)
        if isinstance(item, Row)
    }


def test_a_day_of_all_parts_is_one_of_the_whole_country() -> None:
    rows = _british({"counties": list(UK), "name": "May Day"})
    assert rows == dict.fromkeys((("2025-05-01", part) for part in (*UK, "")), "May Day")


def test_a_day_of_all_parts_goes_by_the_name_that_most_have_for_it() -> None:
    rows = _british({"counties": ["GB-SCT"], "name": "A"}, {"counties": [part for part in UK if part != "GB-SCT"], "name": "B"})
    assert rows["2025-05-01", ""] == "B"


@pytest.mark.parametrize(
    "holidays",
    [
        [{"counties": list(UK[:3])}],
        [{"counties": list(UK[:3])}, {"counties": [UK[3]], "date": "2025-05-02"}],
        [{"counties": list(UK[:3])}, {"counties": [UK[3]], "types": ["Bank"]}],
        [{"counties": ["GB-LND"]}],
    ],
)
def test_a_day_of_some_parts_is_not_one_of_the_whole_country(holidays: list[dict[str, Any]]) -> None:
    assert "" not in {region for _, region in _british(*holidays)}


def test_a_day_of_the_whole_country_is_told_once() -> None:
    assert list(_british({"name": "May Day"}, {"counties": list(UK), "name": "Spring"}).values()).count("May Day") == 1
    assert ("2025-05-01", "") in _british({"name": "May Day"}, {"counties": list(UK), "name": "Spring"})


@pytest.mark.parametrize(
    ("country", "count", "has", "has_not"),
    [
        ("GB", 4, "GB-ENG", "GB-LND"),
        ("DE", 16, "DE-BE", ""),
        ("US", 51, "US-DC", "US-PR"),
        ("ES", 19, "ES-CT", "ES-B"),
        ("XX", 0, "", ""),
    ],
)
def test_the_parts_of_a_country(country: str, count: int, has: str, has_not: str) -> None:
    parts = parts_of(country)
    assert len(parts) == count
    assert not has or has in parts
    assert has_not not in parts


BAD_HOLIDAYS: dict[str, tuple[Any, str]] = {
    "nothing": (None, "Expected `object`, got `null`"),
    "no date": (_holiday(date=...), "missing required field `date`"),
    "a date that is none": (_holiday(date="2025-02-29"), "Invalid RFC3339 encoded date"),
    "no name": (_holiday(name=" "), "a holiday without a name"),
    "no types": (_holiday(types=...), "missing required field `types`"),
    "another country": (_holiday(countryCode="AT"), "a holiday of 'AT', asked for DE"),
    "a part of another country alone": (_holiday(counties=["AT-9"]), "'AT-9' is no part of DE"),
    "parts that are no list": (_holiday(counties="DE-BY"), "counties is 'DE-BY', no list"),
    "a part without a code": (_holiday(counties=[""]), "'' is no part of DE"),
}


@pytest.mark.parametrize("case", BAD_HOLIDAYS)
def test_a_bad_holiday_costs_only_itself(case: str) -> None:
    holiday, reason = BAD_HOLIDAYS[case]
    items = list(parse(_capture([holiday, _holiday()])))
    assert [type(item) for item in items] == [Reject, Row]
    assert isinstance(items[0], Reject)
    assert reason in items[0].reason


def test_a_part_that_is_none_costs_no_other_part() -> None:
    reject, row = parse(_capture([_holiday(counties=["DE-BY", "AT-9"])]))
    assert isinstance(reject, Reject)
    assert reject.reason == "'AT-9' is no part of DE"
    assert isinstance(row, Row)
    assert row.values["region"] == "DE-BY"


@pytest.mark.parametrize("local", [None, 5, ...])
def test_a_local_name_that_is_none_costs_itself(local: object) -> None:
    items = list(parse(_capture([_holiday(localName=local)])))
    assert isinstance(items[0], Row)
    assert items[0].values["local_name"] is None
    assert items[1:] == ([Repaired("localName does not fit")] if local == 5 else [])


def test_a_byte_order_mark_costs_nothing() -> None:
    items = list(parse(_capture(b"\xef\xbb\xbf" + msgspec.json.encode([_holiday()]))))
    assert [type(item) for item in items] == [Row, Repaired]


def test_a_country_without_holidays_there_has_nothing_to_tell() -> None:
    assert list(parse(_capture(b"", status=204))) == []
    assert _rows([]) == []


@pytest.mark.parametrize("answer", [b"", b"null", b'{"status": 404, "title": "Not Found"}', b"<html>"])
def test_what_is_no_list_is_refused_as_a_whole(answer: bytes) -> None:
    with pytest.raises(BadData, match=r"Not an answer of Nager\.Date"):
        list(parse(_capture(answer)))


def test_each_country_of_a_city_is_asked_for_this_year_and_the_next() -> None:
    requests = list(plan(Cities("GB", "DE", None, "DE"), SLOT))
    assert [request.unit for request in requests] == ["DE 2025", "DE 2026", "GB 2025", "GB 2026"]
    first = requests[0]
    assert isinstance(first, Request)
    assert first.full_url == "https://date.nager.at/api/v3/PublicHolidays/2025/DE"
    assert first.context == {"country_code": "DE"}
