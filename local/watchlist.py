"""Changes to the watchlist: its TOML file on a laptop, `reference/watchlist.json` where the landing is a bucket.

In the bucket a change goes through only where nobody else has changed the list meanwhile, so that no number is assigned twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomlkit
from tomlkit.items import AoT

from gans.errors import ConfigError
from gans.sources.cities import LANGUAGES, source
from gans.storage.landing import PartKey, read_part
from gans.storage.store import S3Store, Store
from gans.storage.watchlist import KEY, WatchedCity, WatchedSystem, Watchlist, read_watchlist

_HEAD = """The cities and shared-mobility systems that Gans collects for. `gans watch` edits this file; by hand is fine too.
An id is given once and never reused: what is no longer watched stays here with is_watched = false."""


def add(store: Store, file: Path | None, language: str, title: str, region: str | None = None) -> WatchedCity:
    """Watches the city of an article; one that was removed comes back with the number it had.

    Args:
        region: the ISO 3166-2 code of the part of its country that it lies in, also of one that is watched already; None to
            leave it as it is.

    Raises:
        ConfigError: it is watched already, in a language that there are no rules for, in a region that is none, or another
            changed the list meanwhile.
    """
    if region is not None:
        _check_region(region)
    if language not in LANGUAGES:
        raise ConfigError(
            f"Articles can be read in {' and '.join(LANGUAGES)}, not in {language!r}. Name its article in one of these."
        )
    known = _known(store, file)
    changed = list(known.cities)
    for index, city in enumerate(known.cities):
        if (city.wikipedia_language, city.wikipedia_title) == (language, title):
            if city.is_watched and region in (None, city.region):
                raise ConfigError(f"{language}:{title} is watched already, as city {city.city_id}.")
            changed[index] = msgspec.structs.replace(city, is_watched=True, region=region or city.region)
            break
    else:
        index = len(changed)
        changed.append(WatchedCity(1 + max((city.city_id for city in changed), default=0), language, title, region=region))
    _write(store, file, known, msgspec.structs.replace(known, cities=tuple(changed)))
    return changed[index]


def _check_region(region: str) -> None:
    """Raises:
    ConfigError: it is no part of a country, or a part of a part: holidays are told for the parts of a country.
    """
    from pycountry import subdivisions

    part = next((one for one in subdivisions if one.code == region), None)
    if part is None:
        country = sorted(one.code for one in subdivisions if one.country_code == region[:2].upper() and not one.parent_code)
        known = f"There are {', '.join(country)}." if country else "It begins with the country's code, like DE-BE or GB-SCT."
        raise ConfigError(f"{region!r} is no region of ISO 3166-2. {known}")
    if part.parent_code:
        raise ConfigError(f"{region} ({part.name}) lies in {part.parent_code}: give that, for which holidays are told.")


def remove(store: Store, file: Path | None, city: str) -> WatchedCity:
    """Stops watching a city, named by its number or its title. What was collected stays.

    Raises:
        ConfigError: there is none, several have that title, or another changed the list meanwhile.
    """
    known = _known(store, file)
    found = [c for c in known.cities if c.is_watched and city in (str(c.city_id), c.wikipedia_title)]
    if len(found) != 1:
        which = ", ".join(
            f"{c.city_id} ({c.wikipedia_language}:{c.wikipedia_title})" for c in found or known.cities if c.is_watched
        )
        problem = f"Several watched cities are named {city!r}" if found else f"No watched city is named {city!r}"
        raise ConfigError(f"{problem}: give one of the numbers {which or '(none is watched)'}.")
    removed = msgspec.structs.replace(found[0], is_watched=False)
    left = tuple(removed if c is found[0] else c for c in known.cities)
    _write(store, file, known, msgspec.structs.replace(known, cities=left))
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


def add_system(
    store: Store, file: Path | None, system_id: str, where: str, provider: str, city_id: int | None, ttl_s: int | None
) -> WatchedSystem:
    """Watches a shared-mobility system; one that was removed comes back, with what is set now.

    Args:
        where: its address, or its System ID in MobilityData's catalogue.

    Raises:
        ConfigError: it is watched already, something about it is not as it should be, or another changed the list meanwhile.
    """
    known = _known(store, file)
    if any(system.system_id == system_id and system.is_watched for system in known.systems):
        raise ConfigError(f"A system {system_id!r} is watched already. Give the new one another name.")
    field = "url" if "://" in where else "catalogue_id"
    fields = {"system_id": system_id, field: where, "provider": provider, "city_id": city_id, "ttl_s": ttl_s}
    try:
        added = msgspec.convert(fields, WatchedSystem)
    except msgspec.ValidationError as error:
        raise ConfigError(f"The system {system_id!r} cannot be watched: {error}") from None
    others = tuple(system for system in known.systems if system.system_id != system_id)
    _write(store, file, known, msgspec.structs.replace(known, systems=(*others, added)))
    return added


def remove_system(store: Store, file: Path | None, system_id: str) -> WatchedSystem:
    """Stops watching a system. What was collected stays.

    Raises:
        ConfigError: there is none of this name, or another changed the list meanwhile.
    """
    known = _known(store, file)
    names = [system.system_id for system in known.systems if system.is_watched]
    if system_id not in names:
        raise ConfigError(f"No watched system is named {system_id!r}: give one of {', '.join(names) or '(none is watched)'}.")
    left = tuple(msgspec.structs.replace(s, is_watched=False) if s.system_id == system_id else s for s in known.systems)
    _write(store, file, known, msgspec.structs.replace(known, systems=left))
    return next(system for system in left if system.system_id == system_id)


def systems(store: Store, file: Path | None) -> list[WatchedSystem]:
    """Every system of the watchlist, removed ones too."""
    return list(_known(store, file).systems)


def _write(store: Store, file: Path | None, known: Watchlist, changed: Watchlist) -> None:
    if file is None:
        _replace(store, known, changed)
        return
    document = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else tomlkit.document()
    if not file.exists():
        for line in _HEAD.splitlines():
            document.add(tomlkit.comment(line))
    _fill(document, "cities", changed.cities)
    _fill(document, "systems", changed.systems)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(tomlkit.dumps(document), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"Cannot write the watchlist {file}: {error.strerror}.") from None


def _replace(store: Store, known: Watchlist, changed: Watchlist) -> None:
    assert isinstance(store, S3Store)  # only a bucket holds the watchlist itself
    there = store.read(KEY)
    watchlist = msgspec.json.decode(there, type=Watchlist) if there else Watchlist()
    if watchlist != known or not store.replace(KEY, there, msgspec.json.encode(changed)):
        raise ConfigError(
            f"Another changed s3://{store.bucket}/{KEY} at this very moment; it is as they left it. Run the command again."
        )


def _fill(document: tomlkit.TOMLDocument, name: str, known: Sequence[WatchedCity | WatchedSystem]) -> None:
    """Brings an array of tables to what is known: in place, so that a person's comments and order stay."""
    if not known:
        return
    array = document.setdefault(name, tomlkit.aot())
    assert isinstance(array, AoT)
    for index, one in enumerate(known):
        if index == len(array):
            array.append(tomlkit.table())
        table = array[index]
        defaults = {field.name: field.default for field in msgspec.structs.fields(one)}
        for key, value in msgspec.structs.asdict(one).items():
            if value is None:
                table.pop(key, None)
            elif table.get(key, defaults[key]) != value:
                table[key] = value


def add_all(
    store: Store, file: Path | None, cities: Iterable[Mapping[str, Any]], systems: Iterable[Mapping[str, Any]] = ()
) -> None:
    """Adds what the simulator's world would have watched: rows as `World.watchlist` and `World.systems` give them."""
    for city in cities:
        add(store, file, city["wikipedia_language"], city["wikipedia_title"])
    for system in systems:
        where = system.get("url") or system["catalogue_id"]
        add_system(store, file, system["system_id"], where, "gbfs", system["city_id"], system["ttl_s"])
