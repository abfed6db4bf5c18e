"""What a decision is: a question, the rows that it goes by, and a pure function from these to an answer.

A decision does no I/O and reads no clock. It is declared in `gans.decisions`, and the lifecycle loops over the registry there.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer rests on.

    Attributes:
        as_of: nothing that became known later was read.
        data_at: how old the newest input is.
        known_at: when the newest input became known; later than `data_at` where what it tells is old itself.
        model_version: the version of the model, or the name of the rule.
        reason: the two or three things that weighed most, in words.
    """

    as_of: datetime
    data_at: datetime
    known_at: datetime
    model_version: str
    reason: str


class Solution(msgspec.Struct, frozen=True):
    """What a decision's `solve` gives.

    Attributes:
        answer: the decision's own struct.
        reason: the two or three things that weighed most, in words.
    """

    answer: Any
    reason: str


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that says what to do, on request.

    Attributes:
        name: the module's name; also the word in the CLI and the table `proposals`.
        question: that it answers.
        scope: what it is asked for one of: a system.
        features: the query of its rows, `schema/features/<features>.sql`, bound to `:scope` and `:as_of`.
        row: the struct of a row; its field `known_at` is when the row became known, `data_at` of when it speaks.
        rule: the name of the rule that answers, as its version.
        oldest: nothing is proposed on data that are older, unless that is asked for.
        solve: from the rows and a request of the decision's own to a `Solution`; raises NotReady where the rows are too few. The
            order of the rows does not matter.
    """

    name: str
    question: str
    scope: str
    features: str
    row: type[msgspec.Struct]
    rule: str
    oldest: timedelta
    solve: Callable[[Sequence[Any], Any], Solution]


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of a `Proposal`, with what it rests on.

    Attributes:
        decision: its name.
        scope: what it was asked for, like the system `velib`.
        request, answer: of the decision's own structs.
    """

    decision: str
    scope: str
    basis: Basis
    request: Any
    answer: Any
