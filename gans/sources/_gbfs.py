"""What the feeds of the General Bikeshare Feed Specification share, versions 1.0 to 3.0 (https://gbfs.org/documentation).

A feed is one JSON object: `last_updated`, `ttl` (s), `version`, and under `data` a list of things, or one thing. Its items are
decoded straight from the bytes; where one of them does not fit, all are decoded one by one, and that one alone is refused.

Rules; those of one feed stand at its source
1. Numbers and truths may be texts ("12", "true"), truths 0 and 1; ids may be integers. A text of version 3 is a list of
   translations: the English one is taken, else the first.
2. A count below 0 or above 10,000 (999999 docks) stands for no count: it is unknown, and the ledger counts it.
3. Of items with one id the first stays, whether the others say the same or not (systems list their stations twice, or give
   several stations one id); the ledger counts them.
4. A time is POSIX seconds, or milliseconds where it is beyond the year 5000, or RFC 3339. One outside of 2000 to 2100 is none.
5. `last_updated` may be missing, or be called `lastUpdatedOther` (Vélib'). A feed is stale where it was older than 15 minutes
   when it was fetched, or its clock cannot be trusted: it is ahead by more than a minute, or tells milliseconds.
6. An answer may be wrapped into the `data` of another object, with `headers` and `status` beside it.
7. A feed that says nothing of a thing leaves it unknown; nothing that is not told is 0 or false.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from string import punctuation
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeVar, cast
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from gans.errors import BadData
from gans.geography import on_earth
from gans.source import Capture, Reject, Repaired, Request

MOST_COUNTED: Final = 10_000
OLD: Final = timedelta(minutes=15)
AHEAD: Final = timedelta(minutes=1)
LONGEST_TTL_S: Final = 86_400
"""A feed that asks to be left alone for longer is asked again after a day."""

_MILLISECONDS: Final = 100_000_000_000
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_EXCERPT_BYTES: Final = 400
_VERSION_CHARS: Final = 20

FEEDS: Final = {
    "system_information": "system_information",
    "vehicle_types": "vehicle_types",
    "station_information": "station_information",
    "station_status": "station_status",
    "free_bike_status": "vehicle_status",
    "vehicle_status": "vehicle_status",
}
"""The names of the feeds that are read, in all versions → their names in version 3."""

_COUNTS: Final = {
    "num_vehicles_available", "num_bikes_available", "num_vehicles_disabled", "num_bikes_disabled", "num_docks_available",
    "num_docks_disabled", "capacity", "count", "numbikesavailable", "numdocksavailable", "mechanical", "ebike",
}  # fmt: skip
_TIMES: Final = {"last_reported", "duedate"}

Id = int | str
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_COUNTED)]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
T = TypeVar("T")


class _Translation(msgspec.Struct):
    text: str
    language: str = ""


Text = str | list[_Translation] | None


class Station(msgspec.Struct, kw_only=True, gc=False):
    """An item of station_information.json."""

    station_id: Id
    name: Text = None
    lat: float | None = None
    lon: float | None = None
    capacity: Count | None = None
    is_virtual_station: bool | None = None
    is_charging_station: bool | None = None


class TypeCount(msgspec.Struct, gc=False):
    """How many vehicles of a type there are."""

    vehicle_type_id: Id
    count: Count


class Status(msgspec.Struct, kw_only=True, gc=False):
    """An item of station_status.json."""

    station_id: Id
    num_vehicles_available: Count | None = None
    num_bikes_available: Count | None = None
    num_vehicles_disabled: Count | None = None
    num_bikes_disabled: Count | None = None
    num_docks_available: Count | None = None
    num_docks_disabled: Count | None = None
    is_installed: bool | None = None
    is_renting: bool | None = None
    is_returning: bool | None = None
    last_reported: Time | None = None
    vehicle_types_available: list[TypeCount] | None = None
    num_bikes_available_types: list[dict[str, Count]] | dict[str, Count] | None = None


class Head(msgspec.Struct, rename={"last_updated_other": "lastUpdatedOther"}):
    """What every feed tells of itself, as it tells it."""

    last_updated: Any = None
    last_updated_other: Any = None
    ttl: Any = None
    version: Any = None

    @property
    def updated_at(self) -> datetime | None:
        """When the feed says that it was renewed."""
        return instant(self.last_updated) or instant(self.last_updated_other)

    @property
    def ttl_s(self) -> int:
        """For how long it says that it holds, s; 0 where it does not say."""
        try:
            return min(max(int(self.ttl), 0), LONGEST_TTL_S)
        except (TypeError, ValueError, OverflowError):
            return 0

    @property
    def gbfs_version(self) -> str | None:
        """The version that it speaks."""
        return self.version if isinstance(self.version, str) and 0 < len(self.version) <= _VERSION_CHARS else None

    def is_stale(self, fetched_at: datetime) -> bool:
        """Whether it was old when it was fetched, or its clock cannot be trusted (rule 5)."""
        updated_at = self.updated_at
        if updated_at is None:
            return False
        stamp = next(one for one in (self.last_updated, self.last_updated_other) if instant(one))
        is_in_milliseconds = isinstance(stamp, (int, float)) and stamp >= _MILLISECONDS
        return is_in_milliseconds or updated_at > fetched_at + AHEAD or updated_at < fetched_at - OLD


class _Whole(Head):
    data: msgspec.Raw = msgspec.Raw()


_Named = dict[str, msgspec.Raw]


class Feed(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A feed, read.

    Attributes:
        ids: of the items.
        items: what fits, each id once.
        refused: what does not.
        repairs: how often which rule mended something; the source may add its own.
    """

    head: Head
    ids: list[str]
    items: list[T]
    refused: list[Reject]
    repairs: Counter[str]

    def findings(self) -> Iterator[Reject | Repaired]:
        """What the ledger is to know."""
        yield from self.refused
        yield from (Repaired(rule, times) for rule, times in sorted(self.repairs.items()))


def feed(body: bytes, kind: type[T], key: str, *names: str) -> Feed[T]:
    """The items of a feed.

    Args:
        kind: the struct of an item.
        key: the field that tells an item from the others.
        names: the names of the list under `data`, in the versions that there are.

    Raises:
        BadData: not JSON, or without such a list.
    """
    try:
        head = _fast(cast("Any", kind), names).decode(body)
        items = next(listed for name in names if (listed := getattr(head.data, name)) is not None)
    except (StopIteration, ValueError, RecursionError):
        head = _opened(body, names)
        return once(head, *decoded(_undecoded(head.data, names), kind), key)
    return once(head, items, [], Counter(), key)


def once(head: Head, items: list[T], refused: list[Reject], repairs: Counter[str], key: str) -> Feed[T]:
    """A feed in which each id stands once (rule 3)."""
    ids = list(map(identity, map(attrgetter(key), items)))
    if repeats := len(ids) - len(set(ids)):
        repairs[f"{key} repeats"] = repeats
        first: dict[str, T] = {}
        for item_id, item in zip(ids, items, strict=True):
            first.setdefault(item_id, item)
        ids, items = list(first), list(first.values())
    return Feed(head=head, ids=ids, items=items, refused=refused, repairs=repairs)


@cache
def _fast(kind: Any, names: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    lists = msgspec.defstruct("_Lists", [(name, list[kind] | None, None) for name in names])
    whole = msgspec.defstruct("_Feed", [("data", lists)], bases=(Head,), kw_only=True)
    return msgspec.json.Decoder(whole, strict=False)


def _undecoded(data: msgspec.Raw, names: Sequence[str]) -> list[msgspec.Raw]:
    try:
        named = msgspec.json.decode(data, type=_Named)
        listed = next(listed for name in names if (listed := named.get(name)) is not None and bytes(listed) != b"null")
        return msgspec.json.decode(listed, type=list[msgspec.Raw])
    except (StopIteration, ValueError, RecursionError):
        raise BadData(f"The feed has no {' or '.join(names)}") from None


def decoded(raw: Sequence[msgspec.Raw], kind: type[T]) -> tuple[list[T], list[Reject], Counter[str]]:
    """The items that fit `kind`, mended where they must be; those that do not; and what was mended how often."""
    items, refused, repairs = list[T](), list[Reject](), Counter[str]()
    decode = msgspec.json.Decoder(kind, strict=False).decode
    for item in raw:
        try:
            try:
                items.append(decode(item))
            except ValueError:
                items.append(msgspec.convert(_mended(msgspec.json.decode(item), repairs), kind, strict=False))
        except (ValueError, RecursionError) as error:
            refused.append(Reject(str(error), bytes(item)[:_EXCERPT_BYTES].decode(errors="replace")))
    return items, refused, repairs


def _opened(body: bytes, names: Sequence[str]) -> _Whole:
    """A feed with its `data` undecoded, which may be wrapped once (rule 6).

    Raises:
        BadData: not JSON, or not a feed.
    """
    try:
        whole = msgspec.json.decode(body, type=_Whole)
        data = msgspec.json.decode(whole.data, type=_Named)
        return msgspec.json.decode(whole.data, type=_Whole) if "data" in data and not data.keys() & set(names) else whole
    except (ValueError, RecursionError) as error:
        raise BadData(f"Not a feed of GBFS: {error}") from None


def one(body: bytes, kind: type[T], *fields: str) -> tuple[Head, T]:
    """A feed whose `data` is one thing; `fields` are some that it has.

    Raises:
        BadData: not JSON, or not as `kind` says.
    """
    whole = _opened(body, fields)
    try:
        return whole, msgspec.json.decode(whole.data, type=kind, strict=False)
    except (ValueError, RecursionError) as error:
        raise BadData(f"Not a feed of GBFS: {error}") from None


class _Link(msgspec.Struct):
    name: str
    url: str


class _Links(msgspec.Struct):
    feeds: list[_Link]


class Discovery(NamedTuple):
    """What a discovery document names.

    Attributes:
        urls: of the feeds that are read, by their names in version 3.
    """

    head: Head
    urls: dict[str, str]
    refused: list[Reject]


def discovery(body: bytes) -> Discovery:
    """The feeds of a system: those in English where it tells them in several languages, else in the first.

    An address that begins with `http:` is asked by https; any other that does not begin with `https:` is refused.

    Raises:
        BadData: not JSON, or not a discovery document.
    """
    head = _opened(body, ("feeds", "en"))
    try:
        data = msgspec.json.decode(head.data, type=_Named)
        if "feeds" in data:
            links = msgspec.json.decode(data["feeds"], type=list[_Link])
        else:
            links = msgspec.json.decode(data.get("en") or next(iter(data.values()), msgspec.Raw(b"null")), type=_Links).feeds
    except (ValueError, RecursionError) as error:
        raise BadData(f"Not a discovery document of GBFS: {error}") from None
    urls, refused = dict[str, str](), list[Reject]()
    for link in links:
        if link.name in FEEDS:
            try:
                urls.setdefault(FEEDS[link.name], secured(link.url))
            except BadData as error:
                refused.append(Reject(f"{link.name}: {error}", link.url[:_EXCERPT_BYTES]))
    return Discovery(head, urls, refused)


def secured(url: str) -> str:
    """`url`, by https, what is not ASCII in it percent-encoded.

    Raises:
        BadData: it is no address of the web.
    """
    url = url.strip()
    if url.startswith("http://"):
        url = f"https://{url.removeprefix('http://')}"
    try:
        host = urlsplit(url).hostname or ""
        if not url.startswith("https://") or not host or not host.isascii() or not url.isprintable():
            raise ValueError
    except ValueError:
        raise BadData("this is no address of the web") from None
    return quote(url, safe=punctuation)


def request(unit: str, url: str, context: Mapping[str, Any]) -> Request:
    """The request for a feed, whose address may have a query."""
    parts = urlsplit(url)
    bare = parts._replace(query="", fragment="").geturl()
    return Request(unit=unit, url=bare, params=dict(parse_qsl(parts.query, keep_blank_values=True)), context=context)


def holds_until(capture: Capture) -> datetime:
    """Until when a feed holds: `ttl` after it was renewed; not at all where it is stale (rule 5).

    The context's `ttl_s` is what the watchlist says, where it knows better.
    """
    try:
        head = msgspec.json.decode(capture.body, type=Head)
    except (ValueError, RecursionError):
        return capture.fetched_at
    if head.is_stale(capture.fetched_at):
        return capture.fetched_at
    ttl_s = capture.context.get("ttl_s")
    updated_at = min(head.updated_at or capture.fetched_at, capture.fetched_at)
    return updated_at + timedelta(seconds=head.ttl_s if ttl_s is None else ttl_s)


def location(latitude: float | None, longitude: float | None) -> tuple[float | None, float | None]:
    """Coordinates; unknown ones where they are at 0, 0 or beyond the poles."""
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0) or not on_earth(latitude, longitude):
        return None, None
    return latitude, longitude


def identity(value: Id) -> str:
    """An id as a text without blanks around it."""
    return value.strip() if isinstance(value, str) else str(value)


def text(value: Text) -> str | None:
    """A text in English, or in the first of its languages."""
    if isinstance(value, list):
        value = next((one.text for one in value if one.language.startswith("en")), value[0].text if value else None)
    return (value or "").strip() or None


def _mended(item: Any, repairs: Counter[str]) -> Any:
    """An item that did not fit as it was told, by rules 2 and 4; `repairs` counts what they change."""
    if not isinstance(item, dict):
        return item
    for name in _TIMES & item.keys():
        item[name] = instant(item[name])
    for name in _COUNTS & item.keys():
        item[name] = _counted(item[name], name, repairs)
    types = item.get("num_bikes_available_types")
    for kinds in types if isinstance(types, list) else [types]:
        if isinstance(kinds, dict):
            counted = {kind: _counted(value, "vehicles of a type", repairs) for kind, value in kinds.items()}
            kinds.clear()
            kinds.update((kind, count) for kind, count in counted.items() if count is not None)
    types = item.get("vehicle_types_available")
    if isinstance(types, list):
        mended = [_mended(one, repairs) for one in types]
        item["vehicle_types_available"] = [one for one in mended if not isinstance(one, dict) or one.get("count") is not None]
    return item


def _counted(value: Any, name: str, repairs: Counter[str]) -> Any:
    """A count, or None for one that is none; what is no number at all stays, to be refused."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return value
    if 0 <= number <= MOST_COUNTED:
        return value
    repairs[f"{name}: {'negative' if number < 0 else 'too many'}"] += 1
    return None


def instant(value: Any) -> datetime | None:
    """A time as feeds tell it (rule 4)."""
    try:
        if isinstance(value, str):
            if not value.strip().lstrip("-").replace(".", "", 1).isdigit():
                found = datetime.fromisoformat(value.strip())
                return found.astimezone(UTC) if found.tzinfo and _EARLIEST <= found <= _LATEST else None
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        found = datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if _EARLIEST <= found <= _LATEST else None


def reporting(fetched_at: datetime) -> tuple[datetime, datetime]:
    """Between which times a station or a vehicle may have reported; another one is unknown."""
    return _EARLIEST, fetched_at + AHEAD
