"""Who the dashboard's server answers, and what its answers forbid, by real requests."""

import http.client
from collections.abc import Mapping
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from local.servers.dashboard import command

pytestmark = pytest.mark.databases("sqlite")  # no database is asked

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def asked(dashboard: str, path: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(dashboard).netloc, timeout=60)
    try:
        connection.request("GET", path, headers=dict(headers))
        return connection.getresponse()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/host-config", "/_stcore/stream"])
def test_only_what_calls_it_by_its_name_and_is_no_other_website_is_answered(dashboard: str, path: str) -> None:
    own, port = dashboard.rstrip("/"), urlsplit(dashboard).port
    upgrade, good = (UPGRADE, 101) if path == "/_stcore/stream" else ({}, 200)
    for status, headers in (
        (good, {}),
        (good, {"Origin": own}),
        (good, {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}),
        (403, {"Host": "rebound.example", "Origin": "http://rebound.example"}),
        (403, {"Host": f"rebound.example:{port}"}),
        (403, {"Host": f"127.0.0.1.rebound.example:{port}"}),
        (403, {"Host": "rebound.example@127.0.0.1"}),
        (403, {"Host": ""}),
        (403, {"Origin": "http://other.example"}),
        (403, {"Origin": "http://127.0.0.1:1"}),
        (403, {"Origin": "null"}),
        (403, {"Origin": "http://["}),
    ):
        assert asked(dashboard, path, {**upgrade, **headers}).status == status, headers


def test_its_answers_are_framed_by_nobody_and_load_nothing_from_elsewhere(dashboard: str) -> None:
    for path in ("/", "/_stcore/health", "/static/js/none.js"):
        headers = asked(dashboard, path, {}).headers
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        policy = headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'self'", "img-src 'self' data: blob:", "frame-ancestors 'none'", "object-src 'none'"} <= set(policy)
        assert "http" not in headers["Content-Security-Policy"]


def test_a_name_is_known_when_it_is_told() -> None:
    arguments = command("192.0.2.7", 8501, hosts=["gans.example.org"])
    names = [value for name, value in pairwise(arguments) if name == "--server.allowedHosts"]
    assert names == ["localhost", "127.0.0.1", "::1", "192.0.2.7", "gans.example.org"]
