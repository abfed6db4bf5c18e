"""The running text of the pages: sentences of our own, dealt out by chance, in English and German."""

import random
from collections.abc import Iterator
from html import escape

SECTIONS = {
    "en": ("History", "Geography", "Climate", "Demographics", "Economy", "Culture", "Transport", "Sports"),
    "de": ("Geschichte", "Geographie", "Klima", "Bevölkerung", "Wirtschaft", "Kultur", "Verkehr", "Sport"),
}

_SENTENCES = {
    "en": (
        "The {thing} of {name} was rebuilt in {year} after a long debate in the council.",
        "In {year}, {count} people used the {thing} every week.",
        "A second {thing} followed in {year}, paid for by a lottery.",
        'Visitors come for the {thing}, residents for the <a href="/wiki/Market" title="Market">market</a> behind it.',
        "Between {year} and the following decade the {thing} moved twice.",
        'The city keeps {count} trees along its streets, most of them <a href="/wiki/Lime" title="Lime">limes</a>.',
        "According to a survey of {year}, every third household in {name} owns a bicycle.",
        "The {thing} closes at nine in the evening, on Sundays at six.",
        "Its oldest part dates from {year} and is open to the public.",
        "Scooters may be parked on {count} marked spots around the {thing}.",
        "Trains leave for the coast every hour; buses serve the {thing} at night.",
        "The summer of {year} was the driest on record.",
    ),
    "de": (
        "Das {thing} von {name} wurde {year} nach langer Debatte im Rat neu errichtet.",
        "Im Jahr {year} nutzten {count} Menschen jede Woche das {thing}.",
        "Ein zweites {thing} folgte {year} und wurde durch eine Lotterie bezahlt.",
        'Die Besucher kommen wegen des <a href="/wiki/Markt" title="Markt">Marktes</a> hinter dem {thing}.',
        'Entlang der Straßen stehen {count} Bäume, die meisten davon <a href="/wiki/Linden" title="Linden">Linden</a>.',
        "Nach einer Umfrage von {year} besitzt jeder dritte Haushalt in {name} ein Fahrrad.",
        "Das {thing} schließt um neun Uhr abends, sonntags um sechs.",
        "Der älteste Teil stammt von {year} und ist öffentlich zugänglich.",
        "Der Sommer {year} war der trockenste seit Beginn der Messungen.",
    ),
}
_THINGS = {
    "en": ("town hall", "station", "opera", "bridge", "garden", "tram depot", "library"),
    "de": ("Rathaus", "Opernhaus", "Stadttor", "Museum", "Theater", "Hallenbad", "Stadion"),
}


def paragraphs(language: str, name: str, dice: random.Random) -> Iterator[str]:
    """Paragraphs without end."""
    while True:
        words = {"name": escape(name), "count": dice.randint(20, 900), "year": dice.randint(1850, 2023)}
        sentences = dice.choices(_SENTENCES[language], k=dice.randint(3, 7))
        text = " ".join(sentence.format(thing=dice.choice(_THINGS[language]), **words) for sentence in sentences)
        number = dice.randint(9, 99)
        yield f'<p>{text}<sup class="reference"><a href="#cite_note-{number}">&#91;{number}&#93;</a></sup></p>\n'
