"""The shared-mobility systems of the world that publish GBFS, from MobilityData's catalogue; weekly.

The format: one CSV file, a line a system (https://github.com/MobilityData/gbfs, systems.csv), UTF-8, with double quotes around
text. The watchlist may name a system by the `System ID` that it has there.

Rules
1. Of two lines with one id the first stays, and the ledger counts the other; as it does a line without an address.
2. An address that begins with `http:` is asked by https. A line with something that is no address of the web is refused.
3. A value that is longer than its column, a country that ISO 3166 has no code for, and one with bytes that are no UTF-8 are
   unknown, and the ledger counts them.
4. The file is the whole truth of its time: a system that it no longer has keeps its row, with a `fetched_at` that stays behind.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from gans.errors import BadData
from gans.schedule import weekly
from gans.source import Capture, CollectedSource, Omitted, Reference, Reject, Repaired, Request, Row
from gans.sources import _csv, _gbfs

URL: Final = "https://raw.githubusercontent.com/MobilityData/gbfs/master/systems.csv"

COLUMNS: Final = {
    "System ID": "catalogue_id",
    "Name": "name",
    "Country Code": "country_code",
    "Location": "location",
    "Auto-Discovery URL": "url",
    "Supported Versions": "versions",
}
"""The catalogue's column → ours."""

_OPTIONAL: Final = {"Supported Versions"}


def plan(reference: Reference, slot: datetime) -> Iterator[Request]:
    """The one file."""
    yield Request(unit="catalogue", url=URL)


def parse(capture: Capture) -> Iterator[Row | Reject | Omitted | Repaired]:
    """A row per system.

    Raises:
        BadData: not the file, or not the whole of it.
    """
    names, lines = _csv.lines(capture.body, "systems.csv", COLUMNS.keys() - _OPTIONAL)
    seen = set[str]()
    for number, line in enumerate(lines, 2):
        try:
            fields = _csv.record(line, names)
            values = {ours: fields.get(theirs, "").strip() or None for theirs, ours in COLUMNS.items()}
            if unreadable := [name for name, value in values.items() if value and _csv.UNREADABLE in value]:
                values |= dict.fromkeys(unreadable)
                yield Repaired(_csv.NOT_UTF8, len(unreadable))
            if values["url"] is None:
                yield Omitted("system_catalogue.url")
                continue
            values["url"] = _gbfs.secured(values["url"])
        except BadData as error:
            yield Reject(f"line {number}: {error}", line)
        else:
            if values["catalogue_id"] in seen:
                yield Repaired("System ID repeats")
                continue
            seen.add(values["catalogue_id"] or "")
            yield Row("system_catalogue", values)


source = CollectedSource(
    name="systems_catalogue",
    provider="MobilityData",
    docs="https://github.com/MobilityData/gbfs#systems-catalog---systems-implementing-gbfs",
    licence="as MobilityData publishes it",
    schedule=weekly("MON", "01:40"),
    stale_after=timedelta(days=15),
    hosts=("raw.githubusercontent.com",),
    reads=(),
    writes=("system_catalogue",),
    plan=plan,
    parse=parse,
)
