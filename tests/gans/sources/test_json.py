"""What is nearly JSON is decoded, and what was mended is counted; JSON itself is left alone."""

from collections import Counter

import msgspec
import pytest

from gans.errors import BadData
from gans.sources import _json


def read(body: bytes) -> tuple[object, Counter[str]]:
    return _json.decode(body, msgspec.json.decode)


@pytest.mark.parametrize("token", ["NaN", "nan", "-nan", "-NaN", "Infinity", "-Infinity", "inf", "-inf", "+Inf"])
def test_a_number_that_is_none_becomes_null_and_nothing_else_changes(token: str) -> None:
    value, repairs = read(f'{{"a": {token}, "b": [{token},1], "c": "{token}, \\" {token}"}}'.encode())
    assert value == {"a": None, "b": [None, 1], "c": f'{token}, " {token}'}
    assert repairs == {"a number that is none": 2}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_byte_order_mark_or_another_unicode_encoding_is_read(encoding: str) -> None:
    value, repairs = read('{"name": "Köln"}'.encode(encoding))
    assert value == {"name": "Köln"}
    assert repairs.total() == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'["K\xf6ln \xef\xbf\xbd"]', "K\ufffdln \ufffd"),
        (b'["a\nb"]', "a\nb"),
        (b'["a \\ud83d, b"]', "a \ufffd, b"),
        (b'["\\ud83d\\ude00 \\udc00"]', "😀 \ufffd"),
    ],
)
def test_a_broken_text_costs_the_character_alone(body: bytes, text: str) -> None:
    value, repairs = read(body)
    assert value == [text]
    assert repairs.total() == 1


def test_json_is_decoded_once_and_as_it_is() -> None:
    asked: list[bytes] = []

    def decoder(body: bytes) -> object:
        asked.append(body)
        return msgspec.json.decode(body)

    assert _json.decode(b'{"a": "NaN"}', decoder) == ({"a": "NaN"}, Counter())
    assert asked == [b'{"a": "NaN"}']


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": nano}', b'{"a": "NaN', b'{"a": xNaN}', b"<html>", b'"' + b'\\"' * 100_000])
def test_what_is_no_json_stays_none(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|truncated"):
        read(body)


# what an answer may hold


@pytest.mark.parametrize(
    ("most", "body", "reason"),
    [
        ("MOST_OBJECTS", b"[{}, {}, {}]", "The answer holds 3 objects: no honest one has more than 2"),
        ("MOST_VALUES", b"[1, 1, 1, 1]", "The answer holds 3 values: no honest one has more than 2"),
    ],
)
def test_an_answer_that_holds_too_much_is_not_decoded(
    monkeypatch: pytest.MonkeyPatch, most: str, body: bytes, reason: str
) -> None:
    monkeypatch.setattr(_json, most, 3)
    read(body)
    monkeypatch.setattr(_json, most, 2)
    with pytest.raises(BadData, match=reason):
        _json.decode(body, lambda _: pytest.fail("it was decoded"))


def test_a_large_answer_is_not_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_json, "MOST_MENDED_BYTES", 9)
    assert read(b'{"a": 1, "b": 2}') == ({"a": 1, "b": 2}, Counter())
    assert read(b"[NaN,nan]")[0] == [None, None]
    with pytest.raises(ValueError, match="invalid character"):
        read(b"[NaN, nan]")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    with pytest.raises(RecursionError):
        read(opening * 100_000)
