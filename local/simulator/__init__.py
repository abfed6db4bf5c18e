"""The simulator: a small server that speaks the upstreams' formats, with seeded data and faults on demand.

`Simulator` is for tests and the demo, `serve` for the command. A new upstream is a new module here; see `upstream`.
"""

from local.simulator.faults import FAULTS, Faults
from local.simulator.server import Simulator, serve
from local.simulator.world import City, World

__all__ = ["FAULTS", "City", "Faults", "Simulator", "World", "serve"]
