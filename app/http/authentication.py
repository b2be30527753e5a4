"""Authenticates callers by API key or session cookie, counts rate limits, and checks the origin of writes."""

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.actors import Token
from app.domain.errors import AppError
from app.domain.rate_limits import Bucket
from app.http.addresses import client_address
from app.http.requests import RequestInfo, info_of
from app.runtime.credentials import SLIDES_AFTER_SECONDS
from app.runtime.node import Node
from app.services import sessions
from app.services.throttling import PER_PERSON

COOKIE = "signalbox_session"
_ALSO_RATED = {HTTPStatus.NOT_MODIFIED, HTTPStatus.TOO_MANY_REQUESTS}


async def authenticate(node: Node, scope: Scope, *, public: bool = False) -> None:
    """Sets the actor in the request's info. A bearer token takes precedence over a cookie.

    Raises `unauthorized` for credentials that are not valid, `token_ip_denied`, and what `take_from_buckets` does. What
    is `public` takes a caller with a stale cookie for one without.
    """
    await node.database.require_lease()
    info = info_of(scope)
    info.address = client_address(scope, node.trusted_proxies)
    info.user_agent = Headers(scope=scope).get("user-agent")
    if (token := _bearer(scope)) is not None:
        await _authenticate_token(node, info, token)
    elif (secret := HTTPConnection(scope).cookies.get(COOKIE)) is not None:
        if (session := await node.sessions.find(secret)) is not None:
            info.actor, info.buckets = session.member, (Bucket(session.member.user_id, PER_PERSON),)
            await take_from_buckets(node, info)
            if node.clock.now().timestamp() - session.last_seen_at > SLIDES_AFTER_SECONDS:
                node.sessions.note_use(session.member.session_id)
                info.renewed_cookie = _cookie_of(lambda response: set_cookie(node, response, secret))
        elif not public:
            cleared = _cookie_of(lambda response: clear_cookie(node, response)).decode("latin-1")
            raise AppError("unauthorized", headers={"Set-Cookie": cleared})


async def _authenticate_token(node: Node, info: RequestInfo, secret: str) -> None:
    """Mistyped, unknown, revoked and expired tokens are refused alike."""
    if (token := await node.api_keys.find(secret)) is None:
        raise AppError("unauthorized")
    if token.networks is not None and info.address not in token.networks:
        raise AppError("token_ip_denied")
    actor = info.actor = token.actor
    info.buckets = Bucket(actor.token_id, token.limit), Bucket(actor.org_id, token.org_limit)
    await take_from_buckets(node, info)
    node.api_keys.note_use(actor.token_id)


async def take_from_buckets(node: Node, info: RequestInfo, times: int = 1) -> None:
    """So many requests of the caller's. Raises `token_rate_limit`, or `rate_limited` for people."""
    taken = await node.buckets.take(info.buckets, times)
    if by_token := isinstance(info.actor, Token):
        info.rate_headers = (
            (b"x-ratelimit-limit", b"%d" % taken.limit),
            (b"x-ratelimit-remaining", b"%d" % taken.remaining),
            (b"x-ratelimit-reset", b"%d" % taken.reset),
        )
    if taken.retry_after:
        code = "token_rate_limit" if by_token else "rate_limited"
        raise AppError(code, headers={"Retry-After": str(taken.retry_after)})


class AuthenticationHeaders:
    """Sends what `authenticate` found: how much is left of a rate limit, on the answers that say so, and the cookie of
    a session that goes on, unless the answer sets a cookie itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                info, status, headers = info_of(scope), message["status"], message["headers"]
                if info.rate_headers and (status < HTTPStatus.MULTIPLE_CHOICES or status in _ALSO_RATED):
                    headers.extend(info.rate_headers)
                if info.renewed_cookie and "set-cookie" not in Headers(raw=headers):
                    headers.append((b"set-cookie", info.renewed_cookie))
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _bearer(scope: Scope) -> str | None:
    """The token in `Authorization`, or else in `X-API-Key`; "" if it is malformed."""
    found = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            return value[7:].strip().decode("latin-1") if value[:7].lower() == b"bearer " else ""
        if name == b"x-api-key":
            found = value.decode("latin-1")
    return found


def require_own_origin(node: Node, scope: Scope) -> None:
    """Raises `forbidden` for a browser's request from another origin, by the rule of Go's `CrossOriginProtection`.

    `Sec-Fetch-Site` decides where a browser sends it; else `Origin` must be the host's or the base URL's. A request
    without either comes from no browser, and no browser sends a token on its own.
    """
    if isinstance(info_of(scope).actor, Token):
        return
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site:
        allowed = site in {"same-origin", "none"}
    elif origin:
        base = urlsplit(node.settings.public_url)
        allowed = origin.partition("://")[2] in {headers.get("host"), base.netloc}
    else:
        allowed = True
    if not allowed:
        raise AppError("forbidden", "The request comes from another origin.")


def set_cookie(node: Node, response: Response, secret: str) -> None:
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(sessions.LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=node.settings.secure_cookies,
        path=node.settings.base_path or "/",
    )


def clear_cookie(node: Node, response: Response) -> None:
    settings = node.settings
    response.delete_cookie(
        COOKIE, settings.base_path or "/", httponly=True, samesite="lax", secure=settings.secure_cookies
    )


def _cookie_of(put: Callable[[Response], None]) -> bytes:
    response = Response()
    put(response)
    return response.headers["set-cookie"].encode("latin-1")
