"""What the sources of own data share: the area set that a file is of, and which of its areas a text means."""

import difflib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from gans.errors import NotKnown, NotReady
from gans.geography import area_key
from gans.source import Reference


class AreaSet(msgspec.Struct, frozen=True):
    """An area set as a piece of a file carries it, so that `parse` needs nothing else.

    Attributes:
        timezone: IANA name; a date of the set's is one there.
        ids: the id of an area by what it is called, its number or its name, as `area_key` writes them.
        names: the areas' names, for messages.
    """

    name: str
    timezone: str
    ids: Mapping[str, str] = {}
    names: tuple[str, ...] = ()

    def has(self, text: str) -> bool:
        """Whether `text` means one of the areas."""
        return area_key(text) in self.ids

    def area_id(self, text: str) -> str:
        """The id of the area that `text` means.

        Raises:
            NotKnown: there is none; the message has the nearest names.
        """
        try:
            return self.ids[area_key(text)]
        except KeyError:
            raise NotKnown(f"there is no area {text!r} in {self.name}{nearest(text, self.names)}") from None


def end_of_day(local_on: date, timezone: str) -> datetime:
    """When a date is over in a zone (UTC).

    Raises:
        OverflowError: the date has no next one.
    """
    return datetime.combine(local_on + timedelta(days=1), time(), ZoneInfo(timezone)).astimezone(UTC)


def area_set(reference: Reference, name: str | None) -> AreaSet:
    """The set of this name, without its areas.

    Raises:
        NotReady: there is no set yet, or this one's time zone is not known yet.
        NotKnown: there is none of this name.
    """
    sets = {row["area_set"]: row for row in reference.rows("area_sets") if not row["is_removed"]}
    if not sets:
        raise NotReady("There is no area set yet: `gans areas add NAME FILE.geojson --name-field FIELD` adds one.")
    if name is None or name not in sets:
        known = tuple(sorted(sets))
        raise NotKnown(f"There is no area set {name!r}{nearest(name or '', known)}. Known: {', '.join(known)}.")
    if not sets[name]["timezone"]:
        raise NotReady(f"The area set {name!r} is known by its name alone: `gans load` loads what waits in the landing.")
    return AreaSet(name, sets[name]["timezone"])


def with_areas(reference: Reference, found: AreaSet) -> AreaSet:
    """The set with its areas: where one's name is another's number, the number goes first."""
    rows = [row for row in reference.rows("areas") if row["area_set"] == found.name]
    ids = {area_key(row["name"]): row["area_id"] for row in rows} | {row["area_id"]: row["area_id"] for row in rows}
    return msgspec.structs.replace(found, ids=ids, names=tuple(row["name"] for row in rows))


@lru_cache(maxsize=4096)  # a file with one wrong name has it on every day
def nearest(text: str, names: tuple[str, ...]) -> str:
    """The names that look most like `text`, as the end of a sentence; "" where none does."""
    keys = {area_key(name): name for name in names}
    found = [keys[key] for key in difflib.get_close_matches(area_key(text), keys, n=3, cutoff=0.6)]
    return f"; nearest: {', '.join(found)}" if found else ""
