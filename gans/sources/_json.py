"""Answers that are nearly JSON, decoded all the same.

An answer that is JSON is decoded as it is, at no cost. Only where that fails, what some programs write is mended, and counted: a
number that is none (`NaN`, `-nan`, `Infinity`) becomes null; a byte-order mark, or UTF-16 or UTF-32, becomes plain UTF-8; within
texts, bytes that are no UTF-8 and halves of surrogate pairs become U+FFFD, and bare control characters are escaped.

What an answer may cost is bounded before it is decoded: in objects and in values, of which each takes some hundred bytes of
memory, however few it has in the answer. The decoder itself bounds how deep they are nested.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

from gans.errors import BadData

T = TypeVar("T")

MOST_OBJECTS: Final = 250_000
MOST_VALUES: Final = 2_000_000
"""What an answer may hold; the largest real ones have 7,000 objects and 45,000 values."""

MOST_MENDED_BYTES: Final = 4 * 1024 * 1024
"""The most that is mended: it is done in texts of Python, up to four bytes a character and some copies."""

NO_NUMBER = "a number that is none"
_MARK, _ENCODING, _UTF8, _CONTROL, _SURROGATE = (
    "a byte-order mark", "not in UTF-8", "bytes that are no UTF-8", "bare control characters", "half of a surrogate pair",
)  # fmt: skip

# A text whole, so that nothing is looked for within it; or what stands where a number should.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|(?<![\w.+-])[-+]?(?:nan|inf(?:inity)?)\b', re.IGNORECASE | re.DOTALL)
_IN_TEXT = re.compile(r"\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(\\u[dD][89a-fA-F]\w\w)|([\x00-\x1f])|\\.", re.DOTALL)
_SUSPECT = re.compile(r"[\x00-\x1f]|\\u[dD]")


def decode(body: bytes, decoder: Callable[[bytes], T]) -> tuple[T, Counter[str]]:
    """What `decoder` makes of `body`, mended where it must be; and what was mended how often.

    Raises:
        ValueError: as `decoder` says, of what cannot be mended, or does not need to be.
        BadData: there is more in it than any honest answer holds.
    """
    check_size(body)
    try:
        return decoder(body), Counter()
    except ValueError:
        if len(body) > MOST_MENDED_BYTES:
            raise
        mended, repairs = _mended(body)
        if not repairs:
            raise
    return decoder(mended), repairs


def check_size(body: bytes) -> None:
    """Raises:
    BadData: there is more in `body` than any honest answer holds.
    """
    for what, sign, most in (("objects", b"{", MOST_OBJECTS), ("values", b",", MOST_VALUES)):
        if (found := body.count(sign)) > most:
            raise BadData(f"The answer holds {found:,} {what}: no honest one has more than {most:,}")


def _mended(body: bytes) -> tuple[bytes, Counter[str]]:
    repairs = Counter[str]()
    encoding = json.detect_encoding(body)
    if encoding == "utf-8-sig":
        repairs[_MARK] += 1
    elif encoding != "utf-8":
        repairs[_ENCODING] += 1
    text = body.decode(encoding, errors="replace")
    if encoding.startswith("utf-8") and (broken := text.count("\ufffd") - body.count("\ufffd".encode())):
        repairs[_UTF8] += broken

    def in_text(found: re.Match[str]) -> str:
        if found[1]:
            repairs[_SURROGATE] += 1
            return "\ufffd"
        if found[2]:
            repairs[_CONTROL] += 1
            return f"\\u{ord(found[2]):04x}"
        return found[0]

    def token(found: re.Match[str]) -> str:
        if found[0].startswith('"'):
            return _IN_TEXT.sub(in_text, found[0]) if _SUSPECT.search(found[0]) else found[0]
        repairs[NO_NUMBER] += 1
        return "null"

    return _TOKEN.sub(token, text).encode(errors="replace"), repairs
