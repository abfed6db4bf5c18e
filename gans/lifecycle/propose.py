"""A proposal, on request: its rows are read and solved, the answer comes with its basis. Nothing is stored: see `record`."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from gans.decision import Basis, Proposal, Proposed
from gans.errors import NotReady
from gans.lifecycle.features import read_features
from gans.reading.stations import require_system, why_no_needs


def propose(
    engine: Engine, decision: Proposal, scope: str, request: Any, as_of: datetime, *, even_if_old: bool = False
) -> Proposed:
    """What `decision` answers to `request` for `scope`, by what was known at `as_of`.

    Raises:
        NotKnown: there is no such scope; the message names those that there are.
        NotReady: there is not enough to go by, or it is older than the decision allows and `even_if_old` is not set.
        DBAPIError: the database failed.
    """
    if decision.scope == "system":
        require_system(engine, scope)
    rows = read_features(engine, decision, scope, as_of)
    if not rows and decision.scope == "system":
        raise NotReady(why_no_needs(engine, scope))
    data_at = max((row.data_at for row in rows), default=as_of)
    known_at = max((row.known_at for row in rows), default=as_of)
    if as_of - data_at > decision.oldest and not even_if_old:
        is_collected = as_of - known_at <= decision.oldest
        why = f"fetched {_age(as_of - known_at)} ago, so the feed itself stands still" if is_collected else "see `gans status`"
        raise NotReady(
            f"The newest data of {scope} are of {data_at:%Y-%m-%d %H:%M} UTC, {_age(as_of - data_at)} ago ({why}). Nothing is "
            f"proposed on data older than {_age(decision.oldest)}, unless asked with --even-if-old."
        )
    solution = decision.solve(rows, request)
    basis = Basis(as_of=as_of, data_at=data_at, known_at=known_at, model_version=decision.rule, reason=solution.reason)
    return Proposed(decision=decision.name, scope=scope, basis=basis, request=request, answer=solution.answer)


def _age(age: timedelta) -> str:
    minutes = round(age.total_seconds() / 60)
    if not minutes:
        return "less than a minute"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
