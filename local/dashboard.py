"""The dashboard's server: Streamlit, on this machine only unless told otherwise, and silent towards the world."""

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from gans.errors import ConfigError

APP = Path(__file__).parent.parent / "dashboard" / "app.py"


def command(address: str, port: int) -> list[str]:
    """The command that serves it.

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
    }
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(APP), *given]


def serve(environment: Mapping[str, str], address: str, port: int, on_start: Callable[[str], object]) -> None:
    """Becomes the server, until Ctrl-C.

    Args:
        environment: the settings, which it reads like the command itself.
        on_start: is told where it will be.

    Raises:
        ConfigError: its libraries are not installed.
    """
    given = command(address, port)
    on_start(f"http://{address}:{port}")
    os.execve(given[0], given, {**environment})  # noqa: S606
