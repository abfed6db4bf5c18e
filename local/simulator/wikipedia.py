"""Wikipedia: articles as the Vector 2022 skin shows them, for every city of the world, and pages that are no city.

"Mercury" is a disambiguation page and "Ada Lovelace" a person; a title that nobody wrote is a 404.
"""

import json
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import blake2b
from html import escape
from itertools import islice

from local.simulator import infobox, prose
from local.simulator.upstream import Answer, Request
from local.simulator.world import COUNTRIES, City, World

HOSTS = ("en.wikipedia.org", "de.wikipedia.org")

_SITE = {"en": " - Wikipedia", "de": " – Wikipedia"}
_HTML = {"Content-Type": "text/html; charset=UTF-8"}
_LAST_EDITS = datetime(2026, 1, 1, tzinfo=UTC)


def answer(world: World, request: Request, now: datetime) -> Answer:
    """An article; 304 to its ETag; 404 with a page for a title that does not exist."""
    language = request.host.partition(".")[0]
    title = request.path.removeprefix("/wiki/").replace("_", " ")
    page = _article(world, language, title) if request.path.startswith("/wiki/") else None
    if page is None:
        return Answer(404, _HTML, _page(language, title, _missing(language, title)).encode())
    body = page.encode()
    etag = f'W/"{blake2b(body, digest_size=8).hexdigest()}"'
    age = timedelta(minutes=int(etag[3:7], 16))
    headers = {
        **_HTML,
        "Content-Language": language,
        "ETag": etag,
        "Last-Modified": format_datetime(_LAST_EDITS - age, usegmt=True),
        "Cache-Control": "private, s-maxage=0, max-age=0, must-revalidate",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Answer(304, headers, b"")
    return Answer(200, headers, body)


def refuse(status: int) -> Answer:
    """The foundation's error page."""
    text = "Too many requests. Please slow down." if status == 429 else "Our servers have a technical problem."
    page = f"<!DOCTYPE html>\n<html><meta charset=utf-8><title>Wikimedia Error</title><h1>Error</h1><p>{text}</p></html>\n"
    return Answer(status, _HTML, page.encode())


def _article(world: World, language: str, title: str) -> str | None:
    city = world.find(language, title)
    if city:
        return _city(world, city, language)
    if title == "Mercury":
        return _page(language, title, _disambiguation(language), wikidata_id="Q220198")
    if title == "Ada Lovelace":
        return _page(language, title, _person(), wikidata_id="Q7259")
    return None


def _city(world: World, city: City, language: str) -> str:
    dice = random.Random(f"{world.seed} {language} {city.city_id}")
    title = city.titles[language]
    if language == "en":
        box, lead, indicator = infobox.english(city, dice), _english_lead(city), infobox.english_coordinates(city)
    else:
        box, lead, indicator = infobox.german(city, dice), _german_lead(city), infobox.german_coordinates(city)
    filler = prose.paragraphs(language, title, dice)
    length = dice.randint(4, 22)  # paragraphs to a section
    text = f'<div role="note" class="hatnote">{infobox.link("Mercury")}</div>\n{box}\n<p>{lead}</p>\n'
    for heading in prose.SECTIONS[language]:
        text += f'<div class="mw-heading mw-heading2"><h2 id="{heading}">{heading}</h2></div>\n'
        text += "".join(islice(filler, length))
    return _page(language, title, text, wikidata_id=city.wikidata_id, indicator=indicator)


def _english_lead(city: City) -> str:
    country = COUNTRIES[city.country_code][0]
    name = escape(city.titles["en"])
    if name == country:
        return f"<b>{name}</b>, officially the <b>Republic of {name}</b>, is an island country and city-state."
    return f"<b>{name}</b> is a city in {infobox.link(country)}. It lies where an old trade road crosses a river."


def _german_lead(city: City) -> str:
    country = COUNTRIES[city.country_code][1]
    name = escape(city.titles["de"])
    return f"<b>{name}</b> ist eine Stadt in {infobox.link(country)}. Sie liegt an einer alten Handelsstraße."


def _disambiguation(language: str) -> str:
    lead = "may refer to:" if language == "en" else "steht für:"
    items = "".join(f"<li>{infobox.link(f'Mercury ({what})')}</li>\n" for what in ("planet", "element", "mythology"))
    return f'<p><b>Mercury</b> {lead}</p>\n<ul>{items}</ul>\n<div id="disambigbox" class="dmbox dmbox-disambig"></div>'


def _person() -> str:
    facts = {"Born": "10 December 1815<br>London, England", "Died": "27 November 1852", "Known for": "Mathematics"}
    row = '<tr><th scope="row" class="infobox-label">{}</th><td class="infobox-data">{}</td></tr>'
    return (
        '<table class="infobox biography vcard"><tbody>'
        '<tr><th colspan="2" class="infobox-above"><div class="fn">Ada Lovelace</div></th></tr>'
        f"{''.join(row.format(*fact) for fact in facts.items())}</tbody></table>\n"
        "<p><b>Ada Lovelace</b> was a mathematician who told an engine how to compute.</p>"
    )


def _missing(language: str, title: str) -> str:
    text = {"en": "No article has the name", "de": "Es gibt keinen Artikel mit dem Namen"}[language]
    return f'<div class="noarticletext"><p>{text} <b>{escape(title)}</b>.</p></div>'


def _page(language: str, title: str, text: str, wikidata_id: str = "", indicator: str = "") -> str:
    name = escape(title)
    config: dict[str, object] = {
        "wgCanonicalNamespace": "",
        "wgPageName": title.replace(" ", "_"),
        "wgTitle": title,
        "wgContentLanguage": language,
        "wgArticleId": 1 if wikidata_id else 0,
        "wgIsArticle": True,
        **({"wgWikibaseItemId": wikidata_id} if wikidata_id else {}),
    }
    if indicator:
        label = {"en": "Coordinates", "de": "Koordinaten"}[language]
        indicator = (
            '<div id="mw-indicator-coordinates" class="mw-indicator"><div class="mw-parser-output">'
            f'<span id="coordinates">{infobox.link(label)}: {indicator}</span></div></div>'
        )
    return f"""<!DOCTYPE html>
<html class="client-nojs vector-feature-limited-width-clientpref-1 vector-toc-available" lang="{language}" dir="ltr">
<head>
<meta charset="UTF-8">
<title>{name}{_SITE[language]}</title>
<script>(function(){{document.documentElement.className="client-js";}}());RLCONF={_script(config)};
RLSTATE={{"ext.globalCssJs.user.styles":"ready","site.styles":"ready"}};</script>
<link rel="canonical" href="https://{language}.wikipedia.org/wiki/{escape(title.replace(" ", "_"))}">
</head>
<body class="skin--responsive skin-vector mediawiki ltr sitedir-ltr ns-0 ns-subject skin-vector-2022 action-view">
<a class="mw-jump-link" href="#bodyContent">Jump to content</a>
<div class="mw-page-container"><div class="mw-content-container">
<main id="content" class="mw-body">
<header class="mw-body-header vector-page-titlebar">
<h1 id="firstHeading" class="firstHeading mw-first-heading"><span class="mw-page-title-main">{name}</span></h1>
</header>
<div id="bodyContent" class="vector-body" aria-labelledby="firstHeading" data-mw-ve-target-container>
<div class="vector-body-before-content"><div class="mw-indicators">{indicator}</div></div>
<div id="mw-content-text" class="mw-body-content">
<div class="mw-content-ltr mw-parser-output" lang="{language}" dir="ltr">
{text}
</div></div>
</div>
</main></div></div>
</body>
</html>
"""


def _script(config: dict[str, object]) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(config, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003C")
