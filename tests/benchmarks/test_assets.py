"""The sizes of the assets: what is weighed, and against what; the figures themselves are not tested here."""

import zlib
from pathlib import Path

import pytest

from benchmarks import assets
from gans.errors import ConfigError


def test_a_folder_weighs_what_it_has_compressed(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    text = b"the same again " * 10_000
    (tmp_path / "deep" / "text").write_bytes(text)
    assert 0 < assets.zipped_mb(tmp_path) - len(zlib.compress(text)) / 1e6 < 0.001


def test_each_asset_stands_beside_its_limit_and_the_usual(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a look at the real wheels, which are of the run itself."""
    contents = {"archive": b"a" * 70, "collect": b"c", "load": b"l" * 50, "usual": bytes(range(256)) * 2}
    for name, content in contents.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "code").write_bytes(content)
    monkeypatch.setattr(assets, "package", lambda asset, target: tmp_path / asset.name)
    monkeypatch.setattr(assets, "usual", lambda packages, folder: tmp_path / "usual")
    with assets.suite() as suite:
        found = {benchmark.name: (benchmark.ours(), benchmark.peer()) for benchmark in suite.benchmarks}
    own = {name: assets.zipped_mb(tmp_path / name) for name in contents}
    assert found == {
        "assets.archive.limit": (own["archive"], 40.0),
        "assets.archive.usual": (own["archive"], own["usual"]),
        "assets.collect.limit": (own["collect"], 8.0),
        "assets.collect.usual": (own["collect"], own["usual"]),
        "assets.load.limit": (own["load"], 25.0),
        "assets.load.usual": (own["load"], own["usual"]),
    }


def test_where_an_asset_cannot_be_made_it_is_said_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def package(asset: object, target: object) -> Path:
        raise ConfigError("Something is missing. Run `make node_modules`.")

    monkeypatch.setattr(assets, "package", package)
    with assets.suite() as suite:
        assert not suite.benchmarks
        assert suite.why_none == "Something is missing. Run `make node_modules`"
