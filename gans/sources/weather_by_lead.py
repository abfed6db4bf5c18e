"""The weather of past days as it was forecast some days ahead, and as it came: a person's file of an area set.

The format: CSV, a line for a day and a lead: `local_on`, `lead_days` (0 for what came), and what was forecast, each in the unit
that its column names: `temperature_max_c`, `precipitation_mm`, `precipitation_share_of_day` (0 to 1), `wind_speed_kmh`,
`cloud_cover_pct`, `humidity_pct`, `snowfall_cm`. An empty field is not known.

Rules
1. A column of another name refuses the file, for its values may be in another unit; one without a name numbers the lines.
2. A line that cannot be read costs itself, a value outside the range of its column that value.
3. A forecast counts as known at the end of the day on which it was made, what came at the end of its own.
4. A file is simulated if that is said (`--simulated`), or if its name has the word; each of its rows says so.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from gans.errors import BadData
from gans.source import Capture, File, Files, ImportOptions, Piece, Reference, Reject, Repaired, Rows, Source
from gans.sources._areas import AreaSet, area_set, end_of_day
from gans.sources._csv_files import CsvFile, read, words

KEY: Final = ("local_on", "lead_days")
VALUES: Final[Mapping[str, Callable[[float], float]]] = {
    "temperature_max_c": float,
    "precipitation_mm": float,
    "precipitation_share_of_day": float,
    "wind_speed_kmh": float,
    "cloud_cover_pct": round,
    "humidity_pct": round,
    "snowfall_cm": float,
}
"""The columns of values, and how a number becomes one."""

MOST_DAYS: Final = 16
"""How far ahead a day is forecast at most."""


class _FileFacts(msgspec.Struct, frozen=True):
    """The context of a piece."""

    area_set: AreaSet
    is_simulated: bool
    by_name: bool = False
    first_line: int = 2


def pieces(file: File, options: ImportOptions, reference: Reference) -> Iterator[Piece]:
    """The file cut between lines.

    Raises:
        BadData: it is no file of weather, or not whole.
        NotKnown: there is no such area set.
    """
    found = area_set(reference, options.areas)
    sheet = CsvFile(file)
    known = ", ".join((*KEY, *VALUES))
    if missing := [name for name in KEY if name not in sheet.names]:
        raise BadData(f"{file.name} has no column {', '.join(missing)}. Its columns: {', '.join(sheet.names)}. Known: {known}")
    if others := [name for name in sheet.names if name not in ("", *KEY, *VALUES)]:
        raise BadData(f"{file.name} has columns that are not known: {', '.join(others)}. Known: {known}")
    if not any(_key(fields) for fields in sheet.rows()):
        raise BadData(f"{file.name} has no line with a date like 2026-05-10 in local_on and whole days in lead_days")
    by_name = options.is_simulated is None and "simulated" in words(file.name).split("_")
    facts = _FileFacts(found, options.is_simulated or by_name, by_name)
    yield from sheet.pieces(msgspec.to_builtins(facts))


def _key(fields: Mapping[str, str]) -> tuple[date, int] | None:
    """The day and the lead of a line; None where it does not say."""
    try:
        return date.fromisoformat(fields["local_on"]), _days(fields["lead_days"])
    except (KeyError, ValueError):
        return None


def _days(text: str) -> int:
    days = float(text)
    if not 0 <= days <= MOST_DAYS or days % 1:
        raise ValueError
    return int(days)


def parse(capture: Capture) -> Iterator[Rows | Reject | Repaired]:
    """A row for each line.

    Raises:
        BadData: the piece is none of weather.
    """
    try:
        facts = msgspec.convert(capture.context, _FileFacts)
        end_of_day(date(2000, 1, 1), facts.area_set.timezone)
    except (ValueError, OSError) as error:
        raise BadData(f"not a piece of a file of weather: {error}") from None
    rows, unread = dict[tuple[date, int], tuple[Any, ...]](), Counter[str]()
    for number, line, fields in read(capture):
        key = _key(fields) if isinstance(fields, dict) else None
        if isinstance(fields, BadData) or key is None or not date(1970, 1, 1) <= key[0] < date(2100, 1, 1):
            why = fields if isinstance(fields, BadData) else f"no day, or no lead of 0 to {MOST_DAYS} whole days"
            yield Reject(f"line {number}: {why}", line)
            continue
        if key in rows:
            yield Reject(f"line {number}: {key[0]}, {key[1]} days ahead, stands in a line above, too", line)
            continue
        values = []
        for name, as_value in VALUES.items():
            text = fields.get(name, "")
            try:
                values.append(as_value(_number(text)) if text else None)
            except (ValueError, OverflowError):
                values.append(None)
                unread[f"{name} is no number"] += 1
        local_on, lead_days = key
        known_at = end_of_day(local_on - timedelta(days=lead_days), facts.area_set.timezone)
        rows[key] = (facts.area_set.name, "file", *key, *values, facts.is_simulated, known_at, True)
    yield from (Repaired(rule, times) for rule, times in sorted(unread.items()))
    columns = ("area_set", "provider", *KEY, *VALUES, "is_simulated", "known_at", "is_backfilled")
    yield Rows("weather_days", columns, list(rows.values()))


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def notes(context: Mapping[str, Any]) -> Iterator[str]:
    """Whether it is simulated, and how that is known."""
    facts = msgspec.convert(context, _FileFacts)
    if facts.is_simulated:
        yield f"simulated, as {'its name says' if facts.by_name else 'was said'}: each row says so (is_simulated)"
    else:
        yield "not simulated; if it is, import it with --simulated"


source = Source(
    name="weather_by_lead",
    provider="your own files",
    docs="https://datatracker.ietf.org/doc/html/rfc4180",
    licence="as its owner says",
    reads=("area_sets",),
    writes=("weather_days",),
    parse=parse,
    files=Files(
        about=f"daily weather as it was forecast: CSV with {', '.join(KEY)} and values like temperature_max_c",
        pieces=pieces,
        notes=notes,
        needs=("areas",),
        takes=("is_simulated",),
    ),
)
