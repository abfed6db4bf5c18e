"""What a file of daily weather means, and how it says that it is simulated. Every source keeps to: test_contracts.py."""

from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import msgspec
import pytest

from gans.errors import BadData
from gans.source import Capture, File, ImportOptions, Reject, Repaired, rows_of
from gans.sources.weather_by_lead import notes, parse, pieces
from tests.gans.sources.test_contracts import Rows

REFERENCE = Rows({"area_sets": [{"area_set": "chicago", "timezone": "America/Chicago", "is_removed": False}]})
READ_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
HEAD = "local_on,lead_days,temperature_max_c,precipitation_mm,cloud_cover_pct"


def file_of(*lines: str, name: str = "weather.csv") -> File:
    return File(name, READ_AT, READ_AT, lambda: BytesIO("\n".join((*lines, "")).encode()))


def context_of(file: File, is_simulated: bool | None = None) -> dict[str, Any]:
    return {**next(pieces(file, ImportOptions(areas="chicago", is_simulated=is_simulated), REFERENCE)).context}


def read(file: File, is_simulated: bool | None = None) -> tuple[list[dict[str, Any]], list[Reject | Repaired]]:
    (piece,) = pieces(file, ImportOptions(areas="chicago", is_simulated=is_simulated), REFERENCE)
    context = msgspec.json.decode(msgspec.json.encode(piece.context))
    items = list(
        parse(Capture(unit="w", url="file:", status=200, slot=READ_AT, fetched_at=READ_AT, context=context, body=piece.body))
    )
    return [row.values for row in rows_of(items)], [item for item in items if isinstance(item, (Reject, Repaired))]


def test_a_line_is_a_day_and_a_lead() -> None:
    rows, others = read(file_of(HEAD, "2026-05-10,2,21.5,,56.4"))
    assert others == []
    assert rows == [
        {
            "area_set": "chicago", "provider": "file", "local_on": date(2026, 5, 10), "lead_days": 2, "temperature_max_c": 21.5,
            "precipitation_mm": None, "precipitation_share_of_day": None, "wind_speed_kmh": None, "cloud_cover_pct": 56,
            "humidity_pct": None, "snowfall_cm": None, "is_simulated": False,
            "known_at": datetime(2026, 5, 9, 5, tzinfo=UTC), "is_backfilled": True,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lead", "known_at"),
    [
        (0, datetime(2026, 3, 10, 5, tzinfo=UTC)),
        (1, datetime(2026, 3, 9, 5, tzinfo=UTC)),
        (2, datetime(2026, 3, 8, 6, tzinfo=UTC)),  # the clocks went forward on the eighth
    ],
)
def test_a_forecast_is_known_at_the_end_of_the_day_on_which_it_was_made(lead: int, known_at: datetime) -> None:
    ((row,), _) = read(file_of(HEAD, f"2026-03-09,{lead},1,1,1"))
    assert row["known_at"] == known_at


@pytest.mark.parametrize(
    ("name", "said", "is_simulated", "note"),
    [
        ("weather_simulated_2026.csv", None, True, "simulated, as its name says: each row says so (is_simulated)"),
        ("Weather-SIMULATED.csv", None, True, "simulated, as its name says: each row says so (is_simulated)"),
        ("weather.csv", True, True, "simulated, as was said: each row says so (is_simulated)"),
        ("weather.csv", None, False, "not simulated; if it is, import it with --simulated"),
        ("weather_simulated.csv", False, False, "not simulated; if it is, import it with --simulated"),
        ("weather_unsimulated.csv", None, False, "not simulated; if it is, import it with --simulated"),
    ],
)
def test_a_file_is_simulated_by_its_name_or_by_word(name: str, said: bool | None, is_simulated: bool, note: str) -> None:
    file = file_of(HEAD, "2026-05-10,1,1,1,1", name=name)
    ((row,), _) = read(file, said)
    assert row["is_simulated"] is is_simulated
    assert list(notes(context_of(file, said))) == [note]


@pytest.mark.parametrize(
    "line", ["10.05.2026,1,1,1,1", "2026-05-10,1.5,1,1,1", "2026-05-10,-1,1,1,1", "2026-05-10,17,1,1,1", "2026-05-10,,1,1,1",
             "2026-05-10,nan,1,1,1", "9999-12-31,1,1,1,1", "0001-01-01,1,1,1,1", "2026-05-10,1"],
)  # fmt: skip
def test_a_line_without_a_day_or_a_lead_costs_only_itself(line: str) -> None:
    rows, (reject,) = read(file_of(HEAD, "2026-05-10,1,1,1,1", line))
    assert len(rows) == 1
    assert isinstance(reject, Reject)
    assert reject.reason.startswith("line 3: ")


def test_a_day_and_a_lead_stand_once() -> None:
    rows, (reject,) = read(file_of(HEAD, "2026-05-10,1,1,1,1", "2026-05-10,1.0,2,2,2"))
    assert [row["temperature_max_c"] for row in rows] == [1.0]
    assert isinstance(reject, Reject)
    assert reject.reason == "line 3: 2026-05-10, 1 days ahead, stands in a line above, too"


@pytest.mark.parametrize("text", ["warm", "nan", "inf", "12,5", "1e999"])
def test_a_value_that_is_no_number_is_not_known_and_counted(text: str) -> None:
    ((row,), others) = read(file_of(HEAD.replace(",", ";"), f"2026-05-10;1;{text};0.2;7"))
    assert (row["temperature_max_c"], row["precipitation_mm"]) == (None, 0.2)
    assert others == [Repaired("temperature_max_c is no number", 1)]


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("datetime,lead_days,temperature_max_c", "weather.csv has no column local_on"),
        ("local_on,temperature_max_c,precipitation_mm", "weather.csv has no column lead_days"),
        ("local_on,lead_days,temperature_max_f", "has columns that are not known: temperature_max_f. Known: local_on, lead_days"),
    ],
)
def test_other_columns_refuse_the_file(head: str, why: str) -> None:
    with pytest.raises(BadData) as refused:
        context_of(file_of(head, "2026-05-10,1,1"))
    assert why in str(refused.value)


def test_a_column_without_a_name_numbers_the_lines() -> None:
    ((row,), others) = read(file_of(f",{HEAD}", "0,2026-05-10,2,21.5,,56"))
    assert (row["temperature_max_c"], others) == (21.5, [])


def test_a_file_without_a_line_that_can_be_read_is_refused() -> None:
    with pytest.raises(BadData, match="no line with a date like 2026-05-10 in local_on"):
        context_of(file_of(HEAD, "10.05.2026,1,1,1,1"))
