"""The routes of pages, which are made on the server and usable without JavaScript."""

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.catalogue import CATALOGUE
from app.domain.errors import AppError, examples, not_found
from app.engine.guide import GUIDE
from app.http.accept import prefers_page
from app.http.authentication import authenticate
from app.http.base_path import path_of
from app.http.failures import Failures, enveloped
from app.http.methods import Methods
from app.http.not_found import NotFound
from app.http.requests import info_of
from app.runtime.node import Node
from app.web.account import AccountPage
from app.web.api_keys import ApiKeysPage
from app.web.auth import AuthPages
from app.web.handlers import what_to_do
from app.web.home import HomePages
from app.web.members import MembersPage
from app.web.pages import assets, docs_page, page

Handler = Callable[[Request], Awaitable[Response]]


NEAR = {
    "/graphiql": "/graphql",
    "/graphql": "/graphql",  # with a slash at its end
    "/openapi.json": "/api/v1/openapi.json",
    "/app/sign-in": "/app/signin",
    "/app/sign-up": "/app/signup",
}


class DocsPages:
    """Pages that are the same for everybody, but for the bar."""

    async def errors(self, _: Request) -> Response:
        return page(
            "errors.html", {"catalogue": [(entry, examples(entry)) for entry in CATALOGUE.values()], "here": "errors"}
        )

    async def rules(self, _: Request) -> Response:
        return page("rules.html", {"guide": GUIDE, "here": "rules"})

    async def docs(self, _: Request) -> Response:
        return docs_page()


def build(node: Node) -> ASGIApp:
    """The pages and what they load."""
    auth, home, account, docs = AuthPages(node), HomePages(node), AccountPage(node), DocsPages()
    members, api_keys = MembersPage(node), ApiKeysPage(node)
    table = [
        _page("/", GET=_to_home),
        _page("/app", GET=_to_home),
        _page("/app/", GET=home.home),
        _page("/app/claim", GET=auth.claim_form, POST=auth.claim),
        _page("/app/signin", GET=auth.sign_in_form, POST=auth.request_link),
        _page("/app/signup", GET=auth.sign_up_form, POST=auth.sign_up),
        _page("/app/sign-out", GET=_to_home, POST=auth.sign_out),
        _page("/app/invitations/{token}", GET=auth.invitation, POST=auth.accept),
        _page("/auth/link", GET=auth.link, POST=auth.press_link),
        _page("/app/accept", GET=_to_home, POST=home.accept),
        _page("/app/orgs", GET=home.org_form, POST=home.create_org),
        _page("/app/orgs/{slug}", GET=members.back),
        _page("/app/orgs/{slug}/members", GET=members.show, POST=members.invite),
        _page("/app/orgs/{slug}/members/{user_id}", GET=members.back, POST=members.update_member),
        _page("/app/orgs/{slug}/members/{user_id}/remove", GET=members.back, POST=members.remove_member),
        _page("/app/orgs/{slug}/invitations/{invitation_id}/revoke", GET=members.back, POST=members.revoke_invitation),
        _page("/app/orgs/{slug}/tokens", GET=api_keys.show, POST=api_keys.create),
        _page("/app/orgs/{slug}/tokens/{api_key_id}/revoke", GET=api_keys.back, POST=api_keys.revoke),
        _page("/app/account", GET=account.show, POST=account.delete),
        _page("/app/account/name", GET=account.back, POST=account.rename),
        _page("/app/account/mail", GET=account.back, POST=account.choose_mail),
        _page("/app/account/sessions/end-others", GET=account.back, POST=account.end_other_sessions),
        _page("/app/account/sessions/{session_id}/end", GET=account.back, POST=account.end_session),
        _page("/docs", GET=docs.docs),
        _page("/docs/rules", GET=docs.rules),
        _page("/docs/errors", GET=docs.errors),
        assets,
    ]
    others = NotFound(lambda path: any(route.path_regex.match(path) for route in table), NEAR)
    return _Negotiated(_Authenticated(node, Router(table, redirect_slashes=False, default=others)))


class _Authenticated:
    """Authenticates the caller of every page, of those that refuse too, so that its bar shows who is signed in."""

    def __init__(self, node: Node, app: ASGIApp) -> None:
        self.node = node
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not path_of(scope).startswith("/static/"):
            await authenticate(self.node, scope)
        await self.app(scope, receive, send)


class _Negotiated:
    """Failures as pages for browsers, which ask for HTML, and as envelopes for all others."""

    def __init__(self, app: ASGIApp) -> None:
        self.as_page = Failures(app, error_page)
        self.as_envelope = Failures(app, enveloped)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await enveloped(not_found("socket"), info_of(scope).request_id)(scope, receive, send)
            return
        answer = self.as_page if prefers_page(Headers(scope=scope)) else self.as_envelope
        await answer(scope, receive, send)


def error_page(error: AppError, request_id: str) -> Response:
    """The page of a failure."""
    shown = {
        "error": error.entry,
        "message": error.message,
        "what_to_do": what_to_do(error),
        "request_id": request_id,
    }
    response = page("error.html", shown, error.status)
    response.headers.update(error.headers)
    return response


def _page(path: str, **handlers: Handler) -> Route:
    """One route a path, so that the answer to a wrong method lists the right ones."""
    return Route(path, _Dispatch(path, Methods(handlers)))


class _Dispatch:
    """The ASGI app of one path."""

    def __init__(self, path: str, methods: Methods[Handler]) -> None:
        self.path = path
        self.methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info_of(scope).route = self.path
        handler = self.methods.find(scope["method"])
        response = self.methods.options_response() if handler is None else await handler(Request(scope, receive))
        await response(scope, receive, send)


async def _to_home(_: Request) -> Response:
    return RedirectResponse("/app/", 303)


not_found_page = _Negotiated(NotFound(lambda _: False))
"""Answers what is no path of ours."""
