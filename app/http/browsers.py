"""Recognizes a browser by a cookie that outlives its sessions.

In the browser that asked for a sign-in link, the link signs in at once; everywhere else it shows a button, which
scanners of mail do not press. And a browser that has signed in with an email before may ask for links to it, however
many strangers do.
"""

from starlette.datastructures import Headers
from starlette.responses import Response

from app.domain.ids import new_secret
from app.http.accept import prefers_page
from app.http.cookies import BROWSER, secrets_in, set_cookie
from app.runtime.node import Node


def is_browser(headers: Headers) -> bool:
    """Whether the request is from a browser. Over plain HTTP, only the HTML that it prefers shows that."""
    return "sec-fetch-mode" in headers or prefers_page(headers)


def browser_of(node: Node, headers: Headers) -> str | None:
    """The secret that was set in the browser before."""
    return next(secrets_in(node.settings, headers, BROWSER), None)


def asking_browser(node: Node, headers: Headers) -> str | None:
    """The secret of a browser that requests a link, a new one if it has none; None if it is not a browser."""
    return (browser_of(node, headers) or new_secret("sbb_")) if is_browser(headers) else None


def remember_browser(node: Node, response: Response, secret: str | None) -> None:
    """Sets the secret in the browser."""
    if secret is not None:
        set_cookie(node.settings, response, BROWSER, secret)
