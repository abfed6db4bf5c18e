"""The connections under `gans.collect.http`: to public addresses only, and for no longer than a try may take."""

import io
import ipaddress
import math
import os
import socket
import time
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import Any

import requests
import requests.adapters
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)
"""When the try that is under way must be over; the connections read it, deep inside urllib3."""


def _left(most: float) -> float:
    """The seconds that the try still has, at most `most`."""
    left = min(most, deadline.get() - time.monotonic())
    if left <= 0:
        raise TimeoutError
    return left


class Session(requests.Session):
    """A session on these connections, for https and, at the simulator, http.

    It asks directly: a proxy that the environment names (`HTTPS_PROXY`) is not used, since it would resolve the names, and into
    private networks too. `REQUESTS_CA_BUNDLE` may name the authorities to trust.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Adapter())

    def get_redirect_target(self, resp: Any) -> None:
        """None: `Http` follows redirects itself. Handed one, requests would read its body to the end, however long."""


class _TimelyReader(io.RawIOBase):
    """Reads from a socket until the try must be over: a time-out of the socket alone begins anew with every byte."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket) -> None:
        self._raw, self._connection, self._silence_s = raw, connection, connection.gettimeout() or math.inf

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(_left(self._silence_s))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimelyResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimelyReader(self.fp.detach(), sock))


_PRIVATE_DOMAINS = frozenset({"localhost", "local", "internal", "lan", "home", "corp", "private", "arpa"})
"""The last labels of names that mean something inside a network alone (RFC 6761, RFC 6762, RFC 8375, ICANN's reserved ones)."""


class PrivateAddress(Exception):
    """A name resolved to an address that is not of the public internet."""


def may_be_public(host: str) -> bool:
    """Whether `host` looks like one of the public internet; what its name leads to is only seen on connecting."""
    try:
        return _is_public(host.strip("[]"))
    except ValueError:
        *above, last = labels = host.lower().rstrip(".").split(".")
        is_name = bool(above) and all(0 < len(label) < 64 for label in labels)
        return is_name and last not in _PRIVATE_DOMAINS and not last.isdigit()


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address)
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_global and not found.is_multicast


class _Connection(HTTPConnection):
    response_class = _TimelyResponse


class _PublicConnection(HTTPSConnection):
    """Connects to addresses of the public internet only, and to the very address that was checked."""

    response_class = _TimelyResponse

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        addresses = [str(info[4][0]) for info in socket.getaddrinfo(name, self.port, type=socket.SOCK_STREAM)]
        if not all(map(_is_public, addresses)):
            raise PrivateAddress
        failure: Exception = OSError(f"{name} has no address")
        connect_s = float(self.timeout or math.inf)
        try:
            for address in addresses:
                self._dns_host = address  # urllib3 connects to this, and still verifies the certificate for the name
                self.timeout = _left(connect_s)
                try:
                    return super()._new_conn()
                except urllib3.exceptions.HTTPError as error:
                    failure = error
            raise failure
        finally:
            self._dns_host = name


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class _Adapter(requests.adapters.HTTPAdapter):
    """Makes the connections above."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PublicPool}
