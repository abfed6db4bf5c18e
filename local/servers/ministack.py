"""A local AWS: MiniStack, which enforces IAM here (`AUTH=true`), on a free port of this machine while a `with` block lasts."""

# ruff: noqa: S603 - commands are lists of arguments, and no shell reads them

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from gans.errors import ConfigError

REGION = "eu-central-1"
ACCOUNT = "000000000000"

_START_S = 60
_LOG_LINES = 40
_OFF = {"IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}  # both would listen on ports of their own
_SERVER = ("--config", "python:ministack.core.hypercorn_conf", "--keep-alive", "75", "ministack.app:app")
"""As MiniStack's image starts it; its own command would also take port 443, where it may."""
_KEPT = ("HOME", "LANG", "PATH")
"""What MiniStack gets of this program's environment: it hands all it has on to the functions, and a setting is not for them."""


class MiniStack:
    """The services of AWS; what they hold is gone when the block ends.

    Attributes:
        endpoint: the URL at which every service answers; known inside the block.
        log: what MiniStack says, and every function that it runs.
        certificate: the PEM file that its clients have to trust, made anew at each start.
    """

    endpoint: str

    def __init__(self, folder: Path) -> None:
        """`folder` takes the log and what the functions unpack."""
        self._folder = folder
        self.log = folder / "ministack.log"
        self.certificate = folder / "tmp" / "ministack-tls" / "server.crt"

    def __enter__(self) -> Self:
        """Starts it and waits until it answers.

        Raises:
            ConfigError: MiniStack is not installed, or did not start.
        """
        if not all(find_spec(name) for name in ("ministack", "boto3")):
            raise ConfigError("A local AWS needs MiniStack and boto3: pip install -r requirements-dev.txt")
        temporary = self._folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = int(listener.getsockname()[1])
        self.endpoint = f"https://127.0.0.1:{port}"
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
            "AUTH": "true",
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "TMPDIR": str(temporary),
            "USE_SSL": "1",  # buckets that take TLS alone would refuse everything else
            **_OFF,
        }
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                (sys.executable, "-m", "hypercorn", *_SERVER, "--bind", f"127.0.0.1:{port}"),
                env=environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a Ctrl-C is not for it; see also `__exit__`
            )
        try:
            self._await_answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it and the functions that it keeps warm; nothing of it is to be kept, so nothing is waited for."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def environment(self) -> Mapping[str, str]:
        """What points a program at it, boto3 and the CDK CLI alike: endpoint, region, and the root's credentials."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",  # the well-known one of every MiniStack
            "AWS_CA_BUNDLE": str(self.certificate),
        }

    def client(self, service: str) -> Any:
        """A boto3 client of the account's root."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            verify=str(self.certificate),
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106
        )

    def functions(self) -> Mapping[str, list[int]]:
        """The processes that it keeps for each Lambda function, by the function's name."""
        found: dict[str, list[int]] = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if os.getpgid(int(entry.name)) == self._process.pid:
                    variables = dict(line.partition(b"=")[::2] for line in (entry / "environ").read_bytes().split(b"\0") if line)
                    if name := variables.get(b"AWS_LAMBDA_FUNCTION_NAME"):
                        found.setdefault(name.decode(), []).append(int(entry.name))
        return found

    def end_of_log(self) -> str:
        """The last lines that it said."""
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n  ".join([f"The end of {self.log}:", *lines])

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _START_S
        while self._process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError):
                trust = ssl.create_default_context(cafile=self.certificate)
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2, context=trust):  # noqa: S310
                    return
            time.sleep(0.1)
        raise ConfigError(f"MiniStack did not start. {self.end_of_log()}")
