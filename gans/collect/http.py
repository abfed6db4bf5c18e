"""The one polite way to ask an upstream.

Time-outs, few tries, between them backoff with full jitter, `Retry-After` honoured but capped, no try past the deadline, a budget
of time for each source and a share of it for each of many hosts, a pause between two requests to a host, conditional requests, a
cap on the answer's size, TLS always verified, and no request to a host that the source does not declare (or, for one that
discovers its hosts, to a name of no public host) or to an address inside a private network.
"""

import logging
import math
import random
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from http.client import responses
from threading import Lock
from urllib.parse import quote_plus, urlencode, urljoin, urlsplit

import msgspec
import requests
import urllib3
from urllib3.util import Retry, parse_url

from gans import __version__
from gans.collect.connections import PrivateAddress, Session, deadline, may_be_public
from gans.errors import NotModified, Permanent, QuotaExceeded, Transient
from gans.settings import Settings
from gans.source import CollectedSource, Request

CONNECT_S, READ_S, TRY_S = 5.0, 20.0, 60.0
"""How long a connection may take to begin, how long it may be silent, how long a try may take as a whole."""

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_DISCOVERED_BYTES = 8 * 1024 * 1024
"""The same for a source that discovers its hosts, of which several are asked at once; the largest real feed has 1.5 MB."""

SHARE = 4
"""The part of a source's budget that one host of many may use up, as a divisor; `TOO_SLOW_S` of an answer are not counted."""
TOO_SLOW_S = 2.0
LEAST_S = 1.0
"""With less time than that, no try is begun."""

TRIES = 3
BACKOFF_S, LONGEST_WAIT_S = 1.0, 30.0
MAX_REDIRECTS = 5

_TRANSIENT = frozenset({408, 425, 429})
"""The statuses below 500 that may pass by themselves."""

_KEPT_HEADERS = ("content-type", "etag", "last-modified", "date", "age", "content-language")

# Its messages hold whole URLs, and with them the keys that travel in a query.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class Response(msgspec.Struct, frozen=True):
    """A complete 2xx answer; `headers` are the few worth keeping, in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Http:
    """A session with the upstreams.

    Args:
        settings: the simulator's address, the keys, the contact for the User-Agent.
        remaining: the seconds that are left for everything (a Lambda's); no try outlasts them.
    """

    def __init__(self, settings: Settings, remaining: Callable[[], float] = lambda: math.inf) -> None:
        self.requests = 0
        self._settings, self.remaining = settings, remaining
        self._counting = Lock()  # several hosts are asked at once
        self._began_at: dict[str, float] = {}
        self._used_s: dict[str, float] = {}
        self._asked_at: dict[str, float] = {}
        self._session = Session()
        agent = f"gans/{__version__}" + (f" ({settings.contact})" if settings.contact else "")
        self._session.headers.update({"User-Agent": agent, "Accept-Encoding": "gzip", "Accept": "*/*"})

    def require_key(self, source: CollectedSource) -> str:
        """The key of `source`; "" where it needs none.

        Raises:
            ConfigError: it is required and not set.
        """
        return self._settings.key(source.secret)

    def get(self, source: CollectedSource, request: Request, conditions: Mapping[str, str] | None = None) -> Response:
        """The answer to `request`, tried a few times.

        Args:
            conditions: `If-None-Match` and `If-Modified-Since` of the last answer that was landed.

        Raises:
            NotModified: the upstream has nothing newer.
            Transient: no usable answer within the tries and the time that is left.
            Permanent: asking again will not change the answer; a host or address that may not be asked; a body over the cap.
            QuotaExceeded: the answer says that the source's quota is used up.
            ConfigError: the source's key is required and not set.
        """
        key, host, pause_s = self.require_key(source), request.host, source.pause.total_seconds()
        failure, wait = Transient("not asked: the time of this run is up"), 0.0
        for tried in range(TRIES):
            if self.remaining() < wait + pause_s + CONNECT_S + READ_S:
                break
            left_s, reason = self._left(source, host)
            if left_s < wait + pause_s + LEAST_S:
                failure = failure if tried else Transient(reason)
                break
            began_at, allowed_s = time.monotonic(), TOO_SLOW_S + pause_s
            time.sleep(wait)
            try:
                return self._try(source, request, key, conditions or {}, left_s - wait)
            except Transient as error:
                allowed_s = 0.0
                failure = Transient(f"{error} (tried {tried + 1} times)", error.status, error.retry_after)
                wait = min(max(error.retry_after or 0.0, random.uniform(0, BACKOFF_S * 2**tried)), LONGEST_WAIT_S)
            finally:
                used_s = max(0.0, time.monotonic() - began_at - allowed_s)
                self._used_s[host] = self._used_s.get(host, 0.0) + used_s
        raise failure

    def _left(self, source: CollectedSource, host: str) -> tuple[float, str]:
        """The seconds that may still be spent on `host`; and what to say where these are too few."""
        budget_s, now = source.budget.total_seconds(), time.monotonic()
        with self._counting:
            began_at = self._began_at.setdefault(source.name, now)
        left_s = budget_s - (now - began_at)
        of_host_s = budget_s / SHARE - self._used_s.get(host, 0.0)
        if source.discovers_hosts and of_host_s < left_s:
            return of_host_s, f"not asked: {host} has used up its {budget_s / SHARE:.1f} s of this run, failing or slow"
        return left_s, f"not asked: the {budget_s:.0f} s that a run of {source.name} may go on are over"

    def _try(self, source: CollectedSource, request: Request, key: str, conditions: Mapping[str, str], left_s: float) -> Response:
        url, headers = request.full_url, {**request.headers, **conditions}
        if source.secret and key:
            if source.secret.host:
                url = urlsplit(url)._replace(netloc=source.secret.host).geturl()
            if source.secret.header:
                headers[source.secret.header] = key
            else:
                url += f"{'&' if request.params else '?'}{urlencode({source.secret.param: key})}"
        deadline.set(time.monotonic() + min(source.pause.total_seconds() + TRY_S, self.remaining(), left_s))
        for _ in range(MAX_REDIRECTS + 1):
            host = self._allowed(source, url)
            self._pace(host, source.pause)
            with self._send(host, self._simulated(url), headers) as response:
                if not response.is_redirect:
                    return self._read(source, host, response, key)
                url = _target(host, url, response.headers["location"])
        raise Permanent(f"{host} redirects more than {MAX_REDIRECTS} times")

    def _allowed(self, source: CollectedSource, url: str) -> str:
        """The host of `url`, if the source may ask it: https, and declared, or any public one where it discovers its hosts."""
        try:
            parts = parse_url(url)  # as urllib3 will read it when it connects: others see another host in `https://a\\@b/`
        except ValueError:
            raise Permanent(f"Refused to ask what is no URL: {_printable(url)[:200]}") from None
        host = parts.host or ""
        hosts = {*source.hosts, source.secret.host if source.secret else ""} - {""}
        is_allowed = host in hosts or (source.discovers_hosts and may_be_public(host))
        if parts.scheme != "https" or parts.port not in (None, 443) or not is_allowed:
            where = _printable(f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}")
            whom = "public hosts by https" if source.discovers_hosts else ", ".join(sorted(hosts))
            raise Permanent(f"Refused to ask {where}: {source.name} may ask {whom}")
        return host

    def _simulated(self, url: str) -> str:
        """`url` at the simulator, where one is set: the upstream's host becomes the first segment of the path."""
        base = self._settings.simulator_url
        return f"{base.rstrip('/')}/{url.removeprefix('https://')}" if base else url

    def _pace(self, host: str, pause: timedelta) -> None:
        if not self._settings.simulator_url:
            wait = self._asked_at.get(host, -math.inf) + pause.total_seconds() - time.monotonic()
            if wait > 0:
                time.sleep(wait)
        self._asked_at[host] = time.monotonic()

    def _send(self, host: str, url: str, headers: Mapping[str, str]) -> requests.Response:
        with self._counting:
            self.requests += 1
        try:
            return self._session.get(url, headers=dict(headers), timeout=(CONNECT_S, READ_S), stream=True, allow_redirects=False)
        except PrivateAddress:
            raise Permanent(f"Refused to ask {host}: its name leads into a private network") from None
        except requests.exceptions.Timeout:
            raise Transient(f"{host} did not answer in time") from None
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise Permanent(f"{host}: its certificate could not be verified") from None
            raise Transient(f"{host}: no connection (TLS)") from None
        except requests.exceptions.RequestException as error:
            raise Transient(f"{host}: no connection ({_innermost(error)})") from None

    def _read(self, source: CollectedSource, host: str, response: requests.Response, key: str) -> Response:
        """The body, unless the status or its size or pace forbids."""
        status = response.status_code
        if status == 304:
            raise NotModified(f"{host} has nothing newer", status)
        received, most = bytearray(), MAX_DISCOVERED_BYTES if source.discovers_hosts else MAX_BODY_BYTES
        try:
            for chunk in response.iter_content(64 * 1024):
                received += chunk
                if len(received) > most:
                    raise Permanent(f"{host}: the answer is over {most >> 20} MiB and was cut off", status)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            if deadline.get() - time.monotonic() < 0.05:  # a socket's time-out may come a moment early
                raise Transient(f"{host}: the answer took longer than a try may", status) from None
            raise Transient(f"{host}: the answer broke off ({_innermost(error)})", status) from None
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        body = _without(key, bytes(received))
        message = f"{host} answered {status} {responses.get(status, '')}".rstrip() + _excerpt(headers, body)
        if source.quota and source.quota.is_used_up(status, body):
            raise QuotaExceeded(message, status)
        if 200 <= status < 300:
            return Response(status, headers, body)
        if status in _TRANSIENT or status >= 500:
            raise Transient(message, status, _retry_after(response.headers.get("retry-after")))
        raise Permanent(message, status)


def _target(host: str, url: str, location: str) -> str:
    """Where a redirect leads."""
    try:
        target = urljoin(url, location)
        parse_url(target)
    except ValueError:
        raise Permanent(f"{host} redirects to what is no URL") from None
    return target


def _retry_after(header: str | None) -> float | None:
    """Seconds, from a header of seconds or of a date (RFC 9110, 10.2.3)."""
    try:
        return Retry().parse_retry_after(header) if header else None
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None


def _without(key: str, body: bytes) -> bytes:
    """`body` without the key, which some upstreams repeat to whoever asks."""
    for form in {key, quote_plus(key)} - {""}:
        body = body.replace(form.encode(), b"***")
    return body


def _printable(text: str) -> str:
    """`text` on one line and without control characters, for a message."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _excerpt(headers: Mapping[str, str], body: bytes) -> str:
    """The beginning of an error's body where it is meant for programs (JSON, text), for the message."""
    if "html" in headers.get("content-type", "html"):
        return ""
    text = _printable(body[:400].decode(errors="replace"))[:200]
    return f": {text}" if text else ""


def _innermost(error: BaseException) -> str:
    """The kind of the first cause: its text may hold the URL, and with it a key."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return type(error).__name__
