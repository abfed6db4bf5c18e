"""How big the functions' code is: each asset, zipped, against its limit and against what a usual Lambda of this kind ships.

All is for the platform that is deployed to. Nothing is timed: the size of a folder is the same each time.
"""

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.side_by_side import Benchmark, Suite
from gans.errors import ConfigError
from infra_cdk.packaging import ARCHIVE, COLLECT, LAMBDA, LOAD, ROOT, package

_PAGES = ("pandas", "sqlalchemy", "pymysql", "requests", "beautifulsoup4")
USUAL = {ARCHIVE: ("pandas", "pyarrow", "sqlalchemy", "pymysql"), COLLECT: _PAGES, LOAD: _PAGES}
"""What a usual one ships, and what that brings along, NumPy above all; in the versions of our own lock."""

LIMITS_MB = {ARCHIVE: 40.0, COLLECT: 8.0, LOAD: 25.0}
"""The most that each may have, zipped, in 10⁶ bytes."""


@contextmanager
def suite() -> Iterator[Suite]:
    """Two for each asset; none where npm's part of an asset is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            sizes_mb = {asset: zipped_mb(package(asset, LAMBDA)) for asset in LIMITS_MB}
        except ConfigError as error:
            yield Suite(why_none=str(error).rstrip("."))
            return
        usual_mb = {
            packages: zipped_mb(usual(packages, Path(folder) / str(number)))
            for number, packages in enumerate(set(USUAL.values()))
        }
    yield Suite(
        [
            Benchmark(
                name=f"assets.{asset.name}.{peer}",
                unit="assets/GB",
                amount=1_000,
                ours=partial(float, sizes_mb[asset]),
                peer=partial(float, other_mb),
                peer_name=peer_name,
                target=1.0,
                rounds=1,
            )
            for asset, limit_mb in LIMITS_MB.items()
            for peer, other_mb, peer_name in (
                ("limit", limit_mb, f"at most {limit_mb:.0f} MB"),
                ("usual", usual_mb[USUAL[asset]], ", ".join(USUAL[asset])),
            )
        ]
    )


def usual(packages: Sequence[str], folder: Path) -> Path:
    """Puts `packages`, and what they need, into `folder`, as uv installs it: without bytecode."""
    platform = ("--python-version", LAMBDA.python, "--python-platform", f"{LAMBDA.machine}-manylinux_2_28")
    options = ("--only-binary", ":all:", "--link-mode", "copy", "--constraints", str(ROOT / "requirements-dev.txt"))
    command = (sys.executable, "-m", "uv", "pip", "install", "--quiet", *options, *platform, "--target", str(folder), *packages)
    subprocess.run(command, check=True)
    return folder


def zipped_mb(folder: Path) -> float:
    """What `folder` has as a zip file, 10⁶ B."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))
        return file.tell() / 1e6
