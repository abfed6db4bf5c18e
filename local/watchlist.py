"""Changes to the watchlist: its TOML file on a laptop, `reference/watchlist.json` where the landing is a bucket.

In the bucket a change goes through only where nobody else has changed the list meanwhile, so that no number is assigned twice.
"""

import fcntl
import os
import re
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from gans.errors import ConfigError
from gans.sources.cities import LANGUAGES, source
from gans.storage.landing import PartKey, read_part
from gans.storage.store import S3Store, Store
from gans.storage.watchlist import (
    ENCODING,
    HINTS,
    KEY,
    WatchedCity,
    WatchedSystem,
    Watchlist,
    article_title,
    last_written,
    read_watchlist,
    recovered,
)

_HEAD = """The cities and shared-mobility systems that Gans collects for. `gans watch` edits this file; by hand is fine too.
An id is given once and never reused: what is no longer watched stays here with is_watched = false."""


MAX_TITLE_BYTES: Final = 255
"""Of UTF-8, as MediaWiki keeps a title."""
GONE: Final = "(removed)"
"""The title of what was no city, and whose number is not given again."""
_NO_TITLE: Final = re.compile(r"[#<>|{}]|%[0-9A-Fa-f]{2}")


@contextmanager
def _locked(file: Path | None) -> Iterator[None]:
    """While another changes the file, waits; in a bucket the change itself is refused."""
    if file is None:
        yield
        return
    real = file.resolve()  # one lock, by whichever name the file is called
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        lock = (real.parent / f".{real.name}.lock").open("w")
    except OSError as error:
        raise ConfigError(f"Cannot write the watchlist {file}: {error.strerror}.") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _checked_title(title: str) -> str:
    """The title as Wikipedia spells it.

    Raises:
        ConfigError: no article can have it.
    """
    found = article_title(title)
    if not found:
        raise ConfigError('The title is empty: give that of an article, like "Burlington, Ontario".')
    if "://" in found:
        raise ConfigError(f"{_short(found)} is an address: give the title alone, as it stands at the head of the article.")
    if not found.isprintable() or _NO_TITLE.search(found):
        raise ConfigError(
            f"{_short(found)} is no title: in one there is no #, <, >, |, {{, }}, no %20 and the like, and nothing unseen. "
            "Give it as it stands at the head of the article."
        )
    if (size := len(found.encode())) > MAX_TITLE_BYTES:
        raise ConfigError(f"A title has {MAX_TITLE_BYTES} bytes at most, and {_short(found)} has {size:,}.")
    return found


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")


def add(store: Store, file: Path | None, language: str, title: str, region: str | None = None) -> WatchedCity:
    """Watches the city of an article; one that was removed comes back with the number it had.

    Args:
        region: the ISO 3166-2 code of the part of its country that it lies in, also of one that is watched already; None to
            leave it as it is.

    Raises:
        ConfigError: it is watched already, no article can be called so, in a language that there are no rules for, in a region
            that is none, or another changed the list meanwhile.
    """
    if region is not None:
        _check_region(region)
    if language not in LANGUAGES:
        raise ConfigError(
            f"Articles can be read in {' and '.join(LANGUAGES)}, not in {language!r}. Name its article in one of these."
        )
    title = _checked_title(title)
    with _locked(file):
        known = _known(store, file)
        changed = list(known.cities)
        for index, city in enumerate(known.cities):
            if (city.wikipedia_language, article_title(city.wikipedia_title)) == (language, title):
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


def remove(store: Store, file: Path | None, city: str) -> WatchedCity | None:
    """Stops watching a city, named by its number or its title. What was collected stays.

    Returns:
        The city; None where it was no city, and is taken out of the list.

    Raises:
        ConfigError: there is none, several have that title, or another changed the list meanwhile.
    """
    with _locked(file):
        try:
            known = _known(store, file)
        except ConfigError as error:
            _take_out(store, file, "cities", city, error)
            return None
        language, colon, title = city.partition(":")
        names = {(None, article_title(city)), (language, article_title(title)) if colon else None}
        found = [
            c
            for c in known.cities
            if c.is_watched
            and (
                city == str(c.city_id) or names & {(of, article_title(c.wikipedia_title)) for of in (None, c.wikipedia_language)}
            )
        ]
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


def _take_out(store: Store, file: Path | None, kind: Literal["cities", "systems"], named: str, problem: ConfigError) -> None:
    """Stops watching an entry of a list that is not as it should be: named by its number, name or title, or its place, like #2.

    A city that is no city leaves its number behind, which is not given again; a system that is none goes.

    Raises:
        ConfigError: `problem`, where there is no such entry, or the list cannot be read at all.
    """
    before, document = _read_any(store, file, problem)
    entries = document.get(kind)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise problem
    id_name, type_ = ("city_id", WatchedCity) if kind == "cities" else ("system_id", WatchedSystem)
    names = [(f"#{place}", str(entry.get(id_name)), entry.get("wikipedia_title")) for place, entry in enumerate(entries, 1)]
    found = [index for index, of in enumerate(names) if named in of]
    if len(found) > 1:
        places = ", ".join(f"{names[index][0]} ({names[index][2] or names[index][1]})" for index in found)
        raise ConfigError(f"Several are named {named!r}: give the place of one of them, {places}.")
    if not found:
        raise problem
    entry = entries[found[0]]
    number, is_alone = entry.get(id_name), sum(of[1] == names[found[0]][1] for of in names) == 1
    try:
        msgspec.convert(dict(entry), type_)
        is_right = is_alone
    except (msgspec.ValidationError, ConfigError):
        is_right = False
    if is_right:
        entry["is_watched"] = False
    elif kind == "cities" and is_alone and _is_number(number):
        for name in list(entry):
            del entry[name]
        entry.update(city_id=number, wikipedia_language="en", wikipedia_title=GONE, is_watched=False)
    else:
        del entries[found[0]]
    if file:
        _replace_file(file, tomlkit.dumps(document))
    elif not (isinstance(store, S3Store) and store.replace(KEY, before, msgspec.json.encode(document))):
        raise ConfigError(f"Another changed {KEY} at this very moment; it is as they left it. Run the command again.")


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31


def _read_any(store: Store, file: Path | None, problem: ConfigError) -> tuple[bytes | None, dict[str, Any]]:
    """The watchlist as it stands, right or wrong."""
    try:
        before = file.read_bytes() if file else store.read(KEY)
        document: dict[str, Any] = (
            tomlkit.parse((before or b"").decode(ENCODING)) if file else msgspec.json.decode(before or b"{}", type=dict[str, Any])
        )
    except (OSError, UnicodeDecodeError, TOMLKitError, msgspec.DecodeError):
        raise problem from None
    return before, document


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
    try:
        field, where = _address(where)
        fields = {"system_id": system_id, field: where, "provider": provider, "city_id": city_id, "ttl_s": ttl_s}
        added = msgspec.convert(fields, WatchedSystem)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("`$.")[2].rstrip("`")
        raise ConfigError(f"The system {_short(system_id)} cannot be watched: {HINTS.get(name, error)}") from None
    except ConfigError as error:
        raise ConfigError(f"The system {_short(system_id)} cannot be watched: {error}") from None
    with _locked(file):
        known = _known(store, file)
        if any(system.system_id == system_id and system.is_watched for system in known.systems):
            raise ConfigError(f"A system {system_id!r} is watched already. Give the new one another name.")
        others = tuple(system for system in known.systems if system.system_id != system_id)
        _write(store, file, known, msgspec.structs.replace(known, systems=(*others, added)))
    return added


def _address(where: str) -> tuple[str, str]:
    """Whether it is a `url` or a `catalogue_id`, and how it is written.

    Raises:
        ConfigError: it is neither.
    """
    where = where.strip()
    if not where or not where.isprintable():
        raise ConfigError("give its address, or its System ID in MobilityData's catalogue.")
    scheme, colon, rest = where.partition("://")
    if not colon:
        if "/" in where:
            raise ConfigError(f"an address begins with https://. Give https://{where}")
        return "catalogue_id", where
    if scheme.lower() != "https":
        raise ConfigError(f"an address begins with https://, for what {scheme}:// answers can be forged. Try https://{rest}")
    host, slash, path = rest.partition("/")
    if not host:
        raise ConfigError("the address names no host.")
    return "url", f"https://{host if '@' in host else host.lower()}{slash}{path}"


def remove_system(store: Store, file: Path | None, system_id: str) -> WatchedSystem | None:
    """Stops watching a system. What was collected stays.

    Returns:
        The system; None where it was none, and is taken out of the list.

    Raises:
        ConfigError: there is none of this name, or another changed the list meanwhile.
    """
    with _locked(file):
        try:
            known = _known(store, file)
        except ConfigError as error:
            _take_out(store, file, "systems", system_id, error)
            return None
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
    document = tomlkit.parse(recovered(file).decode(ENCODING)) if file.exists() else tomlkit.document()
    if not file.exists():
        for line in _HEAD.splitlines():
            document.add(tomlkit.comment(line))
    try:
        _fill(document, "cities", changed.cities)
        _fill(document, "systems", changed.systems)
        text = tomlkit.dumps(document)
        is_right = msgspec.convert(tomllib.loads(text), Watchlist) == changed
    except (TOMLKitError, tomllib.TOMLDecodeError, msgspec.ValidationError):
        is_right = False
    if not is_right:
        raise ConfigError(f"The watchlist {file} is written in a way that this command cannot change: change it by hand.")
    _replace_file(file, text)


def _replace_file(file: Path, text: str) -> None:
    """Writes the file, and then its copy, each whole or not at all."""
    path = file.resolve()
    mode = path.stat().st_mode if path.exists() else 0o644
    for target in (path, last_written(file)):
        _replace_whole(target, text, mode)


def _replace_whole(path: Path, text: str, mode: int) -> None:
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", dir=path.parent, prefix=".", delete=False) as beside:
            try:
                beside.write(text)
                beside.flush()
                os.fsync(beside.fileno())
                os.fchmod(beside.fileno(), mode)
                Path(beside.name).replace(path)
            except BaseException:
                Path(beside.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ConfigError(f"Cannot write the watchlist {path}: {error.strerror}.") from None


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
    if not document.get(name):  # absent, or `[]`
        document.pop(name, None)
        document.add(name, tomlkit.aot())
    array = document[name]
    is_inline = not isinstance(array, AoT)
    for index, one in enumerate(known):
        is_new = index == len(array)
        table: Any = (tomlkit.inline_table() if is_inline else tomlkit.table()) if is_new else array[index]
        defaults = {field.name: field.default for field in msgspec.structs.fields(one)}
        for key, value in msgspec.structs.asdict(one).items():
            if value is None:
                table.pop(key, None)
            elif table.get(key, defaults[key]) != value:
                table[key] = value
        if is_new:
            array.append(table)


def add_all(
    store: Store, file: Path | None, cities: Iterable[Mapping[str, Any]], systems: Iterable[Mapping[str, Any]] = ()
) -> None:
    """Adds what the simulator's world would have watched: rows as `World.watchlist` and `World.systems` give them."""
    for city in cities:
        add(store, file, city["wikipedia_language"], city["wikipedia_title"])
    for system in systems:
        where = system.get("url") or system["catalogue_id"]
        add_system(store, file, system["system_id"], where, "gbfs", system["city_id"], system["ttl_s"])
