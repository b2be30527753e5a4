"""The cookies that browsers hold: their names and attributes, which follow from the base URL."""

from collections.abc import Iterator

from starlette.datastructures import Headers
from starlette.responses import Response

from app.services import known_browsers, sessions
from app.settings import Settings

SESSION = "signalbox_session"
BROWSER = "signalbox_browser"
LIFETIMES = {SESSION: sessions.LIFETIME, BROWSER: known_browsers.LIFETIME}


def name_of(settings: Settings, cookie: str) -> str:
    """The cookie's full name. Browsers accept one with a prefix over https only, and `__Host-` only from our own host,
    so that no sibling domain can set it; that prefix requires the path `/`."""
    if not settings.secure_cookies:
        return cookie
    return f"__Secure-{cookie}" if settings.base_path else f"__Host-{cookie}"


def set_cookie(settings: Settings, response: Response, cookie: str, secret: str) -> None:
    """Sets the cookie; an empty secret clears it."""
    response.set_cookie(
        name_of(settings, cookie),
        secret,
        max_age=int(LIFETIMES[cookie].total_seconds()) if secret else 0,
        expires=None if secret else 0,
        path=settings.base_path or "/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def secrets_in(settings: Settings, headers: Headers, cookie: str) -> Iterator[str]:
    """The cookie's values, in the order sent; there are several if they were set for several paths."""
    for header in headers.getlist("cookie"):
        for pair in header.split(";"):
            name, _, secret = pair.strip().partition("=")
            if name == name_of(settings, cookie):
                yield secret
