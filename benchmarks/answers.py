"""Answers to rows, against `pandas.json_normalize` of the same bytes.

Ours decodes an answer and gives each value its meaning: instants with their zone, our units and codes. That is `rows`;
`validate_row` is all that `load` does before the database: each row is checked against its table too, and put in key order. The
peer is what a usual script does: it makes a DataFrame of the decoded list, in which times are still texts.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.side_by_side import Benchmark, Suite, seconds
from gans.load.transform import parse_part
from gans.source import Capture, Source
from gans.sources import flights, openweather, weather
from gans.storage.landing import Footer, Header, Part

CITIES = 10
"""How many cities or airports each answer is for: a run asks for many, and their hours are the same."""

ROUNDS = 25

_FIXED = {"weather_conditions": frozenset(range(100))}


class Answer(NamedTuple):
    """A recorded answer.

    Attributes:
        part: as it would be landed; of its own, since each answer is of another day.
        body: its bytes.
        copies: how often they are in the part.
    """

    part: Part
    body: bytes
    copies: int


@contextmanager
def suite() -> Iterator[Suite]:
    """The answers in `$GANS_CAPTURES`."""
    captures = os.environ.get("GANS_CAPTURES")
    if not captures:
        yield Suite(why_none="GANS_CAPTURES is not set: it names the folder of recorded answers")
        return
    folder = Path(captures).resolve(strict=True)
    boards = [_board(file) for file in _files(folder, "aerodatabox/fids_*.json")]
    # Some lists of steps are recorded without their envelope.
    steps = [_steps(file) for file in _files(folder, "openweather/forecast_*_20*.json") if b'"city"' in file.read_bytes()]
    hours = [_hours(file) for file in _files(folder, "openmeteo/forecast_*.json", "openmeteo/hourly_*.json")]
    yield Suite(
        [
            *_benchmarks(flights.source, boards, lambda answer: answer["arrivals"], target=5.0),
            *_benchmarks(openweather.source, steps, lambda answer: answer["list"], target=5.0),
            *_benchmarks(weather.source, hours, _records, target=2.0),
        ],
        {package: version(package) for package in ("msgspec", "pandas")},
    )


def _files(folder: Path, *patterns: str) -> list[Path]:
    return [file for pattern in patterns for file in sorted(folder.glob(pattern))]


def _benchmarks(
    source: Source, answers: Sequence[Answer], records: Callable[[Any], list[Any]], *, target: float
) -> Iterator[Benchmark]:
    """To parsed rows, and to rows that are also checked and in key order."""
    rows = sum(_rows(source, answer) for answer in answers)
    for way, ours in (("rows", _parse), ("checked", _understand)):
        yield Benchmark(
            name=f"answers.{source.name}.{way}",
            unit="rows/s",
            amount=rows,
            ours=partial(seconds, partial(ours, source, answers)),
            peer=partial(seconds, partial(_normalize, answers, records)),
            peer_name="pandas.json_normalize",
            target=target,
            rounds=ROUNDS,
        )


def _rows(source: Source, answer: Answer) -> int:
    """How many rows the answer gives; nothing in it is refused, or this is no fair run."""
    parsed = parse_part(source, answer.part, _FIXED)
    assert parsed.status == "ok", f"{source.name}: {parsed.refused[:3]}"
    return sum(map(len, parsed.rows.values()))


def _parse(source: Source, answers: Sequence[Answer]) -> None:
    for answer in answers:
        for capture in answer.part.captures:
            list(source.parse(capture))


def _understand(source: Source, answers: Sequence[Answer]) -> None:
    for answer in answers:
        parse_part(source, answer.part, _FIXED)


def _normalize(answers: Sequence[Answer], records: Callable[[Any], list[Any]]) -> None:
    import pandas as pd  # type: ignore[import-untyped]

    for answer in answers:
        for _ in range(answer.copies):
            pd.json_normalize(records(json.loads(answer.body)))


def _records(answer: dict[str, Any]) -> list[Any]:
    """A record for each hour, from lists of values: the fastest way to rows through `json_normalize`."""
    hourly = answer["hourly"]
    return [dict(zip(hourly, values, strict=True)) for values in zip(*hourly.values(), strict=True)]


def _board(file: Path) -> Answer:
    """An airport's arrivals."""
    body = file.read_bytes()
    asked = [(body, {"airport_icao": f"XX{number:02}"}) for number in range(CITIES)]
    return Answer(_part(flights.source, datetime(2024, 1, 1, tzinfo=UTC), asked), body, CITIES)


def _steps(file: Path) -> Answer:
    body = file.read_bytes()
    slot = datetime.fromtimestamp(json.loads(body)["list"][0]["dt"], UTC) - timedelta(hours=openweather.PERIOD_HOURS)
    asked = [(body, city) for city in _cities("Europe/Berlin")]
    return Answer(_part(openweather.source, slot, asked), body, CITIES)


def _hours(file: Path) -> Answer:
    """An answer for many places is a list of such as this is for one."""
    body = file.read_bytes()
    decoded = json.loads(body)
    first = datetime.fromisoformat(decoded["hourly"]["time"][0]).replace(tzinfo=UTC)
    slot = first - timedelta(seconds=decoded["utc_offset_seconds"], hours=1)
    asked = [(b"[" + b",".join([body] * CITIES) + b"]", {"cities": _cities(decoded["timezone"])})]
    return Answer(_part(weather.source, slot, asked), body, CITIES)


def _cities(timezone: str) -> list[dict[str, Any]]:
    return [{"city_id": city_id, "timezone": timezone} for city_id in range(1, CITIES + 1)]


def _part(source: Source, slot: datetime, asked: Sequence[tuple[bytes, dict[str, Any]]]) -> Part:
    captures = [
        Capture(unit=str(number), url="https://api.test/", status=200, slot=slot, fetched_at=slot, context=context, body=body)
        for number, (body, context) in enumerate(asked)
    ]
    return Part(
        Header(source=source.name, slot=slot, attempt=slot, part=1, code_version=""),
        captures,
        Footer(finished_at=slot, requests=len(captures), bytes_received=0, captures=len(captures)),
    )
