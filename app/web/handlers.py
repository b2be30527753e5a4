"""What the handlers of all pages share: who comes, what they typed, and how a refusal is shown where they typed it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.access.paging import Listing
from app.domain.actors import Member
from app.domain.errors import AppError, envelope
from app.domain.preconditions import IfMatch
from app.http.authentication import authenticate, require_own_origin
from app.http.bodies import read
from app.http.requests import RequestInfo, info_of
from app.runtime.node import Node
from app.services.sessions import Me
from app.store.unit_of_work import UnitOfWork
from app.web.pages import page

MAX_FORM = 64 * 1024
A_PAGE = 200
UNCONDITIONAL = IfMatch(None)
TEMPLATES = {"members": "members.html", "tokens": "api_keys.html"}  # by the last step of the page's address
Form = dict[str, str]
Shown = Mapping[str, Any]
Act = Callable[[UnitOfWork, str, Form], Awaitable[dict[str, Any] | Response]]
Show = Callable[[Request, RequestInfo], Awaitable[dict[str, Any]]]


class PageHandler:
    """The base of the handlers. Each reads a form or nothing, calls a service, and shows a page or goes to one."""

    def __init__(self, node: Node) -> None:
        self.node = node

    async def entered(self, request: Request) -> RequestInfo:
        """Who comes; somebody with a stale cookie is nobody. What is posted must come from our own pages."""
        await authenticate(self.node, request.scope, public=True)
        if request.method == "POST":
            require_own_origin(self.node, request.scope)
        return info_of(request.scope)

    async def person(self, request: Request) -> RequestInfo | None:
        """Somebody who is signed in, or None for anybody else, who goes to sign in."""
        info = await self.entered(request)
        return info if isinstance(info.actor, Member) else None

    def unit(self, info: RequestInfo) -> UnitOfWork:
        """The request's unit of work."""
        return self.node.unit(info.request_id, info.actor)

    def listing(self, cursor: str | None = None) -> Listing:
        """A page's part of a list."""
        return Listing(self.node.cursors, {"limit": A_PAGE, **({} if cursor is None else {"cursor": cursor})})

    async def act(self, request: Request, act: Act, part: str, show: Show) -> Response:
        """Does something in an organisation, and shows its page `part` again with what was done, or refused.

        `act` may lead somewhere else instead; where it has nothing to tell, the page is gone to anew.
        """
        if (info := await self.person(request)) is None:
            return go("/app/signin")
        slug, form, template = request.path_params["slug"], await form_of(request), TEMPLATES[part]
        try:
            async with self.unit(info) as uow:
                done = await act(uow, slug, form)
        except AppError as error:
            return refused(template, {**await show(request, info), "form": form}, error, request)
        if isinstance(done, Response):
            return done
        if not done:
            return go(f"/app/orgs/{slug}/{part}")
        return page(template, {**await show(request, info), **done})


def refused(name: str, shown: Shown, error: AppError, request: Request) -> Response:
    """The page again, with what was wrong; `error` is the envelope there."""
    told = {**envelope(error, info_of(request.scope).request_id), "action": error.entry.action}
    response = page(name, {**shown, "error": told}, error.status)
    response.headers.update(error.headers)
    return response


def viewer(me: Me) -> dict[str, str]:
    """The person, for the bar above every page."""
    return {"name": me.user.display_name, "email": me.user.email}


def go(path: str) -> Response:
    return RedirectResponse(path, 303)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form; a browser's are always URL-encoded here."""
    data = await read(request.scope, request.receive, MAX_FORM)
    return dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))


def given(form: Mapping[str, str]) -> dict[str, str]:
    """What was typed; a field left empty says nothing."""
    return {name: text for name, text in form.items() if text}
