"""The simulator as a server: one address for all upstreams, `/HOST/PATH?QUERY` standing for `https://HOST/PATH?QUERY`."""

import os
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

from local.simulator.faults import BLANKS, FAULTS, HUGE_MIB, Faults, known
from local.simulator.upstream import Answer, Delivery, Request, upstreams
from local.simulator.world import World

_DRIP_SECONDS = 0.1
_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


@dataclass
class _Injection:
    """A fault for the next so many requests that fit."""

    fault: str
    times: int
    host: str
    match: str


class Simulator:
    """The upstreams, simulated, on a port of this machine while the `with` block lasts.

    Attributes:
        url: where it answers, for the setting that replaces the upstreams' hosts; known inside the block.
        world: the cities.
        faults: how often each fault strikes; may be replaced at any time.
        requests: what was asked so far, as `HOST/PATH?QUERY`, in order of arrival.
    """

    url: str

    def __init__(
        self,
        cities: int = 10,
        seed: int = 7,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        faults: Faults | None = None,
        port: int = 0,
        log: Callable[[str], object] | None = None,
    ) -> None:
        """`clock` says what time it is there; port 0 is any free one; `log` hears of each answer, without its query."""
        self.world = World(cities, seed)
        self.faults = faults or Faults()
        self.requests: list[str] = []
        self._clock = clock
        self._port = port
        self._log = log
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()
        self._injections: list[_Injection] = []

    def __enter__(self) -> Self:
        """Starts to answer.

        Raises:
            OSError: the port is taken.
        """
        self._server = _Server(self, self._port)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="simulator", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def inject(self, fault: str, times: int = 1, host: str = "", match: str = "") -> None:
        """The next `times` requests to `host` ("" for any) with `match` in their decoded path or query meet `fault`.

        Raises:
            ValueError: no fault has this name.
        """
        with self._lock:
            self._injections.append(_Injection(known(fault), times, host, match))

    def respond(self, target: str, headers: Message) -> Answer:
        """The answer to `/HOST/PATH?QUERY`, with its fault."""
        request = _request(target, headers)
        upstream = upstreams().get(request.host)
        fault = self._fault(target.removeprefix("/"), request)
        if upstream is None:
            message = f"The simulator does not know the host {request.host!r}; it speaks for {', '.join(upstreams())}.\n"
            answer = Answer(404, {"Content-Type": "text/plain; charset=UTF-8"}, message.encode())
        elif fault:
            full = replace(request, headers={})  # what a fault spoils is a whole answer, no 304
            answer = FAULTS[fault](upstream.answer(self.world, full, self._clock()), upstream)
        else:
            answer = upstream.answer(self.world, request, self._clock())
        if self._log:
            self._log(f"{answer.status} {request.host}{request.path}{f' ({fault})' if fault else ''}")
        return answer

    def _fault(self, target: str, request: Request) -> str | None:
        """The fault that this request meets, if any; the request is counted."""
        with self._lock:
            nth = self._asked[target]
            self._asked[target] += 1
            self.requests.append(target)
            for injection in self._injections:
                fits = injection.host in ("", request.host) and injection.match in unquote(target)
                if fits and injection.times > 0:
                    injection.times -= 1
                    return injection.fault
            return self.faults.strike(target, nth)


def _request(target: str, headers: Message) -> Request:
    address, _, query = target.removeprefix("/").partition("?")
    host, _, path = address.partition("/")
    values: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values[name] = f"{values[name]},{value}" if name in values else value
    return Request(host, "/" + unquote(path), values, {name.lower(): value for name, value in headers.items()})


def serve(
    port: int,
    cities: int,
    seed: int,
    faults: Faults | None = None,
    on_start: Callable[[str], object] = print,
    log: Callable[[str], object] | None = None,
) -> None:
    """Runs a simulator until Ctrl-C; `on_start` is called once with where it is, `log` with each answer.

    Raises:
        OSError: the port is taken.
    """
    with Simulator(cities, seed, faults=faults, port=port, log=log) as simulator, suppress(KeyboardInterrupt):
        on_start(f"The simulator answers at {simulator.url} for {', '.join(upstreams())}. Ctrl-C ends it.")
        threading.Event().wait()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, simulator: Simulator, port: int) -> None:
        self.simulator = simulator
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own would look up this machine's name, which may take seconds

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client may leave when it likes
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Ends the server and every answer that is still on its way."""
        self.shutdown()
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "Simulator"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        answer = self.server.simulator.respond(self.path, self.headers)
        match answer.delivery:
            case Delivery.WHOLE:
                self._head(answer, len(answer.body))
                self.wfile.write(answer.body)
            case Delivery.HELD:
                self.close_connection = True
                while not self._is_over(0.05):
                    pass
            case Delivery.DRIPPED:
                self._head(answer, len(answer.body))
                for byte in answer.body:
                    self.wfile.write(bytes((byte,)))
                    if self._is_over(_DRIP_SECONDS):
                        self.close_connection = True
                        break
            case Delivery.PADDED:
                self._head(answer, None)
                self.wfile.write(answer.body)
                for _ in range(HUGE_MIB):
                    self.wfile.write(BLANKS)
            case Delivery.RESET:
                self._head(answer, len(answer.body))
                self.wfile.write(answer.body[: len(answer.body) // 2])
                # Closing with a linger of zero sends a reset in place of an orderly end.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(self.connection.detach())
                self.close_connection = True

    def _head(self, answer: Answer, length: int | None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if length is None:
            self.send_header("Connection", "close")
        elif answer.status not in (204, 304):
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _is_over(self, seconds: float) -> bool:
        """Whether the client has left or the server has ended the connection, after so long."""
        time.sleep(seconds)
        try:
            return not self.connection.recv(1, _PEEK)
        except BlockingIOError:
            return False

    def log_message(self, *_: Any, **__: Any) -> None:
        """Nothing: who wants a log gives the simulator one."""
