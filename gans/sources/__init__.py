"""One module per source. A module whose name begins with `_` is shared by several sources and is no source."""

import importlib
import pkgutil
from functools import cache

from gans.source import Source


@cache
def registry() -> dict[str, Source]:
    """Every source by name, found by looking into `gans.sources`, those first that others read from."""
    import gans.sources

    found: dict[str, Source] = {}
    for module in pkgutil.iter_modules(gans.sources.__path__):
        if not module.name.startswith("_"):
            source = importlib.import_module(f"gans.sources.{module.name}").source
            found[source.name] = source
    return {source.name: source for source in _in_order(list(found.values()))}


def _in_order(sources: list[Source]) -> list[Source]:
    """Writers of a table before its readers; otherwise by name."""
    ordered: list[Source] = []
    waiting = sorted(sources, key=lambda source: source.name)
    while waiting:
        blocked = {table for source in waiting for table in source.writes}
        ready = [s for s in waiting if not (set(s.reads) & (blocked - set(s.writes)))] or waiting
        ordered += ready[:1]
        waiting.remove(ready[0])
    return ordered
