"""A new source: an example that works, to be edited. Its module, its table, its migration, its test and a small answer."""

import keyword
import re
from pathlib import Path
from typing import Final

from alembic.script import ScriptDirectory
from sqlalchemy.dialects import mysql

from gans import tables
from gans.database.views import view_texts
from gans.errors import ConfigError
from gans.tables import metadata

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_NAME_CHARS: Final = 32  # the names of its constraints are longer, and MySQL takes 64

_SOURCE: Final = '''\
"""NAME: an example, to be edited.

Say here what is collected, from whom and how often, and what surprises in the format.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from gans.errors import BadData
from gans.schedule import every
from gans.source import Capture, CollectedSource, Provided, Reference, Reject, Request, Row

URL = "https://api.example.com/v1/readings"


class _Answer(msgspec.Struct):
    """The part of an answer that is read; what else it holds is left alone."""

    readings: list[msgspec.Raw]


class _Reading(msgspec.Struct):
    at: datetime
    value: float | None


def plan(reference: Reference, slot: datetime) -> Iterator[Request | Provided]:
    """One request for each city whose coordinates are known."""
    for city in reference.rows("cities"):
        if city["latitude"] is not None and city["longitude"] is not None:
            yield Request(
                unit=f"city {city['city_id']}",
                url=URL,
                params={
                    "latitude": f"{city['latitude']:.4f}",
                    "longitude": f"{city['longitude']:.4f}",
                    "until": f"{slot:%Y-%m-%dT%H:%MZ}",
                },
                context={"city_id": city["city_id"]},
            )


def parse(capture: Capture) -> Iterator[Row | Reject]:
    """A row for each reading; one that cannot be read costs only itself.

    Raises:
        BadData: the answer is not JSON, or has no readings.
    """
    try:
        readings = msgspec.json.decode(capture.body, type=_Answer).readings
    except (ValueError, RecursionError) as error:
        raise BadData(f"Not an answer with readings: {error}") from None
    for item in readings:
        try:
            reading = msgspec.json.decode(item, type=_Reading)
        except ValueError as error:
            yield Reject(str(error), bytes(item)[:400].decode(errors="replace"))
        else:
            city_id = capture.context["city_id"]
            values = {"city_id": city_id, "measured_at": reading.at, "reading": reading.value}
            yield Row("NAME", values)


source = CollectedSource(
    name="NAME",
    provider="Example",
    docs="https://api.example.com/docs",
    licence="CC0-1.0",
    schedule=every(hours=1),
    stale_after=timedelta(hours=3),
    hosts=("api.example.com",),
    reads=("cities",),
    writes=("NAME",),
    plan=plan,
    parse=parse,
)
'''

_TABLE: Final = '''\
"""NAME: an example, to be edited; say here what its tables are about."""

from sqlalchemy import Double, ForeignKey, Integer

from gans.tables._columns import Instant, fetched_at, key, table, value

NAME = table(
    "NAME",
    key("city_id", Integer, "the city", ForeignKey("cities.city_id"), ge=1, le=2_147_483_647),
    key("measured_at", Instant, "when it was measured (UTC)"),
    value("reading", Double, "what was measured; its unit belongs in the name of the column and here", ge=-1_000, le=1_000),
    fetched_at(),
    about="A reading in a city at one time.",
    rows="24 per city and day",
)
'''

_MIGRATION: Final = '''\
"""Create NAME.

Revision: REVISION
Follows: PREVIOUS
"""

import sqlalchemy as sa
from alembic import op

from gans.tables import Instant

revision = "REVISION"
down_revision = "PREVIOUS"


def upgrade() -> None:
    op.create_table(
        "NAME",
        sa.Column("city_id", sa.Integer(), autoincrement=False, nullable=False, comment="the city"),
        sa.Column("measured_at", Instant(), autoincrement=False, nullable=False, comment="when it was measured (UTC)"),
        sa.Column(
            "reading",
            sa.Double(),
            nullable=True,
            comment="what was measured; its unit belongs in the name of the column and here",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="when the upstream said so (UTC); of two versions the newer stays",
        ),
        sa.ForeignKeyConstraint(["city_id"], ["cities.city_id"], name="fk_NAME_city_id_cities"),
        sa.PrimaryKeyConstraint("city_id", "measured_at", name="pk_NAME"),
        comment="A reading in a city at one time.",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    op.drop_table("NAME")
'''

_TEST: Final = '''\
"""What the answers for NAME mean. Every source keeps to: tests/gans/sources/test_contracts.py."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gans.errors import BadData
from gans.source import Capture, Reject, Row
from gans.sources.NAME import parse

PAYLOAD = (Path(__file__).parent / "payload.json").read_bytes()
SLOT = datetime(2025, 6, 1, 12, tzinfo=UTC)


def _items(body: bytes) -> list[Row | Reject]:
    context = {"city_id": 1}
    capture = Capture(
        unit="city 1", url="https://api.example.com", status=200, slot=SLOT, fetched_at=SLOT, context=context, body=body
    )
    return list(parse(capture))


def test_the_payload() -> None:
    assert _items(PAYLOAD) == [
        Row("NAME", {"city_id": 1, "measured_at": SLOT.replace(hour=10), "reading": 4.2}),
        Row("NAME", {"city_id": 1, "measured_at": SLOT.replace(hour=11), "reading": None}),
    ]


def test_one_bad_reading_costs_only_itself() -> None:
    reject, row = _items(PAYLOAD.replace(b"4.2", b'"much"'))
    assert isinstance(reject, Reject)
    assert "$.value" in reject.reason
    assert isinstance(row, Row)


def test_an_answer_without_readings_is_no_answer() -> None:
    with pytest.raises(BadData, match="missing required field `readings`"):
        _items(b"{}")
'''

_PAYLOAD: Final = """\
{
  "station": "an example",
  "readings": [
    {"at": "2025-06-01T10:00:00Z", "value": 4.2},
    {"at": "2025-06-01T13:00:00+02:00", "value": null}
  ]
}
"""

_CONTEXT: Final = """\
{
  "slot": "2025-06-01T12:00:00Z",
  "context": {"city_id": 1}
}
"""


def scaffold(name: str, root: Path) -> list[Path]:
    """Writes a source `name` that works, for the checkout at `root`; nothing else has to be edited for it to be found.

    The next steps are to edit what was written, to renew the data dictionary (`make schema`), and to upgrade the database.

    Returns:
        The files, the source's module first.

    Raises:
        ConfigError: the name is not one for a source, or is taken; or `root` is not the folder of the repository.
    """
    _require_free(name, root)
    previous = ScriptDirectory(str(root / "schema/migrations")).get_current_head()
    assert previous is not None
    revision = f"{int(previous) + 1:04}"
    texts = {
        f"gans/sources/{name}.py": _SOURCE,
        f"gans/tables/{name}.py": _TABLE,
        f"schema/migrations/versions/{revision}_{name}.py": _MIGRATION,
        f"tests/gans/sources/{name}/test_{name}.py": _TEST,
        f"tests/gans/sources/{name}/payload.json": _PAYLOAD,
        f"tests/gans/sources/{name}/context.json": _CONTEXT,
    }
    paths = [root / path for path in texts]
    if there := [str(path) for path in paths if path.exists()]:
        raise ConfigError(f"{', '.join(there)} exists already. Choose another name, or remove it first.")
    for path, text in zip(paths, texts.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("NAME", name).replace("REVISION", revision).replace("PREVIOUS", previous), encoding="utf-8")
    return paths


def trial(name: str) -> list[str]:
    """The commands that collect the new source from its recorded answer, under the path that stands for its `URL`."""
    answer, port = "data/trial/api.example.com/v1/readings", 8099
    return [
        f"export GANS_SIMULATOR_URL=http://127.0.0.1:{port} GANS_LANDING=data/trial GANS_DATABASE_URL=sqlite:///data/trial/gans.db",
        f"gans simulator --port {port} & sleep 5; gans collect cities; kill $!",
        f"mkdir -p {Path(answer).parent} && cp tests/gans/sources/{name}/payload.json {answer}",
        f"python3 -m http.server {port} --bind 127.0.0.1 --directory data/trial & sleep 1; gans collect {name}; kill $!",
    ]


def _require_free(name: str, root: Path) -> None:
    if not (root / "gans/sources").is_dir():
        raise ConfigError(f"{root.resolve()} has no gans/sources. Run this in the folder of the repository.")
    if not _NAME.fullmatch(name) or len(name) > _NAME_CHARS:
        raise ConfigError(
            f"{name!r} is not a name for a source. Give words in small letters, joined by _, like air_quality;"
            f" at most {_NAME_CHARS} characters."
        )
    if keyword.iskeyword(name) or name in mysql.dialect().identifier_preparer.reserved_words:
        raise ConfigError(f"{name!r} is a word of Python or of SQL. Choose another name.")
    if name in metadata.tables or name in view_texts() or hasattr(tables, name):
        raise ConfigError(f"{name!r} is the name of a table or a view, or of a module of tables. Choose another name.")
