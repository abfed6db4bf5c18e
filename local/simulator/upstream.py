"""What an upstream is to the simulator: a module of this package with HOSTS, `answer` and `refuse`; and, where it is asked by
quota, `exhausted() -> Answer`, what it says when that is used up.

Adding an upstream is adding such a module; `upstreams` finds it. Its functions are pure: the same world, request and
time give the same answer.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from functools import cache
from typing import Protocol, cast

from local.simulator.world import World


@dataclass(frozen=True)
class Request:
    """A question, taken apart.

    Attributes:
        host: the upstream's host.
        path: percent-decoded, from the slash on.
        query: a parameter that is repeated has its values joined by commas.
        headers: names in lower case.
    """

    host: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Delivery(Enum):
    """How the bytes of an answer reach the client."""

    WHOLE = auto()
    HELD = auto()  # never: the connection stays open and silent for as long as the client waits
    RESET = auto()  # half of the body, then a reset of the connection
    DRIPPED = auto()  # a byte now and then
    PADDED = auto()  # the body, then blanks without end


@dataclass(frozen=True)
class Answer:
    """What the client gets; the length of the body is added to the headers on delivery."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    delivery: Delivery = Delivery.WHOLE


class Upstream(Protocol):
    """The shape of an upstream's module."""

    HOSTS: tuple[str, ...]

    def answer(self, world: World, request: Request, now: datetime) -> Answer:
        """What the upstream says to a question at a time."""
        ...

    def refuse(self, status: int) -> Answer:
        """What the upstream says with a 429 or a 500, in its own words."""
        ...


@cache
def upstreams() -> dict[str, Upstream]:
    """The upstream of each host, found by looking into this package."""
    package = importlib.import_module("local.simulator")
    names = (found.name for found in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"local.simulator.{name}") for name in names]
    return {host: cast("Upstream", module) for module in modules for host in getattr(module, "HOSTS", ())}
