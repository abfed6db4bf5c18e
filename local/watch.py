"""Changes to the watchlist: its TOML file on a laptop, `reference/watchlist.json` where the landing is a bucket.

In the bucket a change goes through only where nobody else has changed the list meanwhile, so that no number is given twice.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import tomlkit
from tomlkit.items import AoT

from gans.errors import ConfigError
from gans.landing import PartKey, S3Store, Store, read_part
from gans.reference import KEY, WatchedCity, Watchlist, read_watchlist
from gans.sources.cities import LANGUAGES, source

_HEAD = """The cities that Gans collects for. `gans watch add|remove` edits this file; by hand is fine too.
A city_id is given once and never reused: a city that is no longer watched stays here with is_watched = false."""


def add(store: Store, file: Path | None, language: str, title: str) -> WatchedCity:
    """Watches the city of an article; one that was removed comes back with the number it had.

    Raises:
        ConfigError: it is watched already, in a language that there are no rules for, or another changed the list meanwhile.
    """
    if language not in LANGUAGES:
        raise ConfigError(
            f"Articles can be read in {' and '.join(LANGUAGES)}, not in {language!r}. Name its article in one of these."
        )
    known = cities(store, file)
    changed = list(known)
    for place, city in enumerate(known):
        if (city.wikipedia_language, city.wikipedia_title) == (language, title):
            if city.is_watched:
                raise ConfigError(f"{language}:{title} is watched already, as city {city.city_id}.")
            changed[place] = msgspec.structs.replace(city, is_watched=True)
            break
    else:
        place = len(known)
        changed.append(WatchedCity(1 + max((city.city_id for city in known), default=0), language, title))
    _write(store, file, known, changed)
    return changed[place]


def remove(store: Store, file: Path | None, city: str) -> WatchedCity:
    """Stops watching a city, named by its number or its title. What was collected stays.

    Raises:
        ConfigError: there is none, several have that title, or another changed the list meanwhile.
    """
    known = cities(store, file)
    found = [c for c in known if c.is_watched and city in (str(c.city_id), c.wikipedia_title)]
    if len(found) != 1:
        which = ", ".join(f"{c.city_id} ({c.wikipedia_language}:{c.wikipedia_title})" for c in found or known if c.is_watched)
        problem = f"Several watched cities are named {city!r}" if found else f"No watched city is named {city!r}"
        raise ConfigError(f"{problem}: give one of the numbers {which or '(none is watched)'}.")
    removed = msgspec.structs.replace(found[0], is_watched=False)
    _write(store, file, known, [removed if c is found[0] else c for c in known])
    return removed


def cities(store: Store, file: Path | None) -> list[WatchedCity]:
    """Everything on the watchlist, removed cities too; nothing where there is none yet."""
    return list(_known(store, file).cities)


def _known(store: Store, file: Path | None) -> Watchlist:
    is_there = file.exists() if file else store.read(KEY) is not None
    return read_watchlist(store, file) if is_there else Watchlist()


def without_article(store: Store, parts: Iterable[str]) -> Iterator[WatchedCity]:
    """The cities among what was landed in `parts` whose article does not exist."""
    for key in parts:
        if PartKey.parse(key).source == source.name:
            for capture in read_part(store.read(key) or b"").captures:
                if capture.status == 404:
                    yield WatchedCity(*(capture.context[name] for name in ("city_id", "language", "title")))


def _write(store: Store, file: Path | None, known: list[WatchedCity], changed: list[WatchedCity]) -> None:
    if file is None:
        _replace(store, known, changed)
        return
    document = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else tomlkit.document()
    if not file.exists():
        for line in _HEAD.splitlines():
            document.add(tomlkit.comment(line))
    array = document.setdefault("cities", tomlkit.aot())
    assert isinstance(array, AoT)
    for place, city in enumerate(changed):  # in place, so that a person's comments and order stay
        if place == len(array):
            array.append(tomlkit.table())
        for name, value in msgspec.structs.asdict(city).items():
            if array[place].get(name, True if name == "is_watched" else None) != value:
                array[place][name] = value
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(tomlkit.dumps(document), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"Cannot write the watchlist {file}: {error.strerror}.") from None


def _replace(store: Store, known: list[WatchedCity], changed: list[WatchedCity]) -> None:
    assert isinstance(store, S3Store)  # only a bucket holds the watchlist itself
    there = store.read(KEY)
    watchlist = msgspec.json.decode(there, type=Watchlist) if there else Watchlist()
    new = msgspec.json.encode(msgspec.structs.replace(watchlist, cities=tuple(changed)))
    if list(watchlist.cities) != known or not store.replace(KEY, there, new):
        raise ConfigError(
            f"Another changed s3://{store.bucket}/{KEY} at this very moment; it is as they left it. Run the command again."
        )
