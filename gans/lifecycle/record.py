"""What was proposed is kept, so that it can be compared with what then came. Commands and functions call it, pages never."""

from datetime import datetime

import msgspec
from sqlalchemy import Engine

from gans.database.rows import validate_row
from gans.database.transactions import in_transaction
from gans.database.upsert import upsert
from gans.decision import Proposed
from gans.tables.decisions import proposals


def record(engine: Engine, proposed: Proposed, proposed_at: datetime) -> None:
    """Stores a proposal as a row of `proposals`; storing it again changes nothing.

    Raises:
        DBAPIError: the database failed, or went away for longer than a few tries.
    """
    basis = proposed.basis
    values = {
        "decision": proposed.decision,
        "scope": proposed.scope,
        "proposed_at": proposed_at,
        "as_of": basis.as_of,
        "data_at": basis.data_at,
        "model_version": basis.model_version,
        "reason": basis.reason,
        "request": msgspec.json.encode(proposed.request).decode(),
        "answer": msgspec.json.encode(proposed.answer).decode(),
        "fetched_at": proposed_at,
    }
    row = validate_row(proposals, tuple(values), tuple(values.values()))
    in_transaction(engine, lambda connection: upsert(connection, proposals, [row]))
