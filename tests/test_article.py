"""The article says what is so: its figures, and the code that it quotes."""

import re
import textwrap

import pytest
from sqlalchemy import Engine

from article.figures import ARTICLE, ROOT, figures, rewritten

TEXT = ARTICLE.read_text(encoding="utf-8")
QUOTED = re.findall(r"<!--code (\S+)-->\n```\w+\n(.*?)```", TEXT, re.DOTALL)


def test_its_figures_are_those_of_the_repository(demo: Engine) -> None:
    assert rewritten(TEXT, figures(demo)) == TEXT, "Run `python -m article` and commit what it writes."


def test_a_figure_that_is_not_known_is_named() -> None:
    with pytest.raises(LookupError, match="no figure 'none'"):
        rewritten("<!--fig none-->1<!--/fig-->", {})


def test_no_line_begins_with_a_mark() -> None:
    """It would begin a block of HTML there, and end the paragraph."""
    assert not re.search(r"^\s*<!--(?!code )", TEXT, re.MULTILINE)


def test_all_code_in_it_is_quoted() -> None:
    assert len(QUOTED) == TEXT.count("```") / 2 > 0


@pytest.mark.parametrize(("path", "lines"), QUOTED, ids=[path for path, _ in QUOTED])
def test_what_it_quotes_is_still_there(path: str, lines: str) -> None:
    code = (ROOT / path).read_text(encoding="utf-8")
    assert any(f"\n{textwrap.indent(lines, ' ' * indent)}" in code for indent in (0, 4, 8, 12)), path
