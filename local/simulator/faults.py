"""Faults on demand: each turns a good answer into one of the things that upstreams and networks really do.

A fault's name in FAULTS is its name in the settings; its docstring is its help text.
"""

import gzip
import json
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from local.simulator.upstream import Answer, Delivery, Upstream

BLANKS = b" " * 2**20
HUGE_MIB = 256  # far over any cap that a collector would set

_ERROR_PAGE = """<!DOCTYPE html>
<html><head><title>We will be right back</title></head><body><h1>Service unavailable</h1>
<p>Our servers are under maintenance. Please come back in a few minutes.</p></body></html>
"""
_BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"

_Fault = Callable[[Answer, Upstream], Answer]


def rate_limited(answer: Answer, upstream: Upstream) -> Answer:
    """429 with Retry-After: 1."""
    refusal = upstream.refuse(429)
    return replace(refusal, headers={**refusal.headers, "Retry-After": "1"})


def quota_exceeded(answer: Answer, upstream: Upstream) -> Answer:
    """The quota is used up, in the upstream's own words; a plain 429 where it has none."""
    exhausted = getattr(upstream, "exhausted", None)
    refusal: Answer = exhausted() if exhausted else upstream.refuse(429)
    return refusal


def server_error(answer: Answer, upstream: Upstream) -> Answer:
    """500 with the upstream's own error body."""
    return upstream.refuse(500)


def bad_gateway(answer: Answer, upstream: Upstream) -> Answer:
    """502 with a proxy's HTML page."""
    return Answer(502, {"Content-Type": "text/html"}, _BAD_GATEWAY.encode())


def timeout(answer: Answer, upstream: Upstream) -> Answer:
    """No answer for as long as the client waits."""
    return replace(answer, delivery=Delivery.HELD)


def reset(answer: Answer, upstream: Upstream) -> Answer:
    """The connection is reset in the middle of the body."""
    return replace(answer, delivery=Delivery.RESET)


def truncated(answer: Answer, upstream: Upstream) -> Answer:
    """Half of the body, with a Content-Length that fits it."""
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def error_page(answer: Answer, upstream: Upstream) -> Answer:
    """200 with an HTML page that tells of an error."""
    return Answer(200, {"Content-Type": "text/html; charset=UTF-8"}, _ERROR_PAGE.encode())


def empty(answer: Answer, upstream: Upstream) -> Answer:
    """200 with an empty body."""
    return Answer(200, _of_another_body(answer), b"")


def huge(answer: Answer, upstream: Upstream) -> Answer:
    """A body of hundreds of megabytes, streamed without a length."""
    return replace(answer, delivery=Delivery.PADDED)


def bomb(answer: Answer, upstream: Upstream) -> Answer:
    """A small gzip body that unpacks to hundreds of megabytes."""
    # RFC 1952: members one after the other are one gzip file.
    body = gzip.compress(answer.body, mtime=0) + gzip.compress(BLANKS, mtime=0) * HUGE_MIB
    return replace(answer, headers={**answer.headers, "Content-Encoding": "gzip"}, body=body)


def slow_drip(answer: Answer, upstream: Upstream) -> Answer:
    """A byte now and then, so that no single read times out."""
    return replace(answer, delivery=Delivery.DRIPPED)


def wrong_charset(answer: Answer, upstream: Upstream) -> Answer:
    """Declared as UTF-8, sent as Windows-1252."""
    if not answer.body:
        return answer
    declared = answer.headers["Content-Type"].partition(";")[0] + "; charset=UTF-8"
    body = answer.body.decode().encode("cp1252", errors="replace")
    return replace(answer, headers={**_of_another_body(answer), "Content-Type": declared}, body=body)


def changed_layout(answer: Answer, upstream: Upstream) -> Answer:
    """Valid, but of another shape: JSON in a new envelope, HTML without its tables, CSV with new column names."""
    if not answer.body:
        return answer
    match answer.headers["Content-Type"].partition(";")[0]:
        case "application/json":
            envelope = {"apiVersion": "2.0", "data": {"items": [json.loads(answer.body)]}}
            body = json.dumps(envelope, ensure_ascii=False).encode()
        case "text/html":
            body = answer.body.replace(b"infobox", b"factsheet")
            for tag in (b"table", b"tbody", b"tr", b"th", b"td"):
                body = body.replace(b"<%b>" % tag, b"<div>").replace(b"<%b " % tag, b"<div ")
                body = body.replace(b"</%b>" % tag, b"</div>")
        case _:
            header, newline, rows = answer.body.partition(b"\n")
            body = b",".join(b"column_%d" % n for n in range(header.count(b",") + 1)) + newline + rows
    return replace(answer, headers=_of_another_body(answer), body=body)


def redirect_private(answer: Answer, upstream: Upstream) -> Answer:
    """302 to an address that only the machine itself may ask."""
    return Answer(302, {"Content-Type": "text/html", "Location": "http://169.254.169.254/"}, b"")


def private_links(answer: Answer, upstream: Upstream) -> Answer:
    """JSON whose links lead into a private network."""
    if answer.headers.get("Content-Type", "").partition(";")[0] != "application/json":
        return answer
    body = answer.body.replace(b'"https://', b'"https://169.254.169.254/')
    return replace(answer, headers=_of_another_body(answer), body=body)


def wrong_clock(answer: Answer, upstream: Upstream) -> Answer:
    """JSON that says it was renewed a day ahead, in milliseconds."""
    ahead = b"%d" % int((time.time() + 86_400) * 1000)
    body = re.sub(rb'("last_?[uU]pdated\w*": ?)("[^"]*"|\d+)', rb"\g<1>" + ahead, answer.body)
    return replace(answer, headers=_of_another_body(answer), body=body)


def _of_another_body(answer: Answer) -> dict[str, str]:
    """The headers without the validators: a server that makes another body has another ETag for it, or none."""
    return {name: value for name, value in answer.headers.items() if name not in ("ETag", "Last-Modified")}


_ALL: tuple[_Fault, ...] = (
    rate_limited,
    quota_exceeded,
    server_error,
    bad_gateway,
    timeout,
    reset,
    truncated,
    error_page,
    empty,
    huge,
    bomb,
    slow_drip,
    wrong_charset,
    changed_layout,
    redirect_private,
    private_links,
    wrong_clock,
)
FAULTS: Mapping[str, _Fault] = {fault.__name__: fault for fault in _ALL}


def known(name: str) -> str:
    """The name itself.

    Raises:
        ValueError: no fault has this name.
    """
    if name not in FAULTS:
        raise ValueError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
    return name


class Faults:
    """How often each fault strikes.

    Whether one does depends on the seed, the fault, the path with its query and how often that was asked before, and on
    nothing else: requests made in parallel do not change each other's luck.
    """

    def __init__(self, rates: Mapping[str, float] | None = None, seed: int = 0) -> None:
        """`rates` is fault → share of the requests, 0 to 1; where several strike, the first of FAULTS does.

        Raises:
            ValueError: an unknown fault, or a rate that is no share.
        """
        rates = rates or {}
        for name, rate in rates.items():
            if not 0 <= rate <= 1:
                raise ValueError(f"the rate of {name} is {rate}; it must be from 0 to 1")
            known(name)
        self.rates = {name: rates[name] for name in FAULTS if name in rates}
        self.seed = seed

    def strike(self, target: str, nth: int) -> str | None:
        """The fault that the `nth` request for `target` meets, if any."""
        for name, rate in self.rates.items():
            if random.Random(f"{self.seed} {name} {nth} {target}").random() < rate:
                return name
        return None
