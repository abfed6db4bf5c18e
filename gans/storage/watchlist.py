"""The watchlist: the cities and systems that Gans collects for."""

import logging
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from gans.errors import ConfigError
from gans.storage.store import Store

SYSTEM_ID = r"^[a-z0-9_-]{1,64}\Z"


class WatchedCity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A city that is, or was, on the watchlist.

    Attributes:
        city_id: assigned once, never reused; a removed city stays in the list so that its number is not assigned again.
        wikipedia_language: the language of its article, like "en".
        wikipedia_title: the title of its article, like "Burlington, Ontario".
        region: the ISO 3166-2 code of the part of its country that it lies in, like "DE-BE"; the holidays there are its own.
    """

    city_id: Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647)]
    wikipedia_language: str
    wikipedia_title: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=255)]
    is_watched: bool = True
    region: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}\Z")] | None = None


class WatchedSystem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shared-mobility system that is, or was, on the watchlist.

    Attributes:
        system_id: chosen once, never reused, like "velib".
        provider: how its feeds are to be read: as GBFS, or as Paris's open data.
        url: its GBFS discovery document; of `paris_opendata` the data set in the Explore API; or
        catalogue_id: its System ID in MobilityData's catalogue.
        city_id: the city that it serves, where that is on the watchlist.
        ttl_s: for how long its answers hold, s, where its feeds are known to state it wrongly.
    """

    system_id: Annotated[str, msgspec.Meta(pattern=SYSTEM_ID)]
    provider: Literal["gbfs", "paris_opendata"] = "gbfs"
    url: Annotated[str, msgspec.Meta(pattern=r"^https://[!-~]+\Z", max_length=500)] | None = None
    catalogue_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    city_id: Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647)] | None = None
    ttl_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None
    is_watched: bool = True

    def __post_init__(self) -> None:
        if (self.url is None) == (self.catalogue_id is None):
            raise ConfigError(f"The watchlist must give either the url or the catalogue_id of the system {self.system_id!r}.")


class Watchlist(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cities and the shared-mobility systems that Gans collects for.

    Attributes:
        airport_distance_km: airports at most so far away count as a city's own (great circle).
    """

    cities: tuple[WatchedCity, ...] = ()
    systems: tuple[WatchedSystem, ...] = ()
    airport_distance_km: Annotated[float, msgspec.Meta(ge=0, le=300)] = 60.0

    def __post_init__(self) -> None:
        seen: dict[int, WatchedCity] = {}
        for city in self.cities:
            other = seen.setdefault(city.city_id, city)
            if other is not city:
                raise ConfigError(
                    f"The watchlist gives city_id {city.city_id} to {other.wikipedia_title!r} and to {city.wikipedia_title!r}. "
                    "Give the newer one a number of its own; `gans watch add` does so by itself."
                )
        ids = [system.system_id for system in self.systems]
        if repeated := sorted({system_id for system_id in ids if ids.count(system_id) > 1}):
            raise ConfigError(
                f"The watchlist has two systems called {', '.join(repeated)}. Give the newer one another system_id."
            )
        if unknown := sorted({s.system_id for s in self.systems if s.city_id is not None and s.city_id not in seen}):
            raise ConfigError(
                f"The watchlist has no city with the city_id of the system {', '.join(unknown)}. Add the city first."
            )


KEY = "reference/watchlist.json"
ENCODING = "utf-8-sig"
"""Of the file: Windows' editors begin it with a byte-order mark."""

_BLANKS = re.compile(r"[\s_\u180e]+")
_UNSEEN = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\ufeff]")

HINTS: Final[Mapping[str, str]] = {
    "wikipedia_title": "A title has 1 to 255 characters, as at the head of its article.",
    "system_id": "A system's name has 1 to 64 small letters, digits, _ and -.",
    "url": "An address begins with https://, and has no blanks.",
    "provider": "A provider is gbfs or paris_opendata.",
}
"""What a field must be, in words."""


def article_title(title: str) -> str:
    """The one spelling of a title, of all by which Wikipedia finds the article.

    Underscores are blanks, blanks at the ends and several in a row do not count, nor does the case of the first letter
    (https://www.mediawiki.org/wiki/Manual:Page_title).
    """
    text = _BLANKS.sub(" ", _UNSEEN.sub("", unicodedata.normalize("NFC", title))).strip()
    first = text[:1].upper()
    return (first if len(first) == 1 else text[:1]) + text[1:]  # no letter becomes two: ß stays


_log = logging.getLogger(__name__)


def last_written(file: Path) -> Path:
    """Where `gans watch` keeps a copy of the file as it wrote it last."""
    real = file.resolve()
    return real.with_name(f".{real.name}.last")


def recovered(file: Path) -> bytes:
    """What the file holds; or what `gans watch` wrote, where that was cut off in the middle, or nothing of it is left."""
    data, copy = file.read_bytes(), last_written(file)
    last = copy.read_bytes() if copy.is_file() else b""
    if len(data) < len(last) and last.startswith(data) and not _is_toml(data):
        _log.warning("%s is cut off in the middle; %s, as it was written last, is read instead", file, copy)
        return last
    return data


def _is_toml(data: bytes) -> bool:
    try:
        return bool(tomllib.loads(data.decode(ENCODING)))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False


def read_watchlist(store: Store, file: Path | None) -> Watchlist:
    """The watchlist from its TOML file, or from the store where `file` is None.

    A file that is only the beginning of what `gans watch` wrote, and no TOML or nothing at all, is read as that was written.

    Raises:
        ConfigError: it is not there, or not as it should be.
    """
    where = str(file or KEY)
    try:
        text = recovered(file) if file else store.read(KEY)
        if text is None:
            raise FileNotFoundError
        return msgspec.convert(tomllib.loads(text.decode(ENCODING)) if file else msgspec.json.decode(text), Watchlist)
    except FileNotFoundError:
        raise ConfigError(f"There is no watchlist at {where}. Begin one with `gans watch add en Berlin`.") from None
    except OSError as error:
        raise ConfigError(f"The watchlist {where} cannot be read: {error.strerror}") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"The watchlist {where} cannot be read: {error}.{_way_out(str(error))}") from None
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The watchlist {where} cannot be read: {error}. Mend it, or bring an earlier one back.") from None


def _way_out(problem: str) -> str:
    """What to do about what is not as it should be: in words, and the command that takes it away."""
    if single := re.search(r"got `object` - at `\$\.(cities|systems)`", problem):
        return f" Write [[{single[1]}]], in double brackets, above each."
    found = re.search(r"\$\.(cities|systems)\[(\d+)\](?:\.(\w+))?", problem)
    if found is None:
        return ""
    hint = HINTS.get(found[3] or "", "")
    command = "remove" if found[1] == "cities" else "remove-system"
    place = f"#{int(found[2]) + 1}"
    return f"{hint and ' '}{hint} Correct it, or take it away: `gans watch {command} {place}`."
