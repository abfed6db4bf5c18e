"""What lands the pieces of a file. The command, whole: tests/survival/test_imports.py."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gans.collect.files import land
from gans.errors import ConfigError
from gans.source import Piece
from gans.sources import registry
from gans.storage.store import FolderStore


def test_with_a_clock_that_was_never_set_nothing_is_landed(tmp_path: Path) -> None:
    """Its time would be no slot, and what is landed under it could not be loaded."""
    store = FolderStore(tmp_path)
    with pytest.raises(ConfigError, match="before the year 2000"):
        list(land(registry()["areas"], "a", "file:a", [Piece(b"", {})], store, datetime(1970, 1, 1, tzinfo=UTC)))
    assert list(store.keys("landing/")) == []
