"""The dashboard's server: Streamlit, behind a check of who asks and with headers that keep other websites out.

A website that anybody visits can have its own name resolve to this machine (DNS rebinding) and would then drive the pages as if
they were its own: what is called by a name that it was not told of is not answered. What another website opens, frames or
fetches is refused.
"""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def _inline_scripts() -> str:
    """The scripts that stand in Streamlit's page itself, as a policy names them: by their hashes."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    digests = (sha256(script.encode()).digest() for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL))
    return " ".join(f"'sha256-{b64encode(digest).decode()}'" for digest in digests)


HEADERS: Final = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval' {_inline_scripts()}",  # Vega compiles its expressions, which are ours
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "frame-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Wall:
    """Answers a request that names a host which is allowed and comes from no other website; sets `HEADERS` on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.hosts: frozenset[str] = frozenset(name.lower() for name in st.get_option("server.allowedHosts"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        wrong = self._wrong(Headers(scope=scope))
        if not wrong:
            await self.app(scope, receive, send_with_headers)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "reason": wrong})  # before it is accepted: 403
        else:
            await PlainTextResponse(wrong, status_code=403)(scope, receive, send_with_headers)

    def _wrong(self, headers: Headers) -> str:
        """Why a request is refused; "" for one that is answered."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if (name := _name(host)) not in self.hosts:
            return f"The dashboard does not know the name {name!r}. Start it with `gans dashboard --host NAME` to be called so."
        if origin is None or origin.partition("://")[2] == host:
            return ""
        return "The dashboard answers no other website."


_HOST = re.compile(r"(\[[\da-f:.]+\]|[\w.-]+)(:\d+)?", re.IGNORECASE)


def _name(host: str) -> str:
    """The name of a `Host` header, without its port; "" where it is none."""
    found = _HOST.fullmatch(host)
    return found[1].strip("[]").rstrip(".").lower() if found else ""


app = st.App("app.py", middleware=[Middleware(Wall)])
