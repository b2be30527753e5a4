"""What the handlers of all pages share: who calls, what they typed, and how a refusal is shown where they typed it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.access.paging import Listing
from app.domain.actors import Member
from app.domain.errors import AppError, envelope
from app.domain.preconditions import IfMatch
from app.http.authentication import require_own_origin
from app.http.base_path import path_of
from app.http.bodies import read
from app.http.requests import RequestInfo, info_of
from app.runtime.node import Node
from app.services.sessions import Me
from app.store.unit_of_work import UnitOfWork
from app.web.pages import page, wait

MAX_FORM = 64 * 1024
MAX_PATH = 1024
PAGE_SIZE = 200
UNCONDITIONAL = IfMatch(None)
_LOCAL_PATH = re.compile(
    r"/app/(?!(?:signin|signup|sign-out|claim|invitations|accept)\b|/|.*//|(?:.*/)?\.\.?(?:[/?]|$))"
    r"[\w.~/@:-]*(?:\?[\w.~/@:%=&+,-]*)?",
    re.ASCII,
)
Form = dict[str, str]
PageData = dict[str, Any]


class PageHandler:
    """The base of the handlers. Each reads a form or nothing, calls a service, and shows a page or redirects to one."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def caller(self, request: Request) -> RequestInfo:
        """The caller, whom `web/app.py` has authenticated. What is posted must come from our own pages."""
        if request.method == "POST":
            require_own_origin(self.node, request.scope)
        return info_of(request.scope)

    def unit(self, info: RequestInfo, browser: str | None = None) -> UnitOfWork:
        """The request's unit of work, which is told the secret of the browser where that matters."""
        return self.node.unit(info.request_id, info.actor, info.client(browser))

    def listing(self, cursor: str | None = None) -> Listing:
        """A page's part of a list."""
        return Listing(self.node.cursors, {"limit": PAGE_SIZE, **({} if cursor is None else {"cursor": cursor})})

    def base_url(self, request: Request) -> str:
        """Where callers reach the server."""
        return self.node.settings.base_url or str(request.base_url).rstrip("/")


class OrgPageHandler(PageHandler):
    """The base for a page of an organisation, at `name` below it, with forms whose outcome the same page shows."""

    name: ClassVar[str]
    template: ClassVar[str]

    async def page_data(self, request: Request, info: RequestInfo) -> PageData:
        """What the page shows before anything is done on it."""
        raise NotImplementedError

    async def back(self, request: Request) -> Response:
        """What is posted below the page's address leads back to the page: the browser stays there after a refusal."""
        return redirect(f"/app/orgs/{request.path_params['slug']}/{self.name}")


H = TypeVar("H", bound=PageHandler)
P = TypeVar("P", bound=OrgPageHandler)
Handler = Callable[[H, Request], Awaitable[Response]]
ForPeople = Callable[[H, Request, RequestInfo], Awaitable[Response]]
Action = Callable[[P, Request, UnitOfWork, Form], Awaitable[PageData | Response | str]]


def signed_in(handler: ForPeople[H]) -> Handler[H]:
    """For people who are signed in: anybody else is sent to sign in, and then back to the page that they wanted."""

    @wraps(handler)
    async def handle(self: H, request: Request) -> Response:
        info = self.caller(request)
        return await handler(self, request, info) if isinstance(info.actor, Member) else to_sign_in(request)

    return handle


def action(act: Action[P]) -> Handler[P]:
    """Runs a form of an organisation's page in a unit of work.

    The page is shown again with what `act` gives, or with the refusal. It is reloaded when `act` gives a word, for
    which the page's template has a sentence.
    """

    @signed_in
    async def handle(self: P, request: Request, info: RequestInfo) -> Response:
        form = await form_of(request)
        try:
            async with self.unit(info) as uow:
                done = await act(self, request, uow, form)
        except AppError as error:
            data = await self.page_data(request, info)
            if request.path_params.keys() == {"slug"}:  # the page's own form; the others have nothing to keep
                data["form"] = form
            return refused(self.template, data, error, request)
        if isinstance(done, Response):
            return done
        if isinstance(done, str):
            return redirect(f"/app/orgs/{request.path_params['slug']}/{self.name}?done={done}")
        return page(self.template, {**await self.page_data(request, info), **done})

    return handle


def refused(template: str, data: PageData, error: AppError, request: Request) -> Response:
    """The page again, with what was wrong; `error` is the envelope there."""
    info = info_of(request.scope)
    info.code = error.code
    shown = {**envelope(error, info.request_id), "action": what_to_do(error)}
    response = page(template, {**data, "error": shown}, error.status)
    response.headers.update(error.headers)
    return response


def what_to_do(error: AppError) -> str:
    """The catalogue's advice; where it is to wait, how long, for no browser shows a header."""
    seconds = error.headers.get("Retry-After")
    return error.entry.action if seconds is None else f"Try again in {wait(seconds)}."


def viewer(me: Me) -> PageData:
    """The person, for the text of a page. The bar has the name of who calls by itself."""
    return {"name": me.user.display_name, "email": me.user.email, "proven": me.actor.proven}


def to_sign_in(request: Request) -> Response:
    """Asks to sign in first. A form that was posted is lost, so its page is not gone back to."""
    wanted = path_of(request.scope)
    if request.url.query:
        wanted += f"?{request.url.query}"
    if request.method == "POST" or local_path(wanted) is None:
        return redirect("/app/signin")
    return redirect(f"/app/signin?{urlencode({'next': wanted}, safe='/')}")


def local_path(text: str) -> str | None:
    """The path of a page that one can go on to once one is signed in; None for anything else.

    What is on another host, or holds a secret, never leaves here: the pages for people who are not signed in are none.
    Nor does an escaped path: no page needs one, and browsers read `%2e%2e` as the dots.
    """
    return text if len(text) <= MAX_PATH and _LOCAL_PATH.fullmatch(text) else None


def redirect(path: str) -> Response:
    return RedirectResponse(path, 303)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form; a browser's are always URL-encoded here."""
    data = await read(request.scope, request.receive, MAX_FORM)
    return dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))


def filled(form: Mapping[str, str]) -> dict[str, str]:
    """The fields that were filled in; one left empty counts as not sent."""
    return {name: text for name, text in form.items() if text}
