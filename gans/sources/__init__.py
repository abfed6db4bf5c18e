"""One module per source. A module whose name begins with `_` is shared by several sources and is no source."""

import importlib
import pkgutil
from functools import cache

from gans.source import CollectedSource, Source


@cache
def registry() -> dict[str, Source]:
    """Every source by name, found by looking into `gans.sources`: those that are asked, then those that only take files."""
    import gans.sources

    names = (module.name for module in pkgutil.iter_modules(gans.sources.__path__) if not module.name.startswith("_"))
    found: list[Source] = [importlib.import_module(f"gans.sources.{name}").source for name in names]
    first = _in_order([source for source in found if isinstance(source, CollectedSource)])
    return {source.name: source for source in (*first, *(source for source in found if source not in first))}


def asked() -> dict[str, CollectedSource]:
    """The sources that are asked, by name, those first that others read from."""
    return {name: source for name, source in registry().items() if isinstance(source, CollectedSource)}


def _in_order(sources: list[CollectedSource]) -> list[CollectedSource]:
    """Writers of a table before its readers; otherwise by name."""
    ordered: list[CollectedSource] = []
    waiting = sorted(sources, key=lambda source: source.name)
    while waiting:
        blocked = {table for source in waiting for table in source.writes}
        ready = [s for s in waiting if not (set(s.reads) & (blocked - set(s.writes)))] or waiting
        ordered += ready[:1]
        waiting.remove(ready[0])
    return ordered
