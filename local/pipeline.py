"""Collect and load in one process: what on AWS are two functions with a queue between them."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from gans.clock import utc_now
from gans.collect.collect import Collected, collect
from gans.collect.files import Imported, import_file
from gans.collect.http import Http
from gans.database import installation, migrate, revisions
from gans.database.engine import open_engine
from gans.errors import ConfigError
from gans.load.load import Loaded, load
from gans.load.pending import pending
from gans.settings import Settings, redacted
from gans.source import CollectedSource, ImportOptions, Source
from gans.sources import registry
from gans.storage.landing import parts_among
from gans.storage.reference import Snapshots
from gans.storage.store import FolderStore, Store, open_store
from gans.storage.watchlist import Watchlist, read_watchlist

Progress = Callable[[int, int], None]


class Outcome(msgspec.Struct, frozen=True):
    """What one run of one source did."""

    source: str
    slot: datetime
    collected: Collected
    loaded: list[Loaded]

    @property
    def status(self) -> str:
        """The one status of all its parts."""
        statuses = {part.status for part in self.loaded}
        return statuses.pop() if len(statuses) == 1 else "partial"

    @property
    def rows(self) -> int:
        """Rows stored, over all tables."""
        return sum(sum(part.rows.values()) for part in self.loaded)

    @property
    def rejected(self) -> int:
        """Items and answers refused."""
        return sum(part.rejected for part in self.loaded)

    @property
    def error(self) -> str:
        """The first failure, or why there was nothing to do."""
        return next((part.error for part in self.loaded if part.error), "")


class Pipeline:
    """Everything the two steps need, opened from the settings."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
        self.settings, self.clock = settings, clock
        self.sources = registry()
        self.store: Store = open_store(settings.landing)
        self.engine: Engine = open_engine(settings)
        self._agreed: set[bool] = set()

    def prepare(self) -> bool:
        """Makes sure that the database is at the newest revision; an empty one, or one whose set-up was broken off, is set up.

        Returns:
            Whether it was set up just now.

        Raises:
            ConfigError: it is older or newer than this code, or holds tables that are not known to be ours.
        """
        is_new = revisions.current(self.engine) is None
        if is_new and not migrate.holds_nothing(self.engine):
            raise ConfigError(
                f"{redacted(self.settings.database_url)} holds tables already, and Gans did not set them up. "
                "Set GANS_DATABASE_URL to a database that is empty."
            )
        if is_new:
            migrate.upgrade(self.engine)
        revisions.require_newest(self.engine)
        return is_new

    def agree(self, *, asks: bool, unmarked: bool = False) -> None:
        """Makes sure that the landing and the database belong together, and that real and simulated answers do not mix.

        `run` and `load` do so by themselves, once.

        Args:
            asks: whether the upstreams are to be asked, the real ones or the simulated.
            unmarked: whether what a place holds that does not say it is simulated.

        Raises:
            ConfigError: they do not.
        """
        if asks in self._agreed:
            return
        asks_simulated = bool(self.settings.simulator_url) if asks else None
        installation.agree(self.store, self.engine, self.settings.landing, asks_simulated=asks_simulated, unmarked=unmarked)
        self._agreed |= {asks, False}

    def run(self, source: CollectedSource, slot: datetime, on_progress: Progress = lambda done, planned: None) -> Outcome:
        """Collects `source` for `slot` and loads what was landed.

        Raises:
            ConfigError: the watchlist or the source's key is missing or wrong, or the answers would mix with others.
        """
        self.agree(asks=True)
        reference = Snapshots(self.store, read_watchlist(self.store, self.settings.watchlist_file))
        http = Http(self.settings)
        collected = collect(
            source, slot, store=self.store, reference=reference, http=http, clock=self.clock, on_progress=on_progress
        )
        outcome = Outcome(source.name, slot, collected, [self.load(key) for key in collected.parts])
        if source.retention and isinstance(self.store, FolderStore):
            for part in parts_among(self.store.keys(f"landing/{source.name}/")):
                if part.attempt < self.clock() - source.retention:
                    self.store.drop(str(part))
        return outcome

    def import_file(
        self, source: Source, path: Path, options: ImportOptions, on_progress: Progress = lambda done, planned: None
    ) -> Imported:
        """Lands a file for `source`; `load` stores its parts.

        Raises:
            BadData, ConfigError, NotKnown, NotReady: as `gans.collect.files.import_file`, or its answers would mix with others.
        """
        self.agree(asks=True)
        reference = Snapshots(self.store, Watchlist())
        return import_file(
            source, path, options, store=self.store, reference=reference, clock=self.clock, on_progress=on_progress
        )

    def load(self, key: str) -> Loaded:
        """Loads one landed part.

        Raises:
            ConfigError: its rows would mix with others.
        """
        self.agree(asks=False)
        return load(key, store=self.store, engine=self.engine, sources=self.sources, clock=self.clock)

    def pending(self) -> list[str]:
        """The landed parts that the ledger does not know, oldest slot first."""
        return [str(part) for part in pending(self.store, self.engine, self.sources.values(), self.clock())]

    def asked(self) -> dict[str, CollectedSource]:
        """Those of the sources that are asked, in the order of what needs what."""
        return {name: source for name, source in self.sources.items() if isinstance(source, CollectedSource)}

    def readers(self, changed: Iterable[str]) -> Iterator[CollectedSource]:
        """The sources that read one of the reference tables that changed."""
        tables = set(changed)
        return (source for source in self.asked().values() if tables & set(source.reads))


def landed(store: Store, source: str, since: datetime | None, until: datetime | None) -> list[str]:
    """The landed parts of `source` whose slot is from `since` to `until`, both included, oldest first."""
    parts = parts_among(store.keys(f"landing/{source}/"))
    return [str(part) for part in parts if (since is None or part.slot >= since) and (until is None or part.slot <= until)]
