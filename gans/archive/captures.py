"""What the landed captures of an hour say, by system, as lines that DuckDB reads."""

from collections import defaultdict
from collections.abc import Iterator, Set
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from gans.archive.columns import STATION_COLUMNS
from gans.database.rows import validate_row
from gans.errors import BadData
from gans.source import Capture, Rows, Source
from gans.storage.landing import PartKey, read_part
from gans.storage.store import Store
from gans.tables.mobility import station_vehicle_types

LINE_BYTES: Final = 16 * 1024 * 1024
"""The most that an answer may take here, some 100,000 stations; one that takes more counts as one that cannot be read."""


_NOT_MODIFIED: Final = -1
_UNREADABLE: Final = -2


class CapturedMinute(NamedTuple):
    """A capture.

    Attributes:
        answer: the number of the line that holds what it says, or `_NOT_MODIFIED`, or `_UNREADABLE`.
        zone: the system's, by its IANA name.
    """

    slot: datetime
    answer: int
    zone: str | None


class SystemCaptures:
    """The captures of a system.

    Attributes:
        answers: NDJSON; a line for each answer, with a list for each column of `STATION_COLUMNS`.
        captures: by when they were fetched, so that what was landed twice is there once.
    """

    def __init__(self, system_id: str, answers: Path) -> None:
        self.system_id, self.answers, self.captures = system_id, answers, dict[datetime, CapturedMinute]()

    def minutes(self) -> Iterator[tuple[datetime, datetime, int]]:
        """The slots for which it is known what there was, when that was fetched, and the answer that says so."""
        seen, last = set[datetime](), _UNREADABLE
        for fetched_at, (slot, answer, _) in sorted(self.captures.items()):
            last = last if answer == _NOT_MODIFIED else answer
            if last != _UNREADABLE and slot not in seen:
                seen.add(slot)
                yield slot, fetched_at, last


class HourCaptures:
    """The captures of an hour, by system; the answers among them as lines of a file a system."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.source, self.folder = source, folder
        self.systems: dict[str, SystemCaptures] = {}

    def read(self, store: Store, key: PartKey, only: Set[str] | None = None) -> set[str]:
        """Takes in the captures of a part; where `only` is set, of those systems alone.

        Returns:
            The systems that answered, whether that can be read or not.

        Raises:
            BadData: the part cannot be read.
        """
        data, answered = store.read(str(key)), set[str]()
        if data is None:
            raise BadData("It was there, and is no longer")
        part = read_part(data)
        if (found := PartKey.of(part.header)) != key:
            raise BadData(f"The part is that of {found}")
        for capture in part.captures:
            if capture.error or (only is not None and capture.unit not in only):
                continue
            system = self.systems.get(capture.unit)
            if system is None:
                system = self.systems[capture.unit] = SystemCaptures(capture.unit, self.folder / f"{len(self.systems)}.ndjson")
            is_answer = capture.status != 304
            if is_answer:
                answered.add(capture.unit)
            if capture.fetched_at not in system.captures:
                answer = self._answer(system, capture) if is_answer else _NOT_MODIFIED
                system.captures[capture.fetched_at] = CapturedMinute(capture.slot, answer, capture.context.get("timezone"))
        return answered

    def _answer(self, system: SystemCaptures, capture: Capture) -> int:
        """Writes what a capture says into a line, and gives its number."""
        try:
            tables = {item.table: item for item in self.source.parse(capture) if isinstance(item, Rows)}
        except Exception:  # the ledger has the reason
            return _UNREADABLE
        types: defaultdict[str, dict[str, int]] = defaultdict(dict)
        if by_type := tables.get("station_vehicle_types"):
            names = ("station_id", "vehicle_type_id", "vehicles_available")
            for station_id, type_id, vehicles in map(itemgetter(*map(by_type.columns.index, names)), by_type.values):
                if _is_id(type_id):
                    types[station_id][type_id] = vehicles
        statuses = tables["station_status"]
        index = statuses.columns.index("station_id")
        stations = [values for values in statuses.values if _is_id(values[index])]
        columns = dict(zip(statuses.columns, zip(*stations, strict=True), strict=False))  # none where there is no station
        columns["vehicles_by_type"] = tuple(types.get(station_id) for station_id in columns.get("station_id", ()))
        number = len(system.captures)
        of_answer = {"answer": number, "slot_at": capture.slot, "fetched_at": capture.fetched_at}
        line = msgspec.json.encode(of_answer | {name: columns.get(name, ()) for name in STATION_COLUMNS})
        if len(line) > LINE_BYTES:
            return _UNREADABLE
        with system.answers.open("ab") as file:
            file.write(line + b"\n")
        return number


@lru_cache(maxsize=100_000)
def _is_id(text: str) -> bool:
    """Whether a table may have it as a key; the rows of one that it may not are in `rejects`."""
    try:
        validate_row(station_vehicle_types, ("vehicle_type_id",), [text])
    except BadData:
        return False
    return True
