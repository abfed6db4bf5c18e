"""One module or package per decision: pure, rows in, answers out. One whose name begins with `_` is shared and is no decision."""

import importlib
import pkgutil
from functools import cache

from gans.decision import Proposal


@cache
def registry() -> dict[str, Proposal]:
    """Every decision by name, found by looking into `gans.decisions`."""
    import gans.decisions

    names = sorted(module.name for module in pkgutil.iter_modules(gans.decisions.__path__) if not module.name.startswith("_"))
    return {name: importlib.import_module(f"gans.decisions.{name}").decision for name in names}
