"""A proposal, on request: its rows are read and solved, the answer comes with its basis. Nothing is stored: see `record`."""

from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from gans.decision import Basis, Proposal, Proposed
from gans.lifecycle.features import read_features
from gans.reading.stations import require_system


def propose(engine: Engine, decision: Proposal, scope: str, request: Any, as_of: datetime) -> Proposed:
    """What `decision` answers to `request` for `scope`, by what was known at `as_of`.

    Raises:
        NotKnown: there is no such scope; the message names those that there are.
        NotReady: there is not enough to go by.
        DBAPIError: the database failed.
    """
    if decision.scope == "system":
        require_system(engine, scope)
    rows = read_features(engine, decision, scope, as_of)
    solution = decision.solve(rows, request)
    data_at = max(row.known_at for row in rows)
    basis = Basis(as_of=as_of, data_at=data_at, model_version=decision.rule, reason=solution.reason)
    return Proposed(decision=decision.name, scope=scope, basis=basis, request=request, answer=solution.answer)
