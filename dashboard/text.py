"""Texts from the data, for places where the browser would read more out of them than is there."""

import re
from typing import Final

_JOINER: Final = "\u2060"
"""WORD JOINER: nobody sees it, and what it stands in is no pattern any more."""


def plain(text: object) -> str:
    """`text` for Markdown, as it stands there: no mark, no picture, no icon, and no link, not even of a bare address.

    Backslashes do for the marks. Addresses, and Streamlit's icons, are looked for after those are gone.
    """
    marked = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(str(text).split()))
    return re.sub(r"(?i)(:(?=\S)|www(?=\\\.)|(?=\\@))", rf"\1{_JOINER}", marked)


def untemplated(text: str) -> str:
    """`text` for a tooltip of deck.gl: a name in braces is none of its fields, and `$&` none of JavaScript's replacements."""
    return re.sub(r"([{$])", rf"\1{_JOINER}", text)
