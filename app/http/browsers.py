"""Which browser asked for a sign-in link: it redeems the link at once, another one is asked to press a button.

Scanners of mail open links and press no buttons. What is no browser, such as curl, has no such cookie.
"""

from datetime import timedelta

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response

from app.domain.ids import new_secret
from app.runtime.node import Node

COOKIE = "signalbox_browser"
LIFETIME = timedelta(days=1)


def is_browser(headers: Headers) -> bool:
    """Whether the request says that it comes from a browser: over plain HTTP only by the HTML that it asks for."""
    return "sec-fetch-mode" in headers or "text/html" in headers.get("accept", "")


def browser_of(headers: Headers) -> str | None:
    """The browser's secret, as it was set before."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


def asking_browser(headers: Headers) -> str | None:
    """The secret of a browser that asks for a link, a new one where it has none; None for what is no browser."""
    return (browser_of(headers) or new_secret("sbb_")) if is_browser(headers) else None


def remember_browser(node: Node, response: Response, secret: str | None) -> None:
    """Lets the browser show that it is the one."""
    if secret is not None:
        seconds = int(LIFETIME.total_seconds())
        secure = node.settings.secure_cookies
        response.set_cookie(COOKIE, secret, max_age=seconds, httponly=True, samesite="lax", secure=secure)
