"""The pages below `/app/`: claim, home, sign-in, sign-out. Made on the server, usable without JavaScript."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.errors import CATALOGUE, AppError, envelope, not_found
from app.middleware.authentication import authenticate, clear_cookie, require_own_origin, set_cookie
from app.middleware.bodies import read
from app.middleware.failures import Failures
from app.middleware.requests import RequestInfo, info_of
from app.services import claim, links, sessions
from app.serving.node import Node
from app.web.pages import assets, docs_page, page

MAX_FORM = 64 * 1024
Handler = Callable[[Request], Awaitable[Response]]


class Pages:
    """The handlers; each reads a form or nothing, calls a service, and shows a page or goes to one."""

    def __init__(self, node: Node) -> None:
        self.node = node

    async def home(self, request: Request) -> Response:
        """Who am I and where to go; the way in for those who are not signed in."""
        info = await self._entered(request)
        async with self.node.unit(info.request_id, info.actor) as uow:
            if not await claim.is_claimed(uow):
                return RedirectResponse("/app/claim", 303)
            if (me := await sessions.me_or_none(uow)) is None:
                return RedirectResponse("/app/signin", 303)
        shown = {
            "viewer": {"name": me.user.display_name, "email": me.user.email},
            "orgs": [{"slug": org.slug, "name": org.name, "role": member.role} for org, member in me.memberships],
            "base_url": self._base_url(request),
        }
        return page("home.html", shown)

    async def claim_form(self, request: Request) -> Response:
        """The form, with the code from the link that the first start printed; home, once it is claimed."""
        async with self.node.unit(info_of(request.scope).request_id) as uow:
            if await claim.is_claimed(uow):
                return RedirectResponse("/app/", 303)
        return page("claim.html", {"form": {"claimCode": request.query_params.get("code", "")}})

    async def claim(self, request: Request) -> Response:
        """Claims the instance, or shows the form again with what is wrong with it."""
        info = await self._entered(request)
        form = await _form(request)
        try:
            async with self.node.unit(info.request_id) as uow:
                signed_in, _ = await claim.install_claim(uow, {name: text for name, text in form.items() if text})
        except AppError as error:
            return page("claim.html", {"form": form, "error": envelope(error, info.request_id)}, error.status)
        response = RedirectResponse("/app/", 303)
        set_cookie(self.node, response, signed_in.secret)
        return response

    async def sign_in(self, request: Request) -> Response:
        """What to do for those who are not signed in; `?error=` says why a link did not."""
        info = await self._entered(request)
        async with self.node.unit(info.request_id) as uow:
            unclaimed = not await claim.is_claimed(uow)
        error = CATALOGUE.get(request.query_params.get("error", ""))
        return page("signin.html", {"error": error, "unclaimed": unclaimed})

    async def link(self, request: Request) -> Response:
        """A sign-in link. A browser gets a button first, for scanners of mail open links and press none."""
        if "sec-fetch-mode" in request.headers or request.method == "HEAD":
            return page("link.html", {"token": request.query_params.get("t", "")})
        return await self._redeem(request, request.query_params.get("t", ""))

    async def press_link(self, request: Request) -> Response:
        """The button of a sign-in link."""
        await self._entered(request)
        return await self._redeem(request, (await _form(request)).get("token", ""))

    async def _redeem(self, request: Request, token: str) -> Response:
        try:
            async with self.node.unit(info_of(request.scope).request_id) as uow:
                signed_in = await links.redeem(uow, {"token": token})
        except AppError as error:
            if not error.code.startswith("magic_link_"):
                raise
            return RedirectResponse(f"/app/signin?error={error.code}", 303)
        response = RedirectResponse("/app/", 303)
        set_cookie(self.node, response, signed_in.secret)
        return response

    async def sign_out(self, request: Request) -> Response:
        """Ends the session."""
        info = await self._entered(request)
        async with self.node.unit(info.request_id, info.actor) as uow:
            await sessions.sign_out(uow)
        response = RedirectResponse("/app/signin", 303)
        clear_cookie(self.node, response)
        return response

    async def errors(self, _: Request) -> Response:
        """The catalogue, for people."""
        return page("errors.html", {"catalogue": list(CATALOGUE.values()), "here": "errors"})

    async def docs(self, _: Request) -> Response:
        """The REST reference."""
        return docs_page()

    async def _entered(self, request: Request) -> RequestInfo:
        await authenticate(self.node, request.scope, public=True)
        if request.method == "POST":
            require_own_origin(self.node, request.scope)
        return info_of(request.scope)

    def _base_url(self, request: Request) -> str:
        return self.node.settings.base_url or str(request.base_url).rstrip("/")


def build(node: Node) -> ASGIApp:
    """The pages and what they load."""
    pages = Pages(node)
    table = [
        _page("/", GET=_to_home),
        _page("/app", GET=_to_home),
        _page("/app/", GET=pages.home),
        _page("/app/claim", GET=pages.claim_form, POST=pages.claim),
        _page("/app/signin", GET=pages.sign_in),
        _page("/app/sign-out", POST=pages.sign_out),
        _page("/auth/link", GET=pages.link, POST=pages.press_link),
        _page("/docs", GET=pages.docs),
        _page("/docs/errors", GET=pages.errors),
        *assets,
    ]
    return Failures(Router(table, redirect_slashes=False, default=_nowhere), error_page)


def error_page(error: AppError, request_id: str) -> Response:
    """The page of a failure."""
    shown = {"error": error.entry, "message": error.message, "request_id": request_id}
    response = page("error.html", shown, error.status)
    response.headers.update(error.headers)
    return response


def _page(path: str, **handlers: Handler) -> Route:
    """One route a path, so that a wrong method is told which ones are right."""
    methods = {*handlers, *({"HEAD"} if "GET" in handlers else ())}

    async def dispatch(request: Request) -> Response:
        info_of(request.scope).route = path
        if request.method not in methods:
            raise AppError("method_not_allowed", headers={"Allow": ", ".join(sorted(methods))})
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, dispatch, methods=_ALL_METHODS)


_ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def _to_home(_: Request) -> Response:
    return RedirectResponse("/app/", 303)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    raise not_found("page")


async def _form(request: Request) -> dict[str, str]:
    """The fields of a posted form; a browser's are always URL-encoded here."""
    data = await read(request.scope, request.receive, MAX_FORM)
    return dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))
