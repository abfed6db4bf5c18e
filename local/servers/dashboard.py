"""The dashboard's server: Streamlit, on this machine only by default, and silent towards the world."""

# ruff: noqa: S603, S606 - commands are lists of arguments, and no shell reads them

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.request import urlopen

from gans.errors import ConfigError

APP = Path(__file__).parents[2] / "dashboard" / "server.py"
LOOPBACK = ("localhost", "127.0.0.1", "::1")

START_S = 180


def command(address: str, port: int, script: Path = APP, hosts: Sequence[str] = ()) -> list[str]:
    """The command that serves it, or another script of Streamlit's in the same way.

    Args:
        hosts: the names by which it may be called, besides `LOOPBACK` and `address`.

    Raises:
        ConfigError: its libraries are not installed.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise ConfigError("The dashboard's libraries are not installed. `make dashboard` installs them and starts it.")
    options = {
        "server.address": address,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "client.showSidebarNavigation": "false",  # of the modules in `pages`, until the first run says what the pages are
    }
    allowed = [("server.allowedHosts", name) for name in dict.fromkeys((*LOOPBACK, address, *hosts))]
    arguments = [part for name, value in (*options.items(), *allowed) for part in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(script), *arguments]


def serve(
    environment: Mapping[str, str], address: str, port: int, on_start: Callable[[str], object], hosts: Sequence[str] = ()
) -> None:
    """Becomes the server, until Ctrl-C.

    Args:
        environment: the settings, which it reads like the command itself.
        on_start: called with where it will be.
        hosts: as of `command`.

    Raises:
        ConfigError: its libraries are not installed.
    """
    arguments = command(address, port, hosts=hosts)
    on_start(f"http://{address}:{port}")
    os.execve(arguments[0], arguments, {**environment})


@contextmanager
def served(database_url: str, script: Path = APP, log: IO[str] | None = None) -> Iterator[str]:
    """Serves it on a free port of this machine while the `with` block lasts, and gives its address once it answers.

    Args:
        log: takes what the server prints; by default it is dropped.

    Raises:
        ConfigError: its libraries are not installed.
        RuntimeError: it ended, or did not answer in `START_S`.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    variables = {**os.environ, "GANS_DATABASE_URL": database_url}
    output = log or subprocess.DEVNULL
    with subprocess.Popen(command("127.0.0.1", port, script), env=variables, stdout=output, stderr=subprocess.STDOUT) as server:
        try:
            _wait(server, url)
            yield url
        finally:
            server.terminate()


def _wait(server: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < until:
        try:
            urlopen(f"{url}_stcore/health").close()  # noqa: S310 - our own
        except OSError:  # refused, or broken off
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"The dashboard's server {'ended' if server.poll() is not None else f'did not answer in {START_S} s'}.")
