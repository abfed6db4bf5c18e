"""What is configured, what is missing, and where it was looked for."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy.exc import DBAPIError

from gans import __version__
from gans.database import installation, revisions
from gans.database.engine import open_engine, open_reader
from gans.database.grants import rights_beyond_reading
from gans.errors import ConfigError, GansError
from gans.settings import Settings, redacted
from gans.sources import asked
from gans.storage.store import open_store
from gans.storage.watchlist import article_title, read_watchlist

Verdict = Literal["ok", "note", "wrong"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    what: str
    verdict: Verdict
    message: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Looks at everything a run needs, and asks no upstream."""
    yield Finding("gans", "ok", f"{__version__} on Python {sys.version.split()[0]}")
    env = Path(".env")
    yield Finding(".env", "ok" if env.exists() else "note", str(env.resolve()) if env.exists() else "none here, which is fine")
    yield _database(settings)
    if settings.reader_url:
        yield _reader("GANS_READER_URL", settings.for_pages)
    if settings.analyst_url:
        yield _reader("GANS_ANALYST_URL", settings.for_people)
    yield _landing(settings)
    yield from _agreement(settings)
    yield _watchlist(settings)
    if settings.simulator_url:
        yield Finding("upstreams", "note", f"simulated, at {settings.simulator_url} (GANS_SIMULATOR_URL)")
    else:
        who = f", told to write to {settings.contact}" if settings.contact else "; Wikipedia wants a contact: set GANS_CONTACT"
        yield Finding("upstreams", "ok" if settings.contact else "note", f"the real ones{who}")
    for source in asked().values():
        secret = source.secret
        if secret is None:
            yield Finding(source.name, "ok", f"{source.provider}, needs no key")
        elif settings.keys.get(secret.setting):
            yield Finding(source.name, "ok", f"{source.provider}, with the key of {secret.setting}")
        elif secret.is_required:
            needs = f"{source.provider}, skipped, for it needs a key: set {secret.setting} in the environment or in .env"
            yield Finding(source.name, "note", needs)
        else:
            yield Finding(source.name, "note", f"{source.provider}, without a key; set {secret.setting} if you have one")


def _database(settings: Settings) -> Finding:
    where = redacted(settings.database_url)
    try:
        engine = open_engine(settings)
        if revisions.current(engine) is None:
            return Finding("database", "note", f"{where} is empty; `gans collect` or `gans db upgrade` sets it up")
        revisions.require_newest(engine)
    except GansError as error:
        return Finding("database", "wrong", f"{where}: {error}")
    except DBAPIError as error:
        return Finding(
            "database", "wrong", f"{where} does not answer: {error.orig}. Check GANS_DATABASE_URL, or `gans mysql start`."
        )
    return Finding("database", "ok", f"{where}, {engine.dialect.name}, at revision {revisions.head()}")


def _reader(setting: str, login: Callable[[], Settings]) -> Finding:
    """Whether the user of a URL for reading gets in, and may do no more."""
    try:
        engine = open_reader(login())
        rights = rights_beyond_reading(engine)
    except GansError as error:
        return Finding(setting, "wrong", str(error))
    except DBAPIError as error:
        return Finding(setting, "wrong", f"the database does not let it in: {error.orig}")
    if rights:
        return Finding(setting, "wrong", f"{engine.url.username} may do more than read: {', '.join(rights)}")
    return Finding(setting, "ok", f"{engine.url.username or 'who opens the file'} may only read")


def _landing(settings: Settings) -> Finding:
    probe = "state/doctor.json"
    try:
        open_store(settings.landing).write(probe, b"{}")
    except GansError as error:
        return Finding("landing", "wrong", str(error))
    return Finding("landing", "ok", f"{settings.landing} (GANS_LANDING) can be written")


def _agreement(settings: Settings) -> Iterator[Finding]:
    """Whether what is landed, loaded and asked is all real or all simulated; nothing where one of them cannot be looked at."""
    try:
        store, engine = open_store(settings.landing), open_engine(settings)
        if revisions.current(engine) != revisions.head():
            return
    except (GansError, DBAPIError):
        return
    try:
        asks = bool(settings.simulator_url)
        of_landing, *_ = installation.require_agreement(store, engine, settings.landing, asks_simulated=asks)
    except ConfigError as error:
        yield Finding("identity", "wrong", str(error))
    else:
        if of_landing:
            yield Finding("identity", "ok", f"landing {of_landing.id}, {'simulated' if of_landing.is_simulated else 'real'}")


def _watchlist(settings: Settings) -> Finding:
    file = settings.watchlist_file
    try:
        cities = [city for city in read_watchlist(open_store(settings.landing), file).cities if city.is_watched]
    except GansError as error:
        return Finding("watchlist", "wrong", str(error))
    counted = f"{file or settings.landing}: {len(cities)} cities watched"
    known: dict[tuple[str, str], int] = {}
    for city in cities:
        first = known.setdefault((city.wikipedia_language, article_title(city.wikipedia_title)), city.city_id)
        if first != city.city_id:
            twice = f"cities {first} and {city.city_id} are one article, asked twice: `gans watch remove {city.city_id}`"
            return Finding("watchlist", "note", f"{counted}; {twice}")
    return Finding("watchlist", "ok" if cities else "note", counted)
