"""What a file of counts means: which trips, which area, which day is complete. Every source keeps to: test_contracts.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any, BinaryIO

import msgspec
import pytest

from gans.errors import BadData
from gans.source import Capture, File, ImportOptions, Reject
from gans.sources import _csv_files
from gans.sources.area_counts import notes, parse, pieces
from tests.gans.sources.test_contracts import Rows

SET = {"area_set": "springfield", "timezone": "Europe/Berlin", "is_removed": False}
NAMES = {"1": "Old Mill", "2": "Saint Élodie", "76": "O'Hare", "8": "12"}
REFERENCE = Rows(
    {
        "area_sets": [SET, {**SET, "area_set": "gone", "is_removed": True}],
        "areas": [{"area_set": "springfield", "area_id": area_id, "name": name} for area_id, name in NAMES.items()],
    }
)
READ_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
OPTIONS = ImportOptions(areas="springfield")
LATE = datetime(2026, 5, 31, 22, 30, tzinfo=UTC)
"""Half an hour into the first of June in Berlin."""


def file_of(*lines: str, written_at: datetime = READ_AT, end: str = "\n") -> File:
    text = end.join((*lines, "")).encode()

    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        yield BytesIO(text)

    return File("trips.csv", written_at, READ_AT, opened)


def read(file: File, options: ImportOptions = OPTIONS) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of all pieces of a file, and why what is none is none."""
    rows, reasons = list[dict[str, Any]](), list[str]()
    for piece in pieces(file, options, REFERENCE):
        context = msgspec.json.decode(msgspec.json.encode(piece.context))
        capture = Capture(
            unit="trips.csv", url="file:", status=200, slot=READ_AT, fetched_at=READ_AT, context=context, body=piece.body
        )
        for item in parse(capture):
            if isinstance(item, Reject):
                reasons.append(item.reason)
            else:
                rows += [row.values for row in item.each()]
    return rows, reasons


def days(*trips: int, last: date = date(2026, 5, 31), area: str = "1") -> list[str]:
    """A line for each of the days until `last`."""
    return [f"{last - timedelta(days=back)},{area},{count}" for back, count in zip(range(len(trips))[::-1], trips, strict=True)]


def complete(file: File, options: ImportOptions = OPTIONS) -> dict[date, bool]:
    return {row["local_on"]: row["is_complete"] for row in read(file, options)[0]}


def test_a_line_is_an_area_on_a_day() -> None:
    rows, reasons = read(file_of("trip_end,End Community Area Number,trip_count", "2026-05-10,76.0,12.0"))
    assert reasons == []
    assert rows == [
        {
            "area_set": "springfield", "local_on": date(2026, 5, 10), "area_id": "76", "trips_ended": 12, "is_complete": True,
            "known_at": datetime(2026, 5, 10, 23, tzinfo=UTC), "is_backfilled": True,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("local_on", "known_at"),
    [
        ("2026-03-28", datetime(2026, 3, 29, 0, tzinfo=UTC)),
        ("2026-03-29", datetime(2026, 3, 29, 23, tzinfo=UTC)),  # 23 hours long
        ("2025-10-26", datetime(2025, 10, 27, 0, tzinfo=UTC)),  # 25 hours long
    ],
)
def test_counts_are_known_an_hour_after_the_day_is_over_where_it_was(local_on: str, known_at: datetime) -> None:
    ((row,), _) = read(file_of("trip_end,area,trips", f"{local_on},1,3"))
    assert row["known_at"] == known_at


@pytest.mark.parametrize(
    ("column", "measure"),
    [("trip_end", "ended"), ("trip_start", "started"), ("start", "started"), ("Ended On", "ended"), ("START DATE", "started")],
)
def test_the_column_of_days_says_what_was_counted(column: str, measure: str) -> None:
    ((row,), _) = read(file_of(f"{column},area,trips", "2026-05-10,1,3"))
    assert row[f"trips_{measure}"] == 3


@pytest.mark.parametrize(
    ("text", "area_id"),
    [("76", "76"), ("76.0", "76"), ("076", "76"), ("OHARE", "76"), ("o'hare", "76"), ("O Hare ", "76"), ("SAINT ELODIE", "2"),
     ("saint-élodie", "2"), ("8", "8"), ("12", "8")],
)  # fmt: skip
def test_an_area_is_told_by_number_or_by_name(text: str, area_id: str) -> None:
    ((row,), reasons) = read(file_of("trip_end,area,trips", f"2026-05-10,{text},3"))
    assert (row["area_id"], reasons) == (area_id, [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2026-05-10,Old Mil,3", "line 3: there is no area 'Old Mil' in springfield; nearest: Old Mill"),
        ("2026-05-10,,3", "line 3: there is no area '' in springfield"),
        ("10.05.2026,1,3", "line 3: '10.05.2026' is no date like 2026-05-10"),
        ("2026-05-10T13:00,1,3", "line 3: '2026-05-10T13:00' is no date like 2026-05-10"),
        ("2026-06-02,1,3", "line 3: 2026-06-02 had not begun when the file was written, on 2026-06-01, or lies before 1970"),
        ("0001-01-01,1,3", "line 3: 0001-01-01 had not begun when the file was written, on 2026-06-01, or lies before 1970"),
        ("9999-12-31,1,3", "line 3: 9999-12-31 had not begun when the file was written, on 2026-06-01, or lies before 1970"),
        ("2026-05-10,1,-3", "line 3: '-3' is no whole number, written without separators"),
        ("2026-05-10,1,3.5", "line 3: '3.5' is no whole number, written without separators"),
        ("2026-05-10,1,1.000", "line 3: '1.000' is no whole number, written without separators"),
        ('2026-05-10,1,"1,000"', "line 3: '1,000' is no whole number, written without separators"),
        ("2026-05-10,1,", "line 3: '' is no whole number, written without separators"),
        ("2026-05-10,1", "line 3: 2 fields for 3 columns"),
        ("2026-05-09,1.0,4", "line 3: 2026-05-09 in 1.0 stands in a line above, too"),
    ],
)
def test_a_bad_line_costs_only_itself(line: str, reason: str) -> None:
    rows, reasons = read(file_of("trip_end,area,trips", "2026-05-09,1,7", line, "2026-05-11,1,8"))
    assert [row["trips_ended"] for row in rows] == [7, 8]
    assert reasons == [reason]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_file_may_be_written_as_programs_do(end: str, delimiter: str, mark: str) -> None:
    lines = [line.replace(",", delimiter) for line in (f"{mark}trip_end,area,trips", '2026-05-10,"Old Mill",3', "")]
    rows, reasons = read(file_of(*lines, end=end))
    assert ([(row["area_id"], row["trips_ended"]) for row in rows], reasons) == ([("1", 3)], [])


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["date,area,trips", "2026-05-10,1,3"], "trips.csv has no column of days; it says whether trips began or ended"),
        (["trip_end,trip_start,area,trips", "2026-05-10,2026-05-10,1,3"], "several columns of days"),
        (["trip_end,zone,trips", "2026-05-10,1,3"], "no column of areas. Its columns: trip_end, zone, trips"),
        (["trip_end,area,n", "2026-05-10,1,3"], "no column of trips"),
        (["trip_end,Start Area,trips", "2026-05-10,1,3"], "has the days of trip_end, but Start Area is of trips that started"),
        (["trip_end,area,trips_started", "2026-05-10,1,3"], "but trips_started is of trips that started: which are they?"),
        (["trip_end,area,trips"], "has no line below the one that names its columns"),
        (
            ["trip_end,area,trips", "10/05/2026,1,3"],
            "no line with a date like 2026-05-10 in trip_end and a whole number",
        ),
        (["trip_end,area,trips", "2026-05-10,North,3"], "has no area of springfield; its area is North …"),
        (["trip_end,area,area,trips", "2026-05-10,1,1,3"], "trips.csv: two columns have one name"),
        (["", "trip_end,area,trips"], "begins with an empty line"),
        (["\x00t\x00r"], "has no column of days"),
    ],
)
def test_another_file_is_refused_before_its_first_piece(lines: list[str], why: str) -> None:
    with pytest.raises(BadData) as refused:
        next(pieces(file_of(*lines), OPTIONS, REFERENCE))
    assert why in str(refused.value)


def test_a_file_that_is_cut_short_is_refused() -> None:
    whole = file_of("trip_end,area,trips", "2026-05-10,1,3", "2026-05-11,1,42")
    with whole.open() as handle:
        body = handle.read()
    cut = msgspec.structs.replace(whole, open=lambda: BytesIO(body[:-2]))
    with pytest.raises(BadData, match=r"trips\.csv: its last line, 3, does not end, so the file may be cut short"):
        next(pieces(cut, OPTIONS, REFERENCE))


def test_the_last_day_is_complete_if_it_was_over_when_the_file_was_written() -> None:
    lines = ["trip_end,area,trips", *days(50, 51, 52)]
    assert complete(file_of(*lines, written_at=LATE)) == {date(2026, 5, day): True for day in (29, 30, 31)}
    half = file_of(*lines, written_at=LATE - timedelta(hours=1))
    assert complete(half) == {date(2026, 5, 29): True, date(2026, 5, 30): True, date(2026, 5, 31): False}
    (said,) = list(notes(next(pieces(half, OPTIONS, REFERENCE)).context))[1:]
    assert said == "written at 2026-05-31 21:30 UTC, before 2026-05-31 was over: that day is not complete"


def test_a_file_whose_own_time_lies_before_its_last_day_was_not_written_then() -> None:
    lines = ["trip_end,area,trips", *days(50, 51, 52)]
    assert all(complete(file_of(*lines, written_at=datetime(1980, 1, 1, tzinfo=UTC))).values())


def test_a_last_day_with_few_trips_was_counted_half() -> None:
    """The export ran at noon, and the file was copied later."""
    usual = [*[100] * 28]
    half, whole = file_of("trip_end,area,trips", *days(*usual, 59)), file_of("trip_end,area,trips", *days(*usual, 60))
    assert [day for day, is_whole in complete(half).items() if not is_whole] == [date(2026, 5, 31)]
    assert all(complete(whole).values())
    assert list(notes(next(pieces(half, OPTIONS, REFERENCE)).context))[1] == (
        "complete to 2026-05-30: 2026-05-31 has 59 trips, and a Sunday has 100: perhaps it was not over; --complete-to says"
    )


def test_a_quiet_day_within_a_file_is_complete() -> None:
    assert all(complete(file_of("trip_end,area,trips", *days(*[100] * 28, 0, 100))).values())


def test_few_days_say_nothing_of_what_is_usual() -> None:
    assert all(complete(file_of("trip_end,area,trips", *days(*[100] * 13, 1))).values())


def test_a_person_knows_better_which_day_is_the_last_whole_one() -> None:
    half = file_of("trip_end,area,trips", *days(*[100] * 28, 20))
    assert all(complete(half, msgspec.structs.replace(OPTIONS, complete_to=date(2026, 5, 31))).values())
    earlier = complete(half, msgspec.structs.replace(OPTIONS, complete_to=date(2026, 5, 29)))
    assert [day.day for day, is_whole in earlier.items() if not is_whole] == [30, 31]


def test_a_day_to_come_does_not_move_the_end_of_a_file() -> None:
    file = file_of("trip_end,area,trips", *days(50, 51, 52), "2062-05-31,1,3")
    assert all(complete(file).values())
    assert len(read(file)[1]) == 1


def test_pieces_say_together_what_the_whole_says(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for day in range(1, 29) for line in (f"2026-05-{day:02},1,{day}", f"2026-05-{day:02},nowhere,{day}")]
    file = file_of("trip_end,area,trips", *lines)
    whole = read(file)
    monkeypatch.setattr(_csv_files, "PIECE_BYTES", 100)
    assert len(list(pieces(file, OPTIONS, REFERENCE))) > 5
    assert read(file) == whole
    assert whole[1][-1].startswith("line 57: there is no area 'nowhere'")
