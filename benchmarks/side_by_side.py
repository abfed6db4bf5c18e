"""Two ways to the same end, timed in turn: what both suffer from the machine and its other users does not tell them apart."""

import gc
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter

import msgspec


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared.

    Attributes:
        name: `<suite>.<what>.<peer>`.
        unit: of the speeds, like "rows/s".
        amount: how much one run does, in rows or pages.
        ours: prepares, does it once, and gives the seconds that it took, the preparing left out.
        peer: the same, the other way.
        target: the least ratio of our speed to the peer's.
        rounds: how often each is run.
    """

    name: str
    unit: str
    amount: int
    ours: Callable[[], float]
    peer: Callable[[], float]
    peer_name: str
    target: float
    rounds: int


class Suite(msgspec.Struct, frozen=True):
    """Benchmarks, and the versions of what they ran on; where there are none, why."""

    benchmarks: Sequence[Benchmark] = ()
    versions: Mapping[str, str] = {}
    why_none: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a benchmark ended: the speeds, the ratio of ours to the peer's, and whether that is at least the target."""

    name: str
    unit: str
    ours: float
    peer: float
    peer_name: str
    ratio: float
    target: float
    holds: bool


def compare(benchmark: Benchmark, on_run: Callable[[], object] = lambda: None) -> Result:
    """Runs both in turn, each going first as often as the other, and compares the medians.

    Args:
        on_run: is called after each run.
    """
    ways = (benchmark.ours, benchmark.peer)
    took: tuple[list[float], list[float]] = ([], [])
    for number in range(benchmark.rounds):
        for way in (0, 1) if number % 2 == 0 else (1, 0):
            took[way].append(ways[way]())
            on_run()
    ours, peer = (benchmark.amount / median(runs) for runs in took)
    ratio = round(ours / peer, 3)
    return Result(
        name=benchmark.name,
        unit=benchmark.unit,
        ours=round(ours, 2),
        peer=round(peer, 2),
        peer_name=benchmark.peer_name,
        ratio=ratio,
        target=benchmark.target,
        holds=ratio >= benchmark.target,
    )


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes. What was there before it is kept from the garbage collector, which would go through it in vain."""
    gc.collect()
    gc.freeze()
    started = perf_counter()
    work()
    took = perf_counter() - started
    gc.unfreeze()
    return took
