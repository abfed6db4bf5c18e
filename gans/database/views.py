"""The views: their texts in `schema/views`."""

import re
from pathlib import Path

SCHEMA = Path(__file__).parents[2] / "schema"


def views() -> dict[str, str]:
    """The views' queries by name, each after those that it reads from."""
    texts = {path.stem: path.read_text(encoding="utf-8").strip().rstrip(";") for path in sorted((SCHEMA / "views").glob("*.sql"))}
    ordered: dict[str, str] = {}
    while waiting := [name for name in texts if name not in ordered]:
        free = [
            name for name in waiting if not any(re.search(rf"\b{other}\b", texts[name]) for other in waiting if other != name)
        ]
        for name in free or waiting:
            ordered[name] = texts[name]
    return ordered
