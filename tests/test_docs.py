"""The texts for people: what they link to is there, the house is as they lay it out, and their words are in order."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (".", "article", "benchmarks", "docs", "schema", "schema/migrations", "tests")
TEXTS = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))
LINK = re.compile(r"""\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)\"""")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CELL = re.compile(r"^\| (`[^|]+/`[^|]*?) \|", re.MULTILINE)
GROUP = re.compile(r"^## (.+?)$\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
GROUPS = dict(GROUP.findall((ROOT / "docs/glossary.md").read_text(encoding="utf-8")))


def anchors(text: str) -> set[str]:
    """As the forge makes them of headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_linked_is_there(path: Path) -> None:
    text = path.read_text()
    for link in (first or second for first, second in LINK.findall(text)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        there = path.parent / file if file else path
        assert there.exists(), link
        if anchor:
            assert anchor in anchors(there.read_text()), link


def folders_of_readme() -> list[str]:
    """The folders of its table, of which a row may name several."""
    cells = CELL.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    return [name for cell in cells for name in re.findall(r"`(.+?)/`", cell)]


def test_every_folder_that_is_named_is_there() -> None:
    named = folders_of_readme()
    assert "gans" in named
    assert [name for name in named if not (ROOT / name).is_dir()] == []
    assert len(named) == len(set(named))


def test_every_room_is_named() -> None:
    rooms = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("gans/*/__init__.py")}
    doors = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert (rooms | doors) - set(folders_of_readme()) == set()


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_a_term_is_one_line_and_in_its_place(group: str) -> None:
    head, rule, *rows = re.findall(r"^\|.*$", group, re.MULTILINE)
    assert [head, rule] == ["| term | meaning |", "| --- | --- |"]
    found = [re.fullmatch(r"\| ([^|]+) \| [^|]+[^|.] \|", row) for row in rows]
    assert [row for row, term in zip(rows, found, strict=True) if not term] == []
    terms = [term[1].strip("`").lower() for term in found if term]
    assert terms == sorted(set(terms))
