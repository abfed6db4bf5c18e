"""What does not fit is left out as deep down as it can be, and counted."""

from typing import Annotated, Any

import msgspec
import pytest

from gans.sources._optional import without_bad


class Part(msgspec.Struct):
    code: int
    note: str | None = None


class Whole(msgspec.Struct):
    key: str
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    part: Part | None = None
    parts: list[Part] = []


@pytest.mark.parametrize(
    ("item", "left", "found"),
    [
        ({"key": "a", "share": 2}, {"key": "a"}, {"share does not fit": 1}),
        ({"key": "a", "part": {"code": 1, "note": 5}}, {"key": "a", "part": {"code": 1}}, {"part.note does not fit": 1}),
        (
            {"key": "a", "part": {"code": "x"}, "share": 0.5},
            {"key": "a", "share": 0.5},
            {"part.code does not fit": 1, "part does not fit": 1},
        ),
        ({"key": "a", "parts": [{"code": 1}, None]}, {"key": "a", "parts": [{"code": 1}]}, {"parts does not fit": 1}),
        ({"key": "a", "parts": 7}, {"key": "a"}, {"parts does not fit": 1}),
    ],
)
def test_what_does_not_fit_is_left_out(item: Any, left: Any, found: dict[str, int]) -> None:
    whole, counted = without_bad(item, Whole)
    assert whole == msgspec.convert(left, Whole)
    assert counted == found


@pytest.mark.parametrize("item", [{"key": 1}, {}, None, [1], {"key": "a", "parts": [7] * 100}])
def test_what_may_not_be_missing_is_said_as_it_was(item: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"Expected|missing"):
        without_bad(item, Whole)
