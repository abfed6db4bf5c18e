"""Trips counted by area and day, from an operator's own files.

The format: CSV, a line for an area on a day. The column of days says what was counted: `trip_start` (or `start`, `started_on`)
the trips that began in the area, `trip_end` (`end`, `ended_on`) those that ended there. The area is told by number or by name,
`76.0`, `OHARE` or `O'Hare`; the trips are a whole number.

Rules
1. A line that cannot be read costs itself; so does one of an area that the set does not have, or of a day that has not begun.
2. Of two lines for one area and day in a piece of the file, the first stays and the other is refused.
3. A day without a line was not counted; only a line with 0 says that there was no trip.
4. A day is complete if it was over when the file was written, by the file's own time, and if it is not later than the file is
   complete to. That is its last day; or the day before it, where the last has fewer than 0.6 of the trips that the same weekday
   usually had in the four weeks before, as the last day of an export that ran at noon. `--complete-to` says otherwise. The next
   file that has the day makes it complete.
5. The counts of a day are known an hour after its end.
"""

import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from gans.errors import BadData, NotKnown
from gans.source import Capture, File, Files, ImportOptions, Piece, Reference, Reject, Rows, Source
from gans.sources._areas import AreaSet, area_set, end_of_day, with_areas
from gans.sources._csv_files import CsvFile, read, words

DELAY: Final = timedelta(hours=1)
"""How long after the end of a day its counts are known."""

LEAST_SHARE: Final = 0.6
"""Of the usual trips, that make a last day whole."""

DAYS: Final = {
    **dict.fromkeys(("trip_start", "start", "started_on", "start_date", "trip_start_date"), "started"),
    **dict.fromkeys(("trip_end", "end", "ended_on", "end_date", "trip_end_date"), "ended"),
}
"""The columns of days, and what they say was counted."""

AREAS: Final = frozenset(
    f"{side}{name}"
    for side in ("", "start_", "end_")
    for name in ("community_area_number", "community_area_name", "community_area", "area_number", "area_name", "area", "area_id")
)
TRIPS: Final = frozenset(("trip_count", "trips", "count", "trips_started", "trips_ended"))
_WHOLE: Final = re.compile(r"([0-9]{1,9})(?:\.0{0,2})?")


class _FileFacts(msgspec.Struct, frozen=True):
    """The context of a piece: the columns, and what is to be known of the whole file.

    Attributes:
        measure: started or ended.
        complete_to: the last day that is complete, if it was over when the file was written.
        why: where that is not the last day of the file, why.
    """

    areas: AreaSet
    measure: str
    day: str
    area: str
    trips: str
    written_at: datetime
    complete_to: date = date.max
    why: str = ""
    first_line: int = 2


def pieces(file: File, options: ImportOptions, reference: Reference) -> Iterator[Piece]:
    """The file cut between lines.

    Raises:
        BadData: it is no file of counts, or not whole.
        NotKnown: there is no such area set.
    """
    areas = area_set(reference, options.areas)
    sheet = CsvFile(file)
    day, area, trips = (_column(sheet, known, what) for known, what in ((DAYS, "days"), (AREAS, "areas"), (TRIPS, "trips")))
    measure = DAYS[words(day)]
    other = {"started", "ended"} - {measure}
    for column in (area, trips):
        if other & {f"{word.removesuffix('ed')}ed" for word in words(column).split("_")}:
            raise BadData(f"{file.name} has the days of {day}, but {column} is of trips that {other.pop()}: which are they?")
    facts = _FileFacts(with_areas(reference, areas), measure, day, area, trips, file.written_at)
    yield from sheet.pieces(msgspec.to_builtins(_surveyed(sheet, facts, options.complete_to)))


def _column(sheet: CsvFile, known: Mapping[str, str] | frozenset[str], what: str) -> str:
    """The one column of a kind.

    Raises:
        BadData: there is none, or there are several.
    """
    found = [name for name in sheet.names if words(name) in known]
    if len(found) == 1:
        return found[0]
    problem = f"several columns of {what}" if found else f"no column of {what}"
    hint = "; it says whether trips began or ended in the area" if what == "days" else ""
    raise BadData(
        f"{sheet.file.name} has {problem}{hint}. Its columns: {', '.join(sheet.names)}. "
        f"A column of {what} is called {', '.join(sorted(known))}"
    )


def _surveyed(sheet: CsvFile, facts: _FileFacts, said: date | None) -> _FileFacts:
    """With what the whole file says: by rule 4, the last day that is complete, and why it is not the last of the file.

    Raises:
        BadData: no line of it can be read, or none is of an area of the set.
    """
    file, zone, totals = sheet.file, ZoneInfo(facts.areas.timezone), Counter[date]()
    is_of_set, others = False, list[str]()
    today = file.read_at.astimezone(zone).date()
    for fields in sheet.rows():
        with suppress(BadData):
            local_on, trips = _date(fields[facts.day]), _whole(fields[facts.trips])
            if local_on <= today:
                totals[local_on] += trips
                is_of_set = is_of_set or facts.areas.has(fields[facts.area])
                if not is_of_set and len(others) < 5 and fields[facts.area] not in others:
                    others.append(fields[facts.area])
    if not totals:
        raise BadData(
            f"{file.name} has no line with a date like 2026-05-10 in {facts.day} and a whole number of trips in {facts.trips}"
        )
    if not is_of_set:
        raise BadData(f"{file.name} has no area of {facts.areas.name}; its {facts.area} is {', '.join(others)} …")
    last = max(totals)
    if file.written_at.astimezone(zone).date() < last:  # a time that an archive gave it, and no person's
        facts = msgspec.structs.replace(facts, written_at=file.read_at)
    why, complete_to = "", last
    before = [totals[last - timedelta(weeks=weeks)] for weeks in range(1, 5) if last - timedelta(weeks=weeks) in totals]
    if said is not None:
        complete_to, why = said, f"as was said; the file goes on to {last}" if said < last else ""
    elif len(before) > 1 and totals[last] < LEAST_SHARE * (usual := statistics.median(before)):
        why = f"{last} has {totals[last]:,} trips, and a {last:%A} has {usual:,.0f}: perhaps it was not over; --complete-to says"
        complete_to = last - timedelta(days=1)
    return msgspec.structs.replace(facts, complete_to=complete_to, why=why)


def _date(text: str) -> date:
    """The date of text like 2026-05-10, or of midnight on it.

    Raises:
        BadData: it is neither.
    """
    try:
        found = datetime.fromisoformat(text)
        if found != datetime(found.year, found.month, found.day):  # noqa: DTZ001 - a date alone
            raise ValueError
    except (TypeError, ValueError):
        raise BadData(f"{text!r} is no date like 2026-05-10") from None
    return found.date()


def _whole(text: str) -> int:
    """The number of trips.

    Raises:
        BadData: it is no whole number.
    """
    found = _WHOLE.fullmatch(text)
    if not found:
        raise BadData(f"{text!r} is no whole number, written without separators")
    return int(found[1])


def parse(capture: Capture) -> Iterator[Rows | Reject]:
    """A row for each line.

    Raises:
        BadData: the piece is none of counts.
    """
    try:
        facts = msgspec.convert(capture.context, _FileFacts)
        zone = ZoneInfo(facts.areas.timezone)
    except (ValueError, OSError) as error:
        raise BadData(f"not a piece of a file of counts: {error}") from None
    today = facts.written_at.astimezone(zone).date()
    rows = dict[tuple[date, str], tuple[Any, ...]]()
    ends = dict[date, datetime]()
    for number, line, fields in read(capture):
        try:
            if isinstance(fields, BadData):
                raise fields
            local_on, trips = _date(fields[facts.day]), _whole(fields[facts.trips])
            area_id = facts.areas.area_id(fields[facts.area])
            if not date(1970, 1, 1) <= local_on <= today:
                raise BadData(f"{local_on} had not begun when the file was written, on {today}, or lies before 1970")
            if (local_on, area_id) in rows:
                raise BadData(f"{local_on} in {fields[facts.area]} stands in a line above, too")
        except (BadData, NotKnown, KeyError) as error:
            yield Reject(f"line {number}: {error}", line)
            continue
        if local_on not in ends:
            ends[local_on] = end_of_day(local_on, facts.areas.timezone)
        end = ends[local_on]
        is_complete = local_on <= facts.complete_to and end <= facts.written_at
        rows[local_on, area_id] = (facts.areas.name, local_on, area_id, trips, is_complete, end + DELAY, True)
    columns = ("area_set", "local_on", "area_id", f"trips_{facts.measure}", "is_complete", "known_at", "is_backfilled")
    yield Rows("area_days", columns, list(rows.values()))


def notes(context: Mapping[str, Any]) -> Iterator[str]:
    """What was read out of the file: what it counts, and which day is not complete."""
    facts = msgspec.convert(context, _FileFacts)
    yield f"counts trips that {facts.measure} ({facts.day})"
    if facts.why:
        yield f"complete to {facts.complete_to}: {facts.why}"
    elif end_of_day(facts.complete_to, facts.areas.timezone) > facts.written_at:
        written = f"{facts.written_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        yield f"written at {written}, before {facts.complete_to} was over: that day is not complete"


source = Source(
    name="area_counts",
    provider="your own files",
    docs="https://datatracker.ietf.org/doc/html/rfc4180",
    licence="your own",
    reads=("area_sets", "areas"),
    writes=("area_days",),
    parse=parse,
    files=Files(
        about="trips by area and day: CSV with columns of days (trip_start or trip_end), areas and trips",
        pieces=pieces,
        notes=notes,
        needs=("areas",),
        takes=("complete_to",),
    ),
)
