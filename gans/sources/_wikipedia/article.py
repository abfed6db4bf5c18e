"""What of a Wikipedia page matters: its title, its lead, its infobox, its coordinates, its Wikidata item.

Rules
1. The box is the first table of class `infobox`. Something must follow it: a page that ends inside its box was cut short, and
   a figure in it may be half a figure.
2. The lead is the first paragraph after the box that says what something is or was (paragraphs in tables are captions and
   footnotes). What it puts in brackets is left out.
3. The coordinates are those in the box; where it has none, those that stand for the whole page (`#coordinates`). Coordinates
   in the text, in other tables and in footnotes are other places'. A pair that cannot be read, or lies nowhere on earth, is
   none.
4. The link of these coordinates to a map may name the country that they lie in (`region:DE-BE`).
5. The Wikidata item is the one that the page links to as its own, or that its script names.
6. What is not seen is not read: styles, scripts, images, hidden sort keys, machine-readable doubles, footnote marks.
7. The work that a page may make is bounded: in bytes, tags, the length of a tag, and how deep they are nested. A page beyond that
   is refused.
"""

import re
from collections.abc import Iterator
from itertools import dropwhile, islice
from typing import Any, Final

import msgspec

from gans.errors import BadData
from gans.sources._wikipedia.quantities import coordinates, to_decimetre

_PAGE_BYTES: Final = 8_000_000  # the longest articles have 3 MB
_TAGS: Final = 150_000  # they have 30,000
_TAG_BYTES: Final = 32_000  # they have 8,000 from one to the next; the parser compares each attribute of a tag with all others
_DEPTH: Final = 100  # they have 30; to take a tag away costs as much as there is below it
_BOX_ELEMENTS: Final = 10_000  # the longest infoboxes have 3,000
_PARAGRAPHS: Final = 50
_TEXT_CHARS: Final = 5_000


def _of_class(*names: str) -> str:
    return " or ".join(f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')" for name in names)


_UNREAD: Final = ("style", "script", "template", "img")
_INLINE: Final = ("a", "abbr", "b", "bdi", "big", "center", "em", "font", "i", "small", "span", "strong", "wbr")
_HIDDEN_STYLE: Final = "contains(translate(@style, ' ', ''), 'display:none')"
_HIDDEN: Final = (
    ".//*[self::sup[not(number(.) = number(.))]"
    f" or {_HIDDEN_STYLE} or {_of_class('reference', 'mw-editsection', 'geo', 'geo-nondefault', 'geo-multi-punct', 'sortkey')}]"
)
_NAMING: Final = f".//span[{_of_class('fn', 'category')}]"
_UNSEEN_ELEMENTS: Final = (
    f".//*[self::style or self::script or self::sup or {_HIDDEN_STYLE} or {_of_class('geo')} or @id='coordinates']"
)
_TOO_DEEP: Final = f"boolean({'/*' * (_DEPTH + 1)})"
_GEO: Final = f"descendant-or-self::*[{_of_class('geo')}]"
_AXES: Final = tuple(f"descendant::*[{_of_class(name)}]" for name in ("latitude", "longitude"))
_MAPS: Final = ".//a[contains(@href, 'params=')]/@href"
_ITEM: Final = "id('t-wikibase')/descendant-or-self::a/@href"
_DISAMBIGUATION: Final = f"//*[@id='disambigbox' or {_of_class('dmbox-disambig')} or starts-with(@id, 'Vorlage_Begriffskl')]"
_NO_ARTICLE: Final = f"//*[{_of_class('noarticletext')}]"

_REGION: Final = re.compile(r"region:([A-Z]{2})\b")
_ITEM_IN_LINK: Final = re.compile(r"[/:](Q[1-9]\d{0,14})$")
_ITEM_IN_SCRIPT: Final = re.compile(rb'"wgWikibaseItemId"\s*:\s*"(Q[1-9]\d{0,14})"')
_VERB: Final = {"en": re.compile(r"\b(?:is|are|was|were)\b"), "de": re.compile(r"\b(?:ist|sind|war|waren|bildet)\b")}
_UNSEEN: Final = dict.fromkeys([*map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"), *range(9), *range(14, 32), 127])
_PLAIN: Final = dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u200a\u202f"), " ") | {0x2212: "-"}


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it was read.

    Attributes:
        title: its heading; "" where it has none (a bare rendering of the text).
        statement: what its lead says from the verb on, like "is the capital of Austria. It has ..."; "" where it says nothing.
        box: the HTML of its infobox.
        coordinates: latitude and longitude in degrees.
        region: the ISO 3166-1 code of the country that the link of the coordinates names.
        wikidata_id: like "Q64".
    """

    title: str
    statement: str
    box: str
    coordinates: tuple[float, float] | None
    region: str | None
    wikidata_id: str | None


def read_article(body: bytes, language: str) -> Article:
    """The article in `body`, the HTML of a page in UTF-8.

    Raises:
        BadData: it is no page, has no infobox, or is not the whole page.
    """
    from lxml import etree, html

    if not body.strip():
        raise BadData("The page is empty.")
    if len(body) > _PAGE_BYTES:
        raise BadData(f"The page has {len(body):,} bytes; no article has more than {_PAGE_BYTES:,}.")
    if (tags := body.count(b"<")) > _TAGS:
        raise BadData(f"The page has {tags:,} tags; no article has more than {_TAGS:,}.")
    if (longest := max(map(len, body.split(b"<")))) > _TAG_BYTES:
        raise BadData(f"The page has {longest:,} bytes from one tag to the next; no article has more than {_TAG_BYTES:,}.")
    try:
        page: Any = html.document_fromstring(body, parser=html.HTMLParser(encoding="utf-8"))
    except (etree.LxmlError, ValueError) as error:
        raise BadData(f"The page is not HTML: {error}") from None
    if page.xpath(_TOO_DEEP):
        raise BadData(f"The page has tags nested more than {_DEPTH} deep; no article has.")
    title = _title(page)
    box = next((table for table in page.iter("table") if _is_box(table)), None)
    if box is None:
        raise BadData(_why_no_box(page, title))
    if all(element.getnext() is None for element in (box, *box.iterancestors())):
        raise BadData(f"{title or 'The page'} ends inside its infobox: it was cut short.")
    if sum(1 for _ in islice(box.iter(), _BOX_ELEMENTS)) == _BOX_ELEMENTS:
        raise BadData(f"{title or 'The page'} has an infobox of {_BOX_ELEMENTS:,} elements or more; no real one is that long.")
    elements = [box, *page.xpath("id('coordinates')")]
    pair, region = next(_pairs(elements), None), next(_regions(elements), None)
    return Article(
        title=title,
        statement=_statement(page, box, language),
        box=_markup(box),
        coordinates=pair,
        region=region,
        wikidata_id=_item(page, body),
    )


def clean(text: str) -> str:
    """The text without invisible characters and footnote marks like [1], with plain spaces and a plain minus."""
    return re.sub(r"\[[^\[\]]{1,30}\]", "", text.translate(_UNSEEN).translate(_PLAIN))


def _is_box(table: Any) -> bool:
    return "infobox" in table.get("class", "").split() or table.get("id", "").startswith("Vorlage_Infobox")


def _title(page: Any) -> str:
    for heading in page.iter("h1"):
        return " ".join(clean(heading.text_content()).split())
    name = " ".join(clean(page.findtext(".//title") or "").split())
    return re.sub(r"\s+[-–—]\s+Wikipedia$", "", name)


def _why_no_box(page: Any, title: str) -> str:
    named = repr(title) if title else "The page"
    if page.xpath(_DISAMBIGUATION):
        return f"{named} is a disambiguation page, not a settlement. Watch one of the articles that it names."
    if page.xpath(_NO_ARTICLE):
        return f"{named}: there is no such article. Was it moved or deleted?"
    return f"{named} has no infobox: it is not the article of a settlement."


def _seen(element: Any) -> str:
    """The text of `element` without what is not seen; looked at once from end to end."""
    from lxml import etree

    hidden, texts, inside = set(element.xpath(_UNSEEN_ELEMENTS)), list[str](), 0
    for event, node in etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        if event == "start":
            inside += node in hidden
            texts.append("" if inside else node.text or "")
        else:
            inside -= node in hidden
            texts.append("" if inside or node is element else node.tail or "")
    return " ".join(clean("".join(texts)).split())


def _markup(box: Any) -> str:
    """The HTML of the box without what is not seen, and without the tags that say nothing of rows and lines."""
    from lxml import etree, html

    for element in box.xpath(_HIDDEN):
        element.clear(keep_tail=True)
    for element in box.xpath(_NAMING):
        element.tag = "div"
    etree.strip_elements(box, *_UNREAD, with_tail=False)
    etree.strip_tags(box, *_INLINE)
    markup: str = html.tostring(box, encoding="unicode", with_tail=False)
    return markup


def _statement(page: Any, box: Any, language: str) -> str:
    after_box = dropwhile(lambda element: element is not box, page.iter("table", "p"))
    outside = (element for element in after_box if element.tag == "p" and next(element.iterancestors("table"), None) is None)
    for paragraph in islice(outside, _PARAGRAPHS):
        text = _seen(paragraph)[:_TEXT_CHARS]
        for _ in range(4):  # as deep as brackets are nested
            text = re.sub(r"\s*\([^()]*\)", "", text)
        if verb := _VERB[language].search(text):
            return text[verb.start() :]
    return ""


def _regions(elements: list[Any]) -> Iterator[str]:
    links = (link for element in elements for link in element.xpath(_MAPS))
    return (found[1] for link in links if (found := _REGION.search(link)))


def _pairs(elements: list[Any]) -> Iterator[tuple[float, float]]:
    for geo in (geo for element in elements for geo in element.xpath(_GEO)):
        axes = [found[0].text_content() for axis in _AXES if (found := geo.xpath(axis))]
        try:
            latitude, longitude = (float(clean(text)) for text in axes or geo.text_content().split(";"))
        except ValueError:
            continue
        if pair := to_decimetre(latitude, longitude):
            yield pair
    for element in elements:
        if pair := coordinates(clean(element.text_content()[: 4 * _TEXT_CHARS])):
            yield pair


def _item(page: Any, body: bytes) -> str | None:
    for link in page.xpath(_ITEM):
        if found := _ITEM_IN_LINK.search(link):
            return str(found[1])
    stated = _ITEM_IN_SCRIPT.search(body)
    return stated[1].decode() if stated else None
