"""An infobox as labelled rows.

Rules
1. A row is a label and a value. A label with a bullet, or in the boxes of countries with a dash in a cell of its own, belongs
   to the row or header above it that has none: `Area` > `Total`.
2. A label alone, or with an empty value, is a header.
3. What is embedded of another subject (a World Heritage Site with an area of its own) is not the place's.
4. Lines count: where the further lines of a label have bullets and the value has as many lines, each belongs to its own.
5. What is not seen is not read: styles, scripts, hidden sort keys, footnotes. A figure in superscript stays one (`km²`,
   `Land¹`).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from gans.sources._wikipedia.article import clean

if TYPE_CHECKING:
    from bs4 import Tag

_ROWS: Final = 500
_CELL_CHARS: Final = 2_000
_BREAK: Final = "\u2028"  # a line as it is shown; a newline in HTML is only a space
_SUPERSCRIPT: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_BULLET: Final = re.compile(r"[\s•·‣▪*\-–—]*[•·‣▪*\-–—]\s*")
_OTHER_SUBJECT: Final = re.compile(r"\b(?:UNESCO|World Heritage|Welterbe|Ramsar)\b", re.IGNORECASE)


class Entry(NamedTuple):
    """A row of an infobox.

    Attributes:
        parent: the label above that a bulleted row belongs to; "" for other rows.
        label: without bullet and colon.
        value: its lines; at least one.
    """

    parent: str
    label: str
    value: tuple[str, ...]


class Infobox(NamedTuple):
    """What an infobox says.

    Attributes:
        heading: its title; other names of the place may stand on further lines.
        kind: the line below that says what the place is, like "City and municipality"; "" where there is none.
        entries: its rows, in order.
    """

    heading: tuple[str, ...]
    kind: str
    entries: tuple[Entry, ...]


def read_infobox(markup: str) -> Infobox:
    """The rows of an infobox from its HTML, in which only what is seen is left."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(markup, "lxml")
    _make_plain(soup)
    box = soup.find("table")
    rows = [row for row in box.find_all("tr", limit=_ROWS) if row.find_parent("table") is box] if box else []
    heading = next((found for row in rows[:1] if (found := row.find(class_="fn") or row.find("th"))), None)
    kind = next((found for row in rows[:4] if (found := row.find(class_="category"))), None)
    return Infobox(_lines(heading), " ".join(_lines(kind)), tuple(_entries(rows)))


@lru_cache(1_000)
def plain(label: str) -> str:
    """A label for comparing: lower case, without what is in brackets and without footnote figures."""
    for _ in range(3):  # as deep as brackets are nested
        label = re.sub(r"\([^()]*\)", " ", label)
    return " ".join(re.sub(r"[()⁰¹²³⁴-⁹*†]", " ", label).casefold().strip(" :").split())


def _make_plain(soup: "Tag") -> None:
    """Writes superscripts and line ends as characters."""
    for tag in soup.find_all("sup"):
        tag.replace_with(tag.get_text().strip().translate(_SUPERSCRIPT))
    for tag in soup.find_all("br"):
        tag.replace_with(_BREAK)
    for tag in soup.find_all(["li", "p"]):
        tag.append(_BREAK)


def _lines(tag: "Tag | None") -> tuple[str, ...]:
    text = clean(tag.get_text()[:_CELL_CHARS]) if tag else ""
    return tuple(line for part in text.split(_BREAK) if (line := " ".join(part.split())))


def _entries(rows: "Sequence[Tag]") -> list[Entry]:
    found: list[Entry] = []
    parent, is_other = "", False
    for row in rows:
        cells = row.find_all(["th", "td"], recursive=False)
        texts = [_lines(cell) for cell in cells]
        if len(cells) == 3 and (not texts[0] or _BULLET.fullmatch(texts[0][0])):  # a dash, a label, a value
            texts = [tuple(f"• {line}" for line in texts[1]), texts[2]]
        label = " ".join(texts[0]) if texts else ""
        if label and not any(texts[1:]):
            if _OTHER_SUBJECT.search(label):
                is_other = True
            elif cells[0].name == "th":
                parent, is_other = label.rstrip(": "), False
        elif len(texts) == 2 and label and not is_other:
            for line, value in _pairs(*texts):
                bare = _BULLET.sub("", line, count=1) if _BULLET.match(line) else line
                found.append(Entry(parent if bare != line else "", bare.rstrip(": "), value))
                if bare == line:
                    parent = bare.rstrip(": ")
    return found


def _pairs(labels: tuple[str, ...], values: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    if len(labels) == len(values) > 1 and all(_BULLET.match(label) for label in labels[1:]):
        return [(label, (value,)) for label, value in zip(labels, values, strict=True)]
    return [(" ".join(labels), values)]
