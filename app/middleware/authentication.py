"""Who calls, from the session cookie, and whether a request that changes something comes from our own pages."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from app.domain.errors import AppError
from app.middleware.requests import info_of
from app.services import sessions
from app.serving.node import Node

COOKIE = "signalbox_session"


async def authenticate(node: Node, scope: Scope, *, public: bool = False) -> None:
    """Puts the actor into the request's info. Raises `unauthorized` for credentials that are not valid.

    What is `public` takes a caller with a stale cookie for one without.
    """
    connection, info = HTTPConnection(scope), info_of(scope)
    if "authorization" in connection.headers or "x-api-key" in connection.headers:
        raise AppError("unauthorized")
    if (secret := connection.cookies.get(COOKIE)) is None:
        return
    async with node.unit(info.request_id) as uow:
        person = await sessions.authenticate(uow, secret)
    if person is not None:
        info.actor = person
    elif not public:
        raise AppError("unauthorized", headers={"Set-Cookie": f"{COOKIE}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"})


def require_own_origin(node: Node, scope: Scope) -> None:
    """Raises `forbidden` for a browser's request from elsewhere: the rule of Go's `http.CrossOriginProtection`.

    `Sec-Fetch-Site` decides where a browser sends it; else `Origin` must be the host's or the base URL's. A request
    without either comes from no browser.
    """
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    base = urlsplit(node.settings.public_url)
    if site is not None:
        allowed = site in {"same-origin", "none"}
    else:
        allowed = origin is None or urlsplit(origin).netloc in {headers.get("host"), base.netloc}
    if not allowed:
        raise AppError("forbidden", "The request comes from another origin.")


def set_cookie(node: Node, response: Response, secret: str) -> None:
    """Signs the browser in."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(sessions.LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=node.settings.secure_cookies,
    )


def clear_cookie(node: Node, response: Response) -> None:
    """Signs the browser out."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=node.settings.secure_cookies)
