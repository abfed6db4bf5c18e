"""An hour of Vélib' compacted, against pandas, which writes the same answers flattened as Parquet, and against its limits.

The hour is made from one real answer: minute by minute as many stations report anew, and as many of their counts change, as the
times in that answer and Vélib's trips of a day let expect. The random numbers are the same in every run.
"""

import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.side_by_side import Benchmark, Suite, seconds
from gans.archive.archive import Archived, compact
from gans.database import migrate
from gans.database.engine import open_engine
from gans.settings import Settings
from gans.source import Capture
from gans.sources.station_status import source
from gans.storage.landing import Footer, Header, PartKey, PartWriter, read_part
from gans.storage.store import FolderStore

ANSWER = Path("velib", "gbfs_2024-11-19_station_status.json")
STATUS = Path("/proc/self/status")
HOUR = datetime(2024, 11, 19, 8, tzinfo=UTC)
MINUTES = 60
REPORTING = 1 - math.exp(-math.log(2) * 60 / 75)
"""The share of stations that report in a minute: in the answer, half have done so within 75 s before the newest."""
CHANGING = 0.2
"""The share of stations whose count changes in a minute: 200,000 trips a day, each two changes, over 1,450 stations."""

Run = Callable[[], float]

MOST_S, MOST_MB, LEAST_SMALLER, LEAST_FASTER = 3.0, 300.0, 10.0, 2.0
ROUNDS = 3


@contextmanager
def suite() -> Iterator[Suite]:
    """The hour made from the answer in `$GANS_CAPTURES/velib`."""
    captures = os.environ.get("GANS_CAPTURES")
    if not captures:
        yield Suite(why_none="GANS_CAPTURES is not set: it names the folder of recorded answers, where that of Vélib' is")
        return
    if not STATUS.exists():
        yield Suite(why_none=f"there is no {STATUS}, which tells the most memory that a process had")
        return
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        gzipped = sum(_land(FolderStore(folder), Path(captures).resolve(strict=True) / ANSWER))
        done = _compacted(folder)
        (system,) = done.systems
        rows = system.rows
        assert (done.parts, rows) == (MINUTES, MINUTES * system.stations)
        yield Suite(
            [
                _benchmark(
                    "hour.pandas", "rows/s", rows, partial(_ours, folder), partial(_pandas, folder), "pandas", LEAST_FASTER
                ),
                _benchmark("hour.limit", "hours/s", 1, lambda: _fresh(folder)[0], lambda: MOST_S, f"{MOST_S:g} s", 1),
                _benchmark("memory.limit", "hours/MB", 1, lambda: _fresh(folder)[1], lambda: MOST_MB, f"{MOST_MB:g} MB", 1),
                _benchmark("size.gzip", "rows/B", rows, lambda: system.file_bytes, lambda: gzipped, "gzipped raw", LEAST_SMALLER),
            ],
            {package: version(package) for package in ("duckdb", "pandas", "pyarrow")},
        )


def _benchmark(name: str, unit: str, amount: int, ours: Run, peer: Run, peer_name: str, target: float) -> Benchmark:
    return Benchmark(
        name=f"archive.{name}",
        unit=unit,
        amount=amount,
        ours=ours,
        peer=peer,
        peer_name=peer_name,
        target=target,
        rounds=ROUNDS,
    )


def _land(store: FolderStore, answer: Path) -> Iterator[int]:
    """Lands the captures of the hour; gives the size of each part."""
    for capture in minutes(answer):
        writer = PartWriter(Header(source=source.name, slot=capture.slot, attempt=capture.slot, part=1, code_version="0"))
        writer.add(capture)
        data = writer.close(Footer(finished_at=capture.fetched_at, requests=1, bytes_received=len(capture.body), captures=1))
        store.write(str(PartKey.of(writer.header)), data)
        yield len(data)


def minutes(answer: Path) -> Iterator[Capture]:
    """The captures of the hour, made from a real answer."""
    feed, chance = json.loads(answer.read_bytes()), random.Random(1)
    for minute in range(MINUTES):
        slot = HOUR + timedelta(minutes=minute)
        feed["lastUpdatedOther"] = int(slot.timestamp()) - 20
        for station in feed["data"]["stations"]:
            if chance.random() < REPORTING:
                station["last_reported"] = int(slot.timestamp()) - 20 - chance.randrange(60)
            if chance.random() < CHANGING:
                _change(station, chance.choice((-1, 1)), chance.randrange(2))
        fetched_at = slot + timedelta(seconds=chance.uniform(1, 5))
        context = {"system_id": "velib", "provider": "gbfs", "timezone": "Europe/Paris", "ttl_s": 60}
        body = json.dumps(feed).encode()
        yield Capture(
            unit="velib", url="https://velib.test/", status=200, slot=slot, fetched_at=fetched_at, context=context, body=body
        )


def _change(station: dict[str, Any], by: int, kind: int) -> None:
    """One vehicle of a kind more or less, a dock less or more; counts stand in the feed twice."""
    types = station["num_bikes_available_types"][kind]
    (name,) = types
    if types[name] + by >= 0 and station["num_docks_available"] - by >= 0:
        types[name] += by
        for count in ("num_bikes_available", "numBikesAvailable"):
            station[count] += by
        for count in ("num_docks_available", "numDocksAvailable"):
            station[count] -= by


def _compacted(folder: Path) -> Archived:
    engine = open_engine(Settings(database_url=f"sqlite:///{folder}/gans.db"))
    migrate.upgrade(engine)
    try:
        return compact(FolderStore(folder), engine, source, HOUR)
    finally:
        engine.dispose()


def _ours(folder: Path) -> float:
    """From landed parts to the file, and to committed `station_hours`."""
    engine = open_engine(Settings(database_url=f"sqlite:///{folder}/gans.db"))
    took = seconds(partial(compact, FolderStore(folder), engine, source, HOUR))
    engine.dispose()
    return took


def _pandas(folder: Path) -> float:
    """From landed parts to a file of the same rows, as they were told: no check, no history by the hour."""
    import pandas as pd  # type: ignore[import-untyped]

    store = FolderStore(folder)

    def run() -> None:
        frames = []
        for key in store.keys(f"landing/{source.name}/"):
            for capture in read_part(store.read(key) or b"").captures:
                stations = pd.json_normalize(json.loads(capture.body), ["data", "stations"])
                frames.append(stations.assign(slot_at=capture.slot, fetched_at=capture.fetched_at))
        rows = pd.concat(frames).sort_values(["station_id", "fetched_at"])
        rows.to_parquet(folder / "pandas.parquet", compression="zstd", index=False)

    return seconds(run)


def _fresh(folder: Path) -> tuple[float, float]:
    """How long it takes a new process that has imported all, s, and the most memory that this process had, MB."""
    done = subprocess.run([sys.executable, "-m", __name__, folder], capture_output=True, check=True, text=True)
    took_s, peak_mb = map(float, done.stdout.split())
    return took_s, peak_mb


if __name__ == "__main__":
    took_s = _ours(Path(sys.argv[1]))
    # Not getrusage: it also counts what the process had before its exec, when it was a copy of its parent.
    (peak_kib,) = re.findall(r"^VmHWM:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    print(took_s, int(peak_kib) * 1024 / 1e6)
