"""`python -m article`: the figures of the article, written anew from the benchmarks and the demo's database; a minute at most."""

from article.figures import ARTICLE, figures, rewritten
from local.generate.answers import demo_database

with demo_database() as engine:
    ARTICLE.write_text(rewritten(ARTICLE.read_text(encoding="utf-8"), figures(engine)), encoding="utf-8")
