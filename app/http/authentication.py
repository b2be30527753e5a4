"""Authenticates callers by API key or session cookie, counts rate limits, and checks the origin of writes."""

from http import HTTPStatus
from itertools import islice

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.actors import API_KEY_ENDED, SESSION_ENDED, Anonymous, Token
from app.domain.errors import AppError
from app.domain.rate_limits import Allowance, Bucket
from app.domain.security_events import NOBODY, Concerned, Refusal, SecurityEvent
from app.domain.token_secrets import fault_of
from app.http.cookies import SESSION, secrets_in, set_cookie
from app.http.headers import rate_headers
from app.http.requests import RequestInfo, info_of
from app.runtime.credentials import SLIDES_AFTER_SECONDS, LiveApiKey, LiveSession
from app.runtime.node import Node
from app.services.streams import NOT_A_TICKET
from app.services.throttling import PER_PERSON
from app.settings import origin_of

MAX_COOKIES = 8  # of one name; each that is unknown costs a query
_TOKEN_PARAMETERS = {"token", "access_token", "api_key"}
_HTTP = {"ws": "http", "wss": "https"}
_ALSO_RATED = {HTTPStatus.NOT_MODIFIED, HTTPStatus.TOO_MANY_REQUESTS}


async def authenticate(node: Node, scope: Scope) -> None:
    """Sets the actor in the request's info. A token takes precedence over a cookie.

    A cookie whose session has ended counts as no credentials and is cleared; of several, the first live one counts.
    Raises `unauthorized` for a token that is not valid, `token_ip_denied`, and what `take_from_buckets` does.
    """
    await node.database.require_lease()
    info = info_of(scope)
    info.user_agent = Headers(scope=scope).get("user-agent")
    if info.admitted:
        return
    if (token := _token_in(scope)) is not None:
        await authenticate_token(node, info, token)
        return
    secret = None
    for secret in islice(secrets_in(node.settings, Headers(scope=scope), SESSION), MAX_COOKIES):
        if (session := await node.sessions.find(secret)) is not None:
            _let_in(node, info, session)
            await take_from_buckets(node, info)
            if node.clock.now().timestamp() - session.last_seen_at > SLIDES_AFTER_SECONDS:
                node.sessions.note_use(session.member.session_id)
                info.session_cookie = _session_cookie(node, secret)
            return
    if secret is not None:
        info.actor = Anonymous(SESSION_ENDED)
        info.session_cookie = _session_cookie(node, "")
    elif scope["query_string"] and not _TOKEN_PARAMETERS.isdisjoint(QueryParams(scope["query_string"])):
        info.actor = Anonymous("Tokens in the query string are not accepted: send `Authorization: Bearer sbx_…`.")


async def authenticate_again(node: Node, info: RequestInfo) -> float:
    """Looks at the caller of a connection that lasts again, and gives for how many seconds more the credential is good.

    Raises `unauthorized` once it has ended.
    """
    await node.database.require_lease()
    live = await node.callers.again(info.actor)
    _let_in(node, info, live)
    return live.expires_at - node.clock.posix()


async def authenticate_by_ticket(node: Node, scope: Scope, text: str, *, once: bool) -> None:
    """Like `authenticate`, by a ticket for an event stream, which is used up if it is one that is good `once`.

    A token in the headers takes precedence; a cookie, which browsers send by themselves, does not.
    """
    if _token_in(scope) is not None:
        await authenticate(node, scope)
        return
    await node.database.require_lease()
    info = info_of(scope)
    info.user_agent = Headers(scope=scope).get("user-agent")
    ticket = node.tickets.decode(text)
    if ticket is None or ticket.expires_at <= node.clock.posix() or bool(ticket.once) is not once:
        raise AppError("unauthorized", NOT_A_TICKET)
    if once and await node.host.rate_limits.take(Allowance(f"ticket:{ticket.once}", 1)):
        raise AppError("unauthorized", NOT_A_TICKET)
    _let_in(node, info, await node.callers.find(ticket.credential_id, of_token=ticket.of_token))
    await take_from_buckets(node, info)
    info.ticket = ticket


async def authenticate_token(node: Node, info: RequestInfo, secret: str) -> None:
    """Unknown, revoked and expired tokens are refused alike."""
    if (token := await node.api_keys.find(secret)) is None:
        _note_refusal(node, info, "unauthorized", NOBODY)
        raise AppError("unauthorized", fault_of(secret) or API_KEY_ENDED)
    _let_in(node, info, token)
    await take_from_buckets(node, info)
    node.api_keys.note_use(token.actor.token_id)


def _let_in(node: Node, info: RequestInfo, live: LiveApiKey | LiveSession) -> None:
    """Sets who calls, and what they have for it. Raises `token_ip_denied`."""
    if isinstance(live, LiveSession):
        info.actor, info.buckets = live.member, (Bucket(live.member.user_id, PER_PERSON),)
        return
    actor = live.actor
    if live.networks is not None and info.address not in live.networks:
        _note_refusal(node, info, "token_ip_denied", Concerned(actor.org_id, "api_key", actor.token_id, actor.name))
        node.token_usages.note_refusal(actor.token_id, "token_ip_denied", info.request_id)
        raise AppError("token_ip_denied")
    info.actor, info.buckets = actor, live.buckets


def admit(node: Node, info: RequestInfo, token: LiveApiKey) -> bool:
    """Takes a request of a known token's, which `authenticate` does not take again. Where there is none: False, and
    `authenticate` refuses it."""
    taken = node.buckets.take_at_once(token.buckets)
    if taken is None or taken.retry_after:
        return False
    info.actor, info.buckets, info.taken, info.admitted = token.actor, token.buckets, taken, True
    node.api_keys.note_use(token.actor.token_id)
    return True


def _note_refusal(node: Node, info: RequestInfo, code: str, concerned: Concerned) -> None:
    node.refusals.note(Refusal(SecurityEvent.TOKEN_REFUSED, code, concerned, info.request_id, info.address))


async def take_from_buckets(node: Node, info: RequestInfo, times: int = 1) -> None:
    """So many requests of the caller's. Raises `token_rate_limit`, or `rate_limited` for people."""
    taken = await node.buckets.take(info.buckets, times)
    if by_token := isinstance(info.actor, Token):
        info.taken = taken
    if taken.retry_after:
        headers = {"Retry-After": str(taken.retry_after)}
        raise AppError("token_rate_limit", headers=headers) if by_token else AppError("rate_limited", headers=headers)


class AuthenticationHeaders:
    """Sends what `authenticate` found: how much is left of a rate limit, on the answers that say so, and the cookie of
    a session that goes on or has ended, unless the answer sets a cookie itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                info, status, headers = info_of(scope), message["status"], message["headers"]
                if info.taken is not None and (status < HTTPStatus.MULTIPLE_CHOICES or status in _ALSO_RATED):
                    headers.extend(rate_headers(info.taken))
                if info.session_cookie and "set-cookie" not in Headers(raw=headers):
                    headers.append((b"set-cookie", info.session_cookie))
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _token_in(scope: Scope) -> str | None:
    """The token in `Authorization`, or else in `X-API-Key`. Raises `unauthorized` for other schemes than Bearer."""
    found = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.partition(b" ")
            if scheme.lower() != b"bearer" or not token.strip():
                raise AppError("unauthorized", "The Authorization header must be `Bearer`, a space and a token.")
            return str(token.strip(), "latin-1")
        if name == b"x-api-key":
            found = str(value, "latin-1")
    return found


def require_own_origin(node: Node, scope: Scope) -> None:
    """Raises `forbidden` for a browser's request from another origin, by the rule of Go's `CrossOriginProtection`.

    `Sec-Fetch-Site` decides where a browser sends it; else `Origin` must be the base URL's, or the host's where there
    is none, scheme and port included. A request without either comes from no browser, and no browser sends a token on
    its own.
    """
    if isinstance(info_of(scope).actor, Token):
        return
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site:
        allowed = site in {"same-origin", "none"}
    elif origin:
        ours = [node.settings.public_url]
        if node.settings.base_url is None and (host := headers.get("host")):
            ours.append(f"{_HTTP.get(scope['scheme'], scope['scheme'])}://{host}")
        allowed = "://" in origin and origin_of(origin) in map(origin_of, ours)
    else:
        allowed = True
    if not allowed:
        raise AppError("forbidden", "The request comes from another origin.")


def require_origin_of_websocket(node: Node, scope: Scope) -> None:
    """As `require_own_origin`, but pages of other origins that may call with a token send it once connected."""
    origin = Headers(scope=scope).get("origin", "")
    if not isinstance(info_of(scope).actor, Anonymous) or origin_of(origin) not in node.settings.origins:
        require_own_origin(node, scope)


def _session_cookie(node: Node, secret: str) -> bytes:
    response = Response()
    set_cookie(node.settings, response, SESSION, secret)
    return response.headers["set-cookie"].encode("latin-1")
