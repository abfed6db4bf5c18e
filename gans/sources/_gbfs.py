"""What the feeds of the General Bikeshare Feed Specification share, versions 1.0 to 3.0 (https://gbfs.org/documentation).

A feed is one JSON object: `last_updated`, `ttl` (s), `version`, and under `data` a list of things, or one thing. Its items are
decoded straight from the bytes; where one of them does not fit, all are decoded one by one, and of that one each field by itself.

Rules; those of one feed stand at its source
1. Numbers and truths may be texts ("12", "true"), truths 0 and 1; ids and names may be numbers. A text of version 3 is a list of
   translations: the first English one that is not blank is taken, else the first that is not.
2. A count below 0, or of 999 and more, stands for no count: 999 or 999999 docks mean "any number", and thousands of vehicles a
   whole fleet. It is unknown, and the ledger counts it.
3. Of items with one id the first stays, whether the others say the same or not (systems list their stations twice, or give
   several stations one id); the ledger counts them. An item without an id, or with a blank one, is refused.
4. A time is POSIX seconds, or milliseconds where it is beyond the year 5000, or RFC 3339. One outside of 2000 to 2100 is none.
5. `last_updated` may be missing, or be called `lastUpdatedOther` (Vélib'). A feed is stale where it was older than 15 minutes
   when it was fetched, or its clock cannot be trusted: it is ahead by more than a minute, or tells milliseconds.
6. An answer may be wrapped into the `data` of another object, with `headers` and `status` beside it; so may each item.
7. A feed that says nothing of a thing leaves it unknown; nothing that is not told is 0 or false. A field that does not fit is
   unknown, and costs nothing else; the ledger counts it. What is nearly JSON is read as `_json` says.
8. Fields of the specification that are not named here or at the sources say nothing of where vehicles are or what is free; they
   are left out: addresses, areas, regions, prices, links, pictures, opening hours, equipment, environmental labels.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from string import punctuation
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeVar, cast
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from gans.errors import BadData
from gans.geography import on_earth
from gans.source import MOST_REFUSED, Capture, Reject, Repaired, Request
from gans.sources import _json

MOST_COUNTED: Final = 998
"""The most that a count may say (rule 2)."""

OLD: Final = timedelta(minutes=15)
AHEAD: Final = timedelta(minutes=1)
LONGEST_TTL_S: Final = 86_400
"""A feed that asks to be left alone for longer is asked again after a day."""

_MILLISECONDS: Final = 100_000_000_000
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_EXCERPT_BYTES: Final = 400
_MOST_NAMED: Final = 5
_HTTP_PORT: Final = 80
_VERSION_CHARS: Final = 20
_DISCOVERY_BYTES: Final = 256 * 1024  # it is read by `collect` too, which has little memory
_HOST: Final = re.compile(r"[\w.-]+|[\da-f:.]+", re.ASCII)

FEEDS: Final = {
    "system_information": "system_information",
    "vehicle_types": "vehicle_types",
    "station_information": "station_information",
    "station_status": "station_status",
    "free_bike_status": "vehicle_status",
    "vehicle_status": "vehicle_status",
}
"""The names of the feeds that are read, in all versions → their names in version 3."""

Id = int | str
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_COUNTED)]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
T = TypeVar("T")


class _Translation(msgspec.Struct):
    text: str | None = None
    language: str | None = None


Text = str | list[_Translation] | None


class Places(msgspec.Struct, gc=False):
    """How many vehicles of some types there is room for."""

    count: Count | None = None


class Station(msgspec.Struct, kw_only=True, gc=False):
    """An item of station_information.json."""

    station_id: Id
    name: Text = None
    lat: float | None = None
    lon: float | None = None
    capacity: Count | None = None
    vehicle_type_capacity: dict[str, Count | None] | None = None
    vehicle_capacity: dict[str, Count | None] | None = None
    vehicle_docks_capacity: list[Places] | None = None
    vehicle_types_capacity: list[Places] | None = None
    vehicle_type_area_capacity: list[Places] | None = None
    is_virtual_station: bool | None = None
    is_charging_station: bool | None = None


class TypeCount(msgspec.Struct, gc=False):
    """How many vehicles of a type there are; a type without an id has a blank one."""

    vehicle_type_id: Id = ""
    count: Count | None = None


class Status(msgspec.Struct, kw_only=True, gc=False):
    """An item of station_status.json."""

    station_id: Id
    num_vehicles_available: Count | None = None
    num_bikes_available: Count | None = None
    num_scooters_available: Count | None = None
    num_ebikes_available: Count | None = None
    num_vehicles_disabled: Count | None = None
    num_bikes_disabled: Count | None = None
    num_scooters_unavailable: Count | None = None
    num_docks_available: Count | None = None
    num_docks_disabled: Count | None = None
    is_installed: bool | None = None
    is_renting: bool | None = None
    is_returning: bool | None = None
    last_reported: Time | None = None
    vehicle_types_available: list[TypeCount] | None = None
    num_bikes_available_types: list[dict[str, Count | None]] | dict[str, Count | None] | None = None
    vehicle_docks_available: list[Places] | None = None


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
        head, repairs = _json.decode(body, _fast(cast("Any", kind), names).decode)
        lists = [listed for name in names if (listed := getattr(head.data, name)) is not None]
        items = next(filter(None, lists), lists[0])
    except (IndexError, ValueError, RecursionError):
        head, repairs = _opened(body, names)
        items, refused, mended = decoded(_undecoded(head.data, names), kind)
        return once(head, items, refused, repairs + mended, key)
    return once(head, items, [], repairs, key)


def once(head: Head, items: list[T], refused: list[Reject], repairs: Counter[str], key: str) -> Feed[T]:
    """A feed in which each id stands once (rule 3)."""
    ids = [value.strip() if isinstance(value, str) else str(value) for value in map(attrgetter(key), items)]
    distinct = set(ids)
    if repeats := len(ids) - len(distinct):
        repairs[f"{key} repeats"] = repeats
        first: dict[str, T] = {}
        for item_id, item in zip(ids, items, strict=True):
            first.setdefault(item_id, item)
        ids, items = list(first), list(first.values())
    if "" in distinct:
        blank = ids.index("")
        refused = [*refused, Reject(f"{key} is blank", msgspec.json.encode(items[blank]).decode())]
        ids, items = ids[:blank] + ids[blank + 1 :], items[:blank] + items[blank + 1 :]
    return Feed(head=head, ids=ids, items=items, refused=refused, repairs=repairs)


@cache
def _fast(kind: Any, names: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    lists = msgspec.defstruct("_Lists", [(name, list[kind] | None, None) for name in names])
    whole = msgspec.defstruct("_Feed", [("data", lists)], bases=(Head,), kw_only=True)
    return msgspec.json.Decoder(whole, strict=False)


def _undecoded(data: msgspec.Raw, names: Sequence[str]) -> list[msgspec.Raw]:
    try:
        named = msgspec.json.decode(data, type=_Named)
        told = [named[name] for name in names if bytes(named.get(name, b"null")) != b"null"]
        lists = [msgspec.json.decode(listed, type=list[msgspec.Raw]) for listed in told]
        return next(filter(None, lists), lists[0])
    except (IndexError, ValueError, RecursionError):
        raise BadData(f"The feed has no {' or '.join(names)}") from None


def decoded(raw: Sequence[msgspec.Raw], kind: type[T]) -> tuple[list[T], list[Reject], Counter[str]]:
    """The items that fit `kind`, mended where they must be; those that do not; and what was mended how often."""
    items, refused, more, repairs = list[T](), list[Reject](), 0, Counter[str]()
    decode = msgspec.json.Decoder(kind, strict=False).decode
    for item in raw:
        try:
            try:
                items.append(decode(item))
            except ValueError:
                mended = Counter[str]()
                items.append(_mended(item, kind, mended))
                repairs.update(mended)
        except (ValueError, RecursionError) as error:
            if len(refused) < MOST_REFUSED:
                refused.append(Reject(str(error), bytes(item)[:_EXCERPT_BYTES].decode(errors="replace")))
            else:
                more += 1
    if more:
        refused.append(Reject("more of the same feed", "", more))
    return items, refused, repairs


class _Field(NamedTuple):
    """A field of an item: its name, its name in the feed, its type, and whether an item without it is none."""

    name: str
    told: str
    kind: Any
    is_required: bool


@cache
def _fields(kind: Any) -> tuple[_Field, ...]:
    return tuple(_Field(one.name, one.encode_name, one.type, one.required) for one in msgspec.structs.fields(kind))


def _mended(raw: msgspec.Raw, kind: type[T], repairs: Counter[str]) -> T:
    """An item that did not fit as it was told, field by field (rule 7); `repairs` counts what is changed.

    Raises:
        ValueError: it is no object, or a field that it must have is missing or does not fit.
    """
    fields, told = _fields(cast("Any", kind)), msgspec.json.decode(raw, type=_Named)
    if "data" in told and not told.keys() & {field.told for field in fields}:
        told = msgspec.json.decode(told["data"], type=_Named)
        repairs["items wrapped by themselves"] += 1
    values = {}
    for field in fields:
        if field.told in told:
            try:
                values[field.name] = msgspec.json.decode(told[field.told], type=field.kind, strict=False)
            except ValueError:
                values[field.name] = _mended_value(told[field.told], field, repairs)
        elif field.is_required:
            raise ValueError(f"it has no {field.told}")
    return kind(**values)


def _mended_value(raw: msgspec.Raw, field: _Field, repairs: Counter[str]) -> Any:
    """A value that did not fit, by rules 1, 2 and 4; None for what is beyond them.

    Raises:
        ValueError: so is one that must not be missing.
    """
    try:
        value = msgspec.json.decode(raw)
        if mend := _MENDERS.get(field.kind):
            value = mend(value, field.told, repairs)
        return msgspec.convert(value, field.kind, strict=False)
    except ValueError as error:
        if field.is_required:
            raise ValueError(f"{field.told}: {error}") from None
    repairs[f"{field.told}: does not fit"] += 1
    return None


def _mended_count(value: Any, name: str, repairs: Counter[str]) -> Any:
    """A count, or None for one that is none; what is no number at all stays."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return value
    if 0 <= number <= MOST_COUNTED or math.isnan(number):
        return value
    repairs[f"{name}: {'negative' if number < 0 else 'too many'}"] += 1
    return None


def _mended_counts(value: Any, name: str, repairs: Counter[str]) -> Any:
    """Counts by type: what does not fit costs its type alone."""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return [_mended_counts(one, name, repairs) for one in value]
    if not isinstance(value, dict):
        return value
    return {kind: _one_mended(one, Count | None, _mended_count, "vehicles of a type", repairs) for kind, one in value.items()}


def _mended_entries(value: Any, name: str, repairs: Counter[str]) -> Any:
    """Entries with a `count`: what does not fit costs that alone."""
    if not isinstance(value, list):
        return value
    entries = []
    for entry in value:
        told = entry if isinstance(entry, dict) else {}
        kind = _one_mended(told.get("vehicle_type_id"), Id, None, f"{name}: vehicle_type_id", repairs)
        count = _one_mended(told.get("count"), Count | None, _mended_count, "count", repairs)
        entries.append({"vehicle_type_id": kind or "", "count": count})
    return entries


def _one_mended(value: Any, kind: Any, mend: Any, name: str, repairs: Counter[str]) -> Any:
    try:
        return msgspec.convert(mend(value, name, repairs) if mend else value, kind, strict=False)
    except ValueError:
        repairs[f"{name}: does not fit"] += 1
        return None


def _mended_text(value: Any, name: str, repairs: Counter[str]) -> Any:
    """A text, or the translations that are some."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        told = [one for one in value if isinstance(one, dict) and isinstance(one.get("text"), str | None)]
        if others := len(value) - len(told):
            repairs[f"{name}: does not fit"] += others
        return [{**one, "language": language if isinstance(language := one.get("language"), str) else None} for one in told]
    return value


def _mended_time(value: Any, name: str, repairs: Counter[str]) -> Any:
    found = instant(value)
    return value if found is None else found


_MENDERS: Final[dict[Any, Callable[[Any, str, Counter[str]], Any]]] = {
    Count | None: _mended_count,
    Time | None: _mended_time,
    Text: _mended_text,
    list[TypeCount] | None: _mended_entries,
    list[Places] | None: _mended_entries,
    dict[str, Count | None] | None: _mended_counts,
    list[dict[str, Count | None]] | dict[str, Count | None] | None: _mended_counts,
}
"""By type of a field: how a value that does not fit is mended."""


def _opened(body: bytes, names: Sequence[str]) -> tuple[_Whole, Counter[str]]:
    """A feed with its `data` undecoded, which may be wrapped once (rule 6), and what was mended to read it.

    Raises:
        BadData: not JSON, or not a feed.
    """
    try:
        whole, repairs = _json.decode(body, _decode_whole)
        if not bytes(whole.data):
            raise BadData("Not a feed of GBFS: it has no `data`")
        data = msgspec.json.decode(whole.data, type=_Named)
        if "data" in data and not data.keys() & set(names):
            whole = _decode_whole(whole.data)
    except (ValueError, RecursionError) as error:
        raise BadData(f"Not a feed of GBFS: {error}") from None
    return whole, repairs


_decode_whole = msgspec.json.Decoder(_Whole).decode


def one(body: bytes, kind: type[T], *fields: str) -> tuple[T, list[Repaired]]:
    """What a feed whose `data` is one thing tells of it, and what was mended; `fields` are some that it has.

    Raises:
        BadData: not JSON, or not as `kind` says.
    """
    whole, repairs = _opened(body, fields)
    items, refused, mended = decoded([whole.data], kind)
    if refused:
        raise BadData(f"Not a feed of GBFS: {refused[0].reason}")
    return items[0], [Repaired(rule, times) for rule, times in sorted((repairs + mended).items())]


class _Link(msgspec.Struct):
    name: str
    url: str


class Discovery(NamedTuple):
    """What a discovery document names.

    Attributes:
        urls: of the feeds that are read, by their names in version 3.
    """

    head: Head
    urls: dict[str, str]
    refused: list[Reject]
    repairs: Counter[str]


def discovery(body: bytes) -> Discovery:
    """The feeds of a system: those in English where it tells them in several languages, else in the first that names some.

    An address that begins with `http:` is asked by https; any other that does not begin with `https:` is refused.

    Raises:
        BadData: not JSON, or not a discovery document.
    """
    if len(body) > _DISCOVERY_BYTES:
        raise BadData(f"A discovery document of {len(body):,} bytes: no honest one has more than {_DISCOVERY_BYTES:,}")
    head, repairs = _opened(body, ("feeds", "en"))
    data = msgspec.json.decode(head.data, type=_Named)
    if other := data.keys() & {"datasets", "versions"}:
        raise BadData(_other_document(other.pop(), head.data))
    languages = sorted(data, key=lambda language: not language.lower().startswith("en"))
    lists = [data["feeds"]] if "feeds" in data else [_links_of(data[language]) for language in languages]
    urls, refused = dict[str, str](), list[Reject]()
    for listed in lists:
        for link in _list_of(listed):
            try:
                named = msgspec.json.decode(link, type=_Link)
            except ValueError as error:
                refused.append(Reject(f"no link to a feed: {error}", bytes(link)[:_EXCERPT_BYTES].decode(errors="replace")))
                continue
            if named.name in FEEDS:
                try:
                    urls.setdefault(FEEDS[named.name], secured(named.url))
                except BadData as error:
                    refused.append(Reject(f"{named.name}: {error}", named.url[:_EXCERPT_BYTES]))
        if urls or refused:
            break
    return Discovery(head, urls, refused, repairs)


def _links_of(language: msgspec.Raw) -> msgspec.Raw:
    try:
        return msgspec.json.decode(language, type=_Named).get("feeds", msgspec.Raw(b"[]"))
    except ValueError:
        return msgspec.Raw(b"[]")


def _list_of(raw: msgspec.Raw) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(raw, type=list[msgspec.Raw])
    except ValueError:
        return []


def _other_document(names: str, data: msgspec.Raw) -> str:
    """What is wrong with a list of data sets (manifest.json) or of versions (gbfs_versions.json), and what to do."""
    name = {"datasets": "manifest.json", "versions": "gbfs_versions.json"}[names]
    urls = re.findall(r'"(https?://[^"\\\s]+)"', bytes(data).decode(errors="replace"))
    return (
        f"This is {name}, a list of {names}, and not the discovery document of a system: "
        f"give the address of one of them in the watchlist: {', '.join(urls[:_MOST_NAMED])}"
    )


def secured(url: str) -> str:
    """`url`, by https, what is not ASCII in it percent-encoded.

    Raises:
        BadData: it is no address of the web.
    """
    scheme, _, rest = url.strip().partition("://")
    url = f"https://{rest}" if scheme.lower() in ("http", "https") else url.strip()
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if scheme.lower() == "http" and parts.port == _HTTP_PORT:
            url = parts._replace(netloc=parts.netloc.removesuffix(f":{_HTTP_PORT}")).geturl()
        if not url.startswith("https://") or not _HOST.fullmatch(host) or not url.isprintable():
            raise ValueError
    except ValueError:
        raise BadData("this is no address of the web") from None
    return quote(url, safe=punctuation)


def request(unit: str, url: str, context: Mapping[str, Any]) -> Request:
    """The request for a feed, whose address may have a query."""
    parts = urlsplit(url)
    bare = parts._replace(query="", fragment="").geturl()
    return Request(unit=unit, url=bare, params=dict(parse_qsl(parts.query, keep_blank_values=True)), context=context)


_decode_head = msgspec.json.Decoder(Head).decode


def holds_until(capture: Capture) -> datetime:
    """Until when a feed holds: `ttl` after it was renewed; not at all where it is stale (rule 5).

    The context's `ttl_s` is what the watchlist says, where it knows better.
    """
    try:
        head, _ = _json.decode(capture.body, _decode_head)
    except (ValueError, RecursionError, BadData):
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
    """A text in English, or in the first of its languages in which it is not blank."""
    if isinstance(value, list):
        told = [one for one in value if one.text and one.text.strip()]
        value = next((one.text for one in told if (one.language or "").lower().startswith("en")), told[0].text if told else None)
    return (value or "").strip() or None


def total(counts: Iterable[int | None]) -> int | None:
    """What counts add up to; None where one of them is unknown, or there is none, or they are no count together."""
    known = list(counts)
    if not known or None in known:
        return None
    found = sum(cast("list[int]", known))
    return found if found <= MOST_COUNTED else None


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
