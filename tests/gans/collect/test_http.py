"""The one way to ask an upstream, against real sockets: everything that an upstream or a network may do."""

import gzip
import ipaddress
import logging
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gans.collect import http
from gans.collect.http import Http
from gans.errors import ConfigError, GansError, NotModified, Permanent, QuotaExceeded, Transient
from gans.schedule import every
from gans.settings import Settings
from gans.source import CollectedSource, Quota, Request, Secret

HOST = "api.test"
REQUEST = Request(unit="berlin", url=f"https://{HOST}/v1", params={"q": "a b"}, headers={"Accept-Language": "de"})
KEY = "s3cr3t/k3y+1"
CLOSED = object()

Send = Callable[[socket.socket], None]


def source(**overrides: object) -> CollectedSource:
    return CollectedSource(
        **{
            "name": "probe", "provider": "", "docs": "", "licence": "", "schedule": every(hours=1), "stale_after": timedelta(1),
            "hosts": (HOST, "other.test"), "reads": (), "writes": (), "plan": lambda *_: iter(()), "parse": lambda _: iter(()),
        }
        | overrides
    )  # fmt: skip


SOURCE = source()


def answer(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    sent = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


class Upstream:
    """A server that gives one scripted answer after the other, then 200 for ever: bytes, or a function that sends them."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.script: list[bytes | Send] = []
        self.asked: list[str] = []
        self.hung_up = threading.Event()
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection = self._socket.accept()[0]
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                while (head := self._head(connection)) is not None:
                    self.asked.append(head)
                    step = self.script.pop(0) if self.script else answer(body=b"ok")
                    if callable(step):
                        try:
                            step(connection)
                        except OSError:
                            self.hung_up.set()
                        return
                    connection.sendall(step)

    @staticmethod
    def _head(connection: socket.socket) -> str | None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                return None
            head += byte
        return head.decode("latin-1")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    running = Upstream()
    yield running
    running.close()


@pytest.fixture
def asking(upstream: Upstream) -> Http:
    return Http(Settings(simulator_url=upstream.url, contact="ops@example.org"))


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time-outs with room on a busy machine, and no waiting between tries but a list of how long it would have been."""
    limit(monkeypatch, 2.0)
    waited: list[float] = []
    monkeypatch.setattr(http, "time", SimpleNamespace(sleep=waited.append, monotonic=time.monotonic))
    return waited


def limit(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    for name, limit_s in {"CONNECT_S": seconds, "READ_S": seconds, "TRY_S": 2 * seconds}.items():
        monkeypatch.setattr(http, name, limit_s)


@pytest.fixture
def impatient(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Short time-outs, where it is they that end a try."""
    limit(monkeypatch, 0.3)


def failure(
    asking: Http, *, of: type[GansError] = Transient, source: CollectedSource = SOURCE, request: Request = REQUEST
) -> GansError:
    with pytest.raises(of) as failed:
        asking.get(source, request)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__ or failed.value.__context__ is None, "the cause's text may hold a key"
    return failed.value


# what is asked, what is answered


def test_an_answer_is_its_status_body_and_the_headers_worth_keeping(asking: Http, upstream: Upstream) -> None:
    upstream.script = [answer(body=b"\x00\xff", Content_Type="text/html", ETAG='"1"', Set_Cookie="x=1", Server="nginx")]
    response = asking.get(SOURCE, REQUEST, {"If-None-Match": '"0"'})
    assert (response.status, response.body) == (200, b"\x00\xff")
    assert response.headers == {"content-type": "text/html", "etag": '"1"'}
    line, *headers = upstream.asked[0].split("\r\n")
    assert line == f"GET /{HOST}/v1?q=a+b HTTP/1.1"
    assert {'If-None-Match: "0"', "Accept-Language: de", "Accept-Encoding: gzip"} <= set(headers)
    assert any(header.startswith("User-Agent: gans/") and header.endswith(" (ops@example.org)") for header in headers)


def test_a_200_with_an_error_page_is_just_an_answer(asking: Http, upstream: Upstream) -> None:
    upstream.script = [answer(body=b"<html>Service unavailable", Content_Type="text/html")]
    assert asking.get(SOURCE, REQUEST).body == b"<html>Service unavailable"


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_packed_answer_is_unpacked(asking: Http, upstream: Upstream, encoding: str) -> None:
    body = b"x" * 300_000
    upstream.script = [answer(body=gzip.compress(body) if encoding == "gzip" else body, Content_Encoding=encoding)]
    assert asking.get(SOURCE, REQUEST).body == body


def test_nothing_newer_is_told_apart(asking: Http, upstream: Upstream) -> None:
    upstream.script = [b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n']
    assert failure(asking, of=NotModified).status == 304
    assert asking.requests == 1


def test_a_key_that_is_missing_costs_no_request(asking: Http, upstream: Upstream) -> None:
    with pytest.raises(ConfigError, match="GANS_PROBE_KEY is not set"):
        asking.get(source(secret=Secret(setting="GANS_PROBE_KEY", header="X-Key")), REQUEST)
    assert upstream.asked == []


# what may pass by itself


@pytest.mark.parametrize("status", ["500 Oops", "503 Busy", "408 Slow", "425 Early", "429 Enough", "521 Down", "599 ?"])
def test_what_may_pass_is_asked_again(asking: Http, upstream: Upstream, status: str) -> None:
    upstream.script = [answer(status)]
    assert asking.get(SOURCE, REQUEST).body == b"ok"
    assert asking.requests == len(upstream.asked) == 2


@pytest.mark.parametrize("status", ["400 Bad", "401 Who", "403 No", "404 Not Found", "410 Gone", "300 Many", "304.5 x"])
def test_what_will_not_pass_is_asked_once(asking: Http, upstream: Upstream, status: str) -> None:
    upstream.script = [answer(status)] * 3
    if status.startswith("304.5"):  # no status at all is a broken answer
        assert failure(asking).status == 0
    else:
        error = failure(asking, of=Permanent)
        assert (error.status, asking.requests) == (int(status[:3]), 1)


def test_after_a_few_tries_it_is_given_up(asking: Http, upstream: Upstream, waits: list[float]) -> None:
    upstream.script = [answer("503 Busy")] * 9
    error = failure(asking)
    assert (error.status, len(upstream.asked)) == (503, http.TRIES)
    assert str(error) == f"{HOST} answered 503 Service Unavailable (tried {http.TRIES} times)"
    assert all(0 <= wait <= http.BACKOFF_S * 2**n for n, wait in enumerate(waits[1:]))


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        (" 7 ", 7, 7),
        ("3600", http.LONGEST_WAIT_S, http.LONGEST_WAIT_S),
        ("9" * 5_000, 0, http.LONGEST_WAIT_S),
        (timedelta(seconds=9), 6, 9),
        (timedelta(days=9), http.LONGEST_WAIT_S, http.LONGEST_WAIT_S),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 0, http.BACKOFF_S),
        ("Fri, 31 Dec 9999 23:59:59 GMT", http.LONGEST_WAIT_S, http.LONGEST_WAIT_S),
        ("Mon, 01 Jan 99999999 00:00:00 GMT", 0, http.BACKOFF_S),
        ("-5", 0, http.BACKOFF_S),
        ("soon", 0, http.BACKOFF_S),
        ("", 0, http.BACKOFF_S),
    ],
    ids=lambda value: str(value)[:20],
)
def test_retry_after_is_honoured_up_to_a_cap(
    asking: Http, upstream: Upstream, waits: list[float], header: str | timedelta, least: float, most: float
) -> None:
    if isinstance(header, timedelta):
        header = format_datetime(datetime.now(UTC) + header, usegmt=True)
    upstream.script = [answer("429 Too Many Requests", Retry_After=header)]
    asking.get(SOURCE, REQUEST)
    assert least <= waits[-1] <= most


def test_a_retry_after_of_nothing_is_no_leave_to_hammer(
    asking: Http, upstream: Upstream, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http.random, "uniform", lambda least, most: most)
    upstream.script = [answer("429 Enough", Retry_After="0")]
    asking.get(SOURCE, REQUEST)
    assert waits[-1] == http.BACKOFF_S


def test_a_wait_that_was_asked_for_is_told_on(asking: Http, upstream: Upstream) -> None:
    upstream.script = [answer("429 Too Many Requests", Retry_After="3600")] * http.TRIES
    error = failure(asking)
    assert isinstance(error, Transient)
    assert (error.status, error.retry_after) == (429, 3600)


@pytest.mark.parametrize("status", ["429 Enough", "403 No", "200 OK", "503 Busy"])
def test_a_used_up_quota_is_told_at_once_whatever_the_status(asking: Http, upstream: Upstream, status: str) -> None:
    quota = Quota(per_month=600, per_request=2, plan="BASIC", is_used_up=lambda _, body: body == b"no units left")
    upstream.script = [answer(status, b"no units left", Content_Type="text/plain")] * 3
    error = failure(asking, of=QuotaExceeded, source=source(quota=quota))
    assert isinstance(error, Permanent)
    assert (error.status, len(upstream.asked)) == (int(status[:3]), 1)
    assert str(error).startswith(f"{HOST} answered {status[:3]}")
    assert str(error).endswith(": no units left")
    upstream.script = [answer("429 Enough", b"a little slower")]
    assert asking.get(source(quota=quota), REQUEST).body == b"ok"


@pytest.mark.usefixtures("impatient")
def test_silence_ends_in_time(asking: Http, upstream: Upstream) -> None:
    upstream.script = [lambda connection: connection.recv(1) and None] * 9
    assert str(failure(asking)) == f"{HOST} did not answer in time (tried {http.TRIES} times)"
    assert asking.requests == http.TRIES


def reset(connection: socket.socket) -> None:
    connection.sendall(answer(body=b"x" * 100)[:-50])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def cut(connection: socket.socket) -> None:
    connection.sendall(answer(body=b"x" * 100)[:-50])


def cut_chunk(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc")


def bad_gzip(connection: socket.socket) -> None:
    connection.sendall(answer(body=b"no gzip at all", Content_Encoding="gzip"))


def hang_up(_: socket.socket) -> None:
    pass


@pytest.mark.parametrize("way", [reset, cut, cut_chunk, bad_gzip, hang_up])
def test_an_answer_that_breaks_off_is_asked_for_again(asking: Http, upstream: Upstream, way: Send) -> None:
    upstream.script = [way]
    assert asking.get(SOURCE, REQUEST).body == b"ok"
    upstream.script = [way] * http.TRIES
    assert HOST in str(failure(asking))


def test_nobody_at_home(upstream: Upstream) -> None:
    nobody = Http(Settings(simulator_url="http://127.0.0.1:1"))
    assert str(failure(nobody)) == f"{HOST}: no connection (ConnectionRefusedError) (tried {http.TRIES} times)"


# too large, too slow


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for _ in range(4096):
        connection.sendall(bytes(64 * 1024))


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_a_body_over_the_cap_is_cut_off(asking: Http, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 2 << 20)
    bomb = gzip.compress(bytes(1 << 20)) * 256
    upstream.script = [answer(body=bomb, Content_Encoding="gzip") if packed else endless]
    tracemalloc.start()
    try:
        error = failure(asking, of=Permanent)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert str(error) == f"{HOST}: the answer is over 2 MiB and was cut off"
    assert asking.requests == 1
    assert packed or upstream.hung_up.wait(60), "the connection is not left open"


def test_a_body_of_just_the_cap_is_whole(asking: Http, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 100_000)
    upstream.script = [answer(body=bytes(100_000)), answer(body=bytes(100_001))]
    assert len(asking.get(SOURCE, REQUEST).body) == 100_000
    failure(asking, of=Permanent)


def drip(head: bytes, drop: bytes) -> Send:
    def send(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(drop)
            time.sleep(0.02)

    return send


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "way",
    [
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        drip(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drip(b"HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\n", b"x"),
    ],
    ids=["body", "chunks", "chunk's size", "header", "headers", "continue", "error's body"],
)
def test_a_slow_drip_ends_in_time(asking: Http, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, way: Send) -> None:
    monkeypatch.setattr(http, "TRIES", 1)
    upstream.script = [way]
    failure(asking)
    assert upstream.hung_up.wait(60)


def test_a_slow_answer_that_is_whole_in_time_is_whole(asking: Http, upstream: Upstream) -> None:
    def send(connection: socket.socket) -> None:
        for byte in answer(body=b"slow")[:-4], b"s", b"l", b"o", b"w":
            connection.sendall(byte)
            time.sleep(0.05)

    upstream.script = [send]
    assert asking.get(SOURCE, REQUEST).body == b"slow"


# redirects


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/v2?x=1", f"/{HOST}/v2?x=1"),
        ("v2", f"/{HOST}/v2"),
        ("https://other.test/v1", "/other.test/v1"),
        ("https://other.test:443/v1", "/other.test:443/v1"),
        ("//other.test/v1", "/other.test/v1"),
    ],
)
def test_a_redirect_to_a_host_of_the_source_is_followed(asking: Http, upstream: Upstream, location: str, path: str) -> None:
    upstream.script = [answer("302 Found", Location=location)]
    assert asking.get(SOURCE, REQUEST).body == b"ok"
    assert [head.split()[1] for head in upstream.asked] == [f"/{HOST}/v1?q=a+b", path]
    assert asking.requests == 2


@pytest.mark.parametrize(
    "location",
    [
        "http://api.test/v1",
        "https://evil.test/",
        "https://api.test.evil.test/",
        "https://evil.test/@api.test/",
        "https://api.test@evil.test/",
        "https://evil.test\\@api.test/",
        "https://api.test:8443/",
        "https://api.test./",
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://2130706433/",
        "https://[::1",
        "https://[api.test]/",
        "https://api.test:99999/",
        "https://api.test:x/",
        "https://\uff21.test/".encode().decode("latin-1"),
        "file:///etc/passwd",
        "ftp://api.test/",
        "data:text/plain,x",
        "javascript:alert(1)",
    ],
)
def test_a_redirect_to_any_other_place_is_refused(asking: Http, upstream: Upstream, location: str) -> None:
    upstream.script = [answer("302 Found", Location=location)]
    failure(asking, of=Permanent)
    assert len(upstream.asked) == asking.requests == 1


def test_redirects_end(asking: Http, upstream: Upstream) -> None:
    upstream.script = [answer("301 Moved", Location="/v1")] * 99
    error = failure(asking, of=Permanent)
    assert str(error) == f"{HOST} redirects more than {http.MAX_REDIRECTS} times"
    assert asking.requests == http.MAX_REDIRECTS + 1


def test_the_body_of_a_redirect_is_not_read(asking: Http, upstream: Upstream) -> None:
    def send(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /v2\r\nConnection: close\r\n\r\n")
        for _ in range(4096):
            connection.sendall(bytes(64 * 1024))

    upstream.script = [send]
    tracemalloc.start()
    try:
        assert asking.get(SOURCE, REQUEST).body == b"ok"
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert upstream.hung_up.wait(60)


@pytest.mark.parametrize("url", ["http://api.test/", "https://evil.test/", "https://127.0.0.1/"])
def test_a_source_asks_its_own_hosts_only(asking: Http, upstream: Upstream, url: str) -> None:
    error = failure(asking, of=Permanent, request=Request(unit="x", url=url))
    assert str(error).endswith("probe may ask api.test, other.test")
    assert upstream.asked == []


# where a name leads


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a connection was tried to; none is made."""
    tried: list[str] = []

    def connect(_: socket.socket, address: tuple[str, int]) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name has these addresses; an address is its own."""

    def getaddrinfo(name: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        with suppress(ValueError):
            ipaddress.ip_address(name)
            return [_info(name, port)]
        return [_info(address, port) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def _info(address: str, port: int) -> tuple[object, ...]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.SOCK_STREAM, 6, "", (address, port)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fc00::1", "fe80::1", "fe80::1%1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:100.64.0.1", "::ffff:169.254.169.254",
    ],
)  # fmt: skip
@pytest.mark.parametrize("among", [False, True], ids=["alone", "among public ones"])
def test_a_name_that_leads_into_a_private_network_is_not_asked(
    connects: list[str], monkeypatch: pytest.MonkeyPatch, address: str, among: bool
) -> None:
    resolve(monkeypatch, *["93.184.216.34"] * among, address)
    error = failure(Http(Settings()), of=Permanent)
    assert str(error) == f"Refused to ask {HOST}: its name leads into a private network"
    assert connects == []


def test_the_addresses_that_were_checked_are_the_ones_connected_to(connects: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TRIES", 1)
    resolve(monkeypatch, "93.184.216.34", "2606:2800:220:1::1")
    failure(Http(Settings()))
    assert connects == ["93.184.216.34", "2606:2800:220:1::1"]


@pytest.mark.parametrize(("address", "connected"), [("93.184.216.34", ["93.184.216.34"]), ("10.0.0.1", [])])
def test_a_proxy_of_the_environment_is_not_asked(
    connects: list[str], monkeypatch: pytest.MonkeyPatch, address: str, connected: list[str]
) -> None:
    """It would resolve the name by itself, and lead into its own network."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
    monkeypatch.setattr(http, "TRIES", 1)
    resolve(monkeypatch, address)
    failure(Http(Settings()), of=Permanent if address.startswith("10.") else Transient)
    assert connects == connected


def test_a_name_that_nobody_knows_may_be_known_later(connects: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert str(failure(Http(Settings()))).startswith(f"{HOST}: no connection (gaierror)")


# TLS


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """The server's side of TLS for `name`; the certificate, its own authority, is in `folder/ca.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(*pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Upstream]]:
    """A server with a certificate for a name, standing for the whole public internet."""
    running: list[Upstream] = []

    def start(name: str) -> Upstream:
        running.append(Upstream(certificate(tmp_path, name)))
        connect = urllib3.util.connection.create_connection
        there = ("127.0.0.1", running[0].port)
        resolve(monkeypatch, "93.184.216.34")
        monkeypatch.setattr(
            urllib3.util.connection, "create_connection", lambda _, *args, **options: connect(there, *args, **options)
        )
        return running[0]

    yield start
    for server in running:
        server.close()


def test_a_certificate_is_verified_for_the_name_that_was_asked(
    secure: Callable[[str], Upstream], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = secure(HOST)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    assert Http(Settings()).get(SOURCE, REQUEST).body == b"ok"
    assert f"Host: {HOST}" in server.asked[0]


@pytest.mark.parametrize("trusted", [True, False], ids=["for another name", "of an unknown authority"])
def test_a_wrong_certificate_is_refused(
    secure: Callable[[str], Upstream], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trusted: bool
) -> None:
    server = secure("evil.test" if trusted else HOST)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "ca.pem")) if trusted else monkeypatch.delenv(name, raising=False)
    error = failure(Http(Settings()), of=Permanent)
    assert str(error) == f"{HOST}: its certificate could not be verified"
    assert server.asked == []


def test_requests_to_one_host_keep_their_distance(
    secure: Callable[[str], Upstream], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, waits: list[float]
) -> None:
    secure(HOST)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    asking, calm = Http(Settings()), source(pause=timedelta(seconds=10))
    for _ in range(3):
        asking.get(calm, REQUEST)
    paced = [wait for wait in waits if wait]
    assert len(paced) == 2, "the first need not wait"
    assert all(9 < wait <= 10 for wait in paced)


# the time that is left


def test_no_request_is_made_when_the_time_is_up(upstream: Upstream) -> None:
    late = Http(Settings(simulator_url=upstream.url), remaining=lambda: http.CONNECT_S + http.READ_S - 0.01)
    assert str(failure(late)) == "not asked: the time of this run is up"
    assert (upstream.asked, late.requests) == ([], 0)


def test_the_pause_counts_too(upstream: Upstream) -> None:
    late = Http(Settings(simulator_url=upstream.url), remaining=lambda: 5.0)
    failure(late, source=source(pause=timedelta(seconds=10)))
    assert upstream.asked == []


@pytest.mark.parametrize("retry_after", ["20", "1"])
def test_no_try_is_begun_that_would_outlast_the_time(upstream: Upstream, retry_after: str) -> None:
    left = 10.0
    running = Http(Settings(simulator_url=upstream.url), remaining=lambda: left)
    upstream.script = [answer("429 Enough", Retry_After=retry_after)] * 9
    failure(running)
    assert len(upstream.asked) == (1 if retry_after == "20" else http.TRIES)


def test_a_try_that_is_under_way_ends_with_the_time(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TRY_S", 3_600.0)  # so that nothing else ends it
    began = time.monotonic()
    running = Http(Settings(simulator_url=upstream.url), remaining=lambda: began + 5 - time.monotonic())
    upstream.script = [drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x")] * 9
    failure(running)
    assert len(upstream.asked) == 1


# keys

HEADER_KEY = source(secret=Secret(setting="GANS_PROBE_KEY", header="X-Key"))
PARAM_KEY = source(secret=Secret(setting="GANS_PROBE_KEY", param="apikey", host="customer.test"))


@pytest.fixture
def keyed(upstream: Upstream) -> Http:
    return Http(Settings(simulator_url=upstream.url, keys={"GANS_PROBE_KEY": KEY}))


def test_a_key_travels_where_the_source_says(keyed: Http, upstream: Upstream) -> None:
    keyed.get(HEADER_KEY, REQUEST)
    keyed.get(PARAM_KEY, REQUEST)
    in_header, in_query = upstream.asked
    assert f"X-Key: {KEY}" in in_header
    assert KEY not in in_header.partition("\r\n")[0]
    assert in_query.startswith("GET /customer.test/v1?q=a+b&apikey=s3cr3t%2Fk3y%2B1 ")
    assert "X-Key" not in in_query


def test_without_its_optional_key_a_source_asks_the_public_host(asking: Http, upstream: Upstream) -> None:
    asking.get(source(secret=Secret(setting="GANS_PROBE_KEY", param="apikey", host="customer.test", is_required=False)), REQUEST)
    assert upstream.asked[0].startswith(f"GET /{HOST}/v1?q=a+b HTTP")


def echo(status: str) -> bytes:
    body = f"No such thing: {KEY}, s3cr3t%2Fk3y%2B1".encode()
    return answer(status, body, Content_Type="text/plain", Location=f"https://evil.test/?k={KEY}")


def malformed(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno header\r\n\r\nok")


@pytest.mark.parametrize("source", [HEADER_KEY, PARAM_KEY], ids=["header", "param"])
@pytest.mark.parametrize(
    "step",
    [
        echo("200 OK"), echo("403 Forbidden"), echo("500 Oops"), echo(f"503 {KEY}"), echo("302 Found"), malformed, reset, cut,
        hang_up, answer("302 Found", Location="https://[::1"), answer("302 Found", Location="http://api.test/x"),
    ],
)  # fmt: skip
def test_a_key_is_nowhere_else(
    keyed: Http, upstream: Upstream, caplog: pytest.LogCaptureFixture, source: CollectedSource, step: bytes | Send
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.script = [step] * http.TRIES
    try:
        response = keyed.get(source, REQUEST)
        seen = repr(response.body) + repr(response.headers)
    except GansError as error:
        seen = f"{error!r} {error.__dict__}"
    for form in (KEY, "s3cr3t", "k3y"):
        assert form not in seen + caplog.text


# messages


def test_a_message_tells_what_a_program_was_told_and_no_more(asking: Http, upstream: Upstream) -> None:
    upstream.script = [answer("400 Bad", b'{"reason": "Latitude\n must be \x1b[31mnumber\xff"}', Content_Type="application/json")]
    assert (
        str(failure(asking, of=Permanent))
        == f'{HOST} answered 400 Bad Request: {{"reason": "Latitude must be [31mnumber\ufffd"}}'
    )
    upstream.script = [answer("400 Bad", b"x" * 9_999, Content_Type="text/plain")]
    assert len(str(failure(asking, of=Permanent))) < 300
    upstream.script = [answer("400 Bad", b"<html>" + b"x" * 99, Content_Type="text/html")]
    assert str(failure(asking, of=Permanent)) == f"{HOST} answered 400 Bad Request"
    upstream.script = [answer("404 \x1b]0;pwned\x07", b"")]
    assert str(failure(asking, of=Permanent)) == f"{HOST} answered 404 Not Found"
    upstream.script = [answer("499 \x1b]0;pwned\x07", b"")]
    assert str(failure(asking, of=Permanent)) == f"{HOST} answered 499"


# a source that is told its hosts


DISCOVERING = source(hosts=(), discovers_hosts=True)


def test_a_source_that_is_told_its_hosts_may_ask_any_public_one(asking: Http, upstream: Upstream) -> None:
    for host in ("gbfs.example.com", "8.8.8.8", "[2606:4700::1111]", "xn--rder-loa.example"):
        assert asking.get(DISCOVERING, Request(unit="a", url=f"https://{host}/gbfs.json")).body == b"ok"
    assert len(upstream.asked) == 4


@pytest.mark.parametrize(
    "url",
    [
        "http://gbfs.example.com/", "https://gbfs.example.com:8443/", "file:///etc/passwd", "ftp://gbfs.example.com/", "https://",
        "https://localhost/", "https://LOCALHOST./", "https://a.localhost/", "https://router/", "https://db.internal/",
        "https://printer.local/", "https://169.254.169.254/latest/meta-data/", "https://127.0.0.1/", "https://10.0.0.1/",
        "https://192.168.1.1/", "https://0.0.0.0/", "https://[::1]/", "https://[fe80::1]/", "https://[::ffff:127.0.0.1]/",
        "https://127.1/", "https://2130706433/", "https://0x7f.0.0.1/", "https://user@127.0.0.1/", "https://a..example.com/",
        "https://[/", "https://a\\\\@127.0.0.1/", f"https://{'a' * 64}.example.com/",
    ],
)  # fmt: skip
def test_it_may_ask_no_other_address(asking: Http, upstream: Upstream, url: str) -> None:
    refused = failure(asking, of=Permanent, source=DISCOVERING, request=Request(unit="a", url=url))
    assert "Refused to ask" in str(refused)
    assert upstream.asked == []


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "https://127.0.0.1/", "file:///etc/passwd", "https://localhost/"])
def test_it_follows_no_redirect_to_one(asking: Http, upstream: Upstream, target: str) -> None:
    upstream.script = [answer("302 Found", Location=target)]
    refused = failure(asking, of=Permanent, source=DISCOVERING, request=Request(unit="a", url="https://gbfs.example.com/"))
    assert "Refused to ask" in str(refused)
    assert len(upstream.asked) == 1


def test_a_name_that_leads_into_a_private_network_is_refused_on_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)
    refused = failure(
        Http(Settings()), of=Permanent, source=DISCOVERING, request=Request(unit="a", url="https://gbfs.example.com/")
    )
    assert str(refused) == "Refused to ask gbfs.example.com: its name leads into a private network"


# the time that a source has, and a host's share of it


def test_a_host_that_hangs_uses_up_its_share_and_no_more(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    many = source(discovers_hosts=True, hosts=(), budget=timedelta(seconds=6))
    monkeypatch.setattr(http, "READ_S", 60.0)
    running = Http(Settings(simulator_url=upstream.url))
    upstream.script = [hang] * 9
    failed = [failure(running, source=many, request=at("slow.example.org", unit)) for unit in "abc"]
    assert [str(error) for error in failed[1:]] == [
        "not asked: slow.example.org has used up its 1.5 s of this run, failing or slow"
    ] * 2
    assert len(upstream.asked) == 1, "a try that is cut off by the share is not repeated"
    upstream.script.clear()
    assert running.get(many, at("other.example.org", "d")).body == b"ok"


def test_a_host_that_drips_uses_up_its_share_too(upstream: Upstream) -> None:
    many = source(discovers_hosts=True, hosts=(), budget=timedelta(seconds=6))
    running = Http(Settings(simulator_url=upstream.url))
    upstream.script = [drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x")] * 9
    first, second = (failure(running, source=many, request=at("slow.example.org", unit)) for unit in "ab")
    assert "took longer than a try may" in str(first)
    assert str(second).startswith("not asked: slow.example.org has used up its 1.5 s")


def test_what_is_slow_and_answers_is_counted_too(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TOO_SLOW_S", -1.6)  # as if each answer had taken so much longer
    many = source(discovers_hosts=True, hosts=(), budget=timedelta(seconds=12))
    running = Http(Settings(simulator_url=upstream.url))
    assert [running.get(many, at("slow.example.org", unit)).status for unit in "ab"] == [200, 200]
    assert "has used up its 3.0 s" in str(failure(running, source=many, request=at("slow.example.org", "c")))


def test_a_run_that_has_used_up_its_budget_asks_no_more(upstream: Upstream) -> None:
    few = source(budget=timedelta(seconds=2))
    running = Http(Settings(simulator_url=upstream.url))
    upstream.script = [hang]
    failure(running, source=few)
    error = failure(running, source=few)
    assert str(error) == "not asked: the 2 s that a run of probe may go on are over"
    assert running.get(source(name="other"), REQUEST).status == 200, "another source has a budget of its own"


def test_a_host_of_one_source_may_use_all_of_the_budget(upstream: Upstream) -> None:
    running = Http(Settings(simulator_url=upstream.url))
    upstream.script = [answer("500 No")] * 9
    assert "tried 3 times" in str(failure(running, source=source(budget=timedelta(seconds=30))))


def test_an_answer_of_a_discovered_host_may_be_less_large(
    asking: Http, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_DISCOVERED_BYTES", 1)
    many = source(discovers_hosts=True, hosts=())
    assert "was cut off" in str(failure(asking, of=Permanent, source=many, request=at("a.example.org", "a")))
    assert asking.get(SOURCE, REQUEST).body == b"ok"


def at(host: str, unit: str) -> Request:
    return Request(unit=unit, url=f"https://{host}/{unit}")


def hang(connection: socket.socket) -> None:
    connection.recv(1)  # until the other side hangs up
