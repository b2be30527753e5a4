"""The page about one's own account: where one is signed in, and its end."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.access.paging import Listing
from app.domain.errors import AppError
from app.http.authentication import clear_cookie
from app.http.requests import RequestInfo
from app.services import sessions, users
from app.web.handlers import PageHandler, form_of, go, refused, viewer
from app.web.pages import page

A_PAGE = 1000


class Account(PageHandler):
    """What a person sees of themselves."""

    async def show(self, request: Request) -> Response:
        if (info := await self.person(request)) is None:
            return go("/app/signin")
        return page("account.html", await self._shown(info))

    async def end_session(self, request: Request) -> Response:
        """Ends one of one's sessions."""
        if (info := await self.person(request)) is None:
            return go("/app/signin")
        async with self.unit(info) as uow:
            await sessions.delete_session(uow, request.path_params["session_id"], {})
        return go("/app/account")

    async def delete(self, request: Request) -> Response:
        if (info := await self.person(request)) is None:
            return go("/app/signin")
        form = await form_of(request)
        try:
            async with self.unit(info) as uow:
                await users.delete_me(uow, form)
        except AppError as error:
            return refused("account.html", {**await self._shown(info), "form": form}, error, request)
        response = go("/app/signin")
        clear_cookie(self.node, response)
        return response

    async def _shown(self, info: RequestInfo) -> dict[str, Any]:
        async with self.unit(info) as uow:
            me = await sessions.me(uow)
            own = await sessions.list_sessions(uow, Listing(self.node.cursors, {"limit": A_PAGE}))
        return {"viewer": viewer(me), "me": me, "sessions": own.rows, "form": {}}
