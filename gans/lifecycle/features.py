"""The rows that a decision goes by, as they were known at a time: `schema/features/*.sql`."""

from datetime import date, datetime
from typing import Any, Final, get_args, get_type_hints

import msgspec
from sqlalchemy import Boolean, Date, Engine, bindparam, text
from sqlalchemy.types import TypeEngine

from gans.database.views import SCHEMA
from gans.decision import Proposal
from gans.tables import Instant

FEATURES: Final = SCHEMA / "features"

_TYPES: Final[dict[Any, type[TypeEngine[Any]]]] = {datetime: Instant, date: Date, bool: Boolean}
"""The types that the databases answer for in different ways."""


def read_features(engine: Engine, decision: Proposal, scope: str, as_of: datetime) -> list[Any]:
    """The rows of a decision's query as structs of its `row`, none of which became known after `as_of`.

    Raises:
        DBAPIError: the database failed.
    """
    sql = (FEATURES / f"{decision.features}.sql").read_text(encoding="utf-8")
    query = text(sql).bindparams(bindparam("as_of", type_=Instant)).columns(**_columns(decision.row))
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(query, {"scope": scope, "as_of": as_of}).mappings()]
    return msgspec.convert(rows, list[decision.row])  # type: ignore[name-defined]


def _columns(row: type[msgspec.Struct]) -> dict[str, type[TypeEngine[Any]]]:
    """The columns whose type follows from the struct."""
    kinds = {name: {kind, *get_args(kind)} for name, kind in get_type_hints(row).items()}
    return {name: column for name, kind in kinds.items() for of, column in _TYPES.items() if of in kind}
