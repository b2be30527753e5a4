"""Recognizes the browser that requested a sign-in link: there it signs in immediately, elsewhere it shows a button.

Scanners of mail open links and press no buttons. Other clients, such as curl, have no such cookie.
"""

from datetime import timedelta

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response

from app.domain.ids import new_secret
from app.http.accept import prefers_page
from app.runtime.node import Node

COOKIE = "signalbox_browser"
LIFETIME = timedelta(days=1)


def is_browser(headers: Headers) -> bool:
    """Whether the request is from a browser. Over plain HTTP, only the HTML that it prefers shows that."""
    return "sec-fetch-mode" in headers or prefers_page(headers)


def browser_of(headers: Headers) -> str | None:
    """The secret that was set in the browser before."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


def asking_browser(headers: Headers) -> str | None:
    """The secret of a browser that requests a link, a new one if it has none; None if it is not a browser."""
    return (browser_of(headers) or new_secret("sbb_")) if is_browser(headers) else None


def remember_browser(node: Node, response: Response, secret: str | None) -> None:
    """Sets the secret in the browser."""
    if secret is not None:
        seconds = int(LIFETIME.total_seconds())
        response.set_cookie(
            COOKIE,
            secret,
            max_age=seconds,
            path=node.settings.base_path or "/",
            httponly=True,
            samesite="lax",
            secure=node.settings.secure_cookies,
        )
