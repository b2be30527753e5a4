"""The account page: the user's name, where they are signed in, and deleting the account."""

from starlette.requests import Request
from starlette.responses import Response

from app.access.paging import Listing
from app.domain.errors import AppError
from app.domain.news import NewsEvent
from app.http.cookies import SESSION, set_cookie
from app.http.requests import RequestInfo
from app.services import sessions, users
from app.web.handlers import Form, PageData, PageHandler, form_of, redirect, refused, signed_in, viewer
from app.web.pages import page

MAX_SESSIONS = 1000


class AccountPage(PageHandler):
    @signed_in
    async def show(self, request: Request, info: RequestInfo) -> Response:
        return page("account.html", {**await self._page_data(info), "done": request.query_params.get("done")})

    async def back(self, _: Request) -> Response:
        return redirect("/app/account")

    @signed_in
    async def end_session(self, request: Request, info: RequestInfo) -> Response:
        async with self.unit(info) as uow:
            await sessions.delete_session(uow, request.path_params["session_id"], {})
        return redirect("/app/account?done=session")

    @signed_in
    async def end_other_sessions(self, _: Request, info: RequestInfo) -> Response:
        async with self.unit(info) as uow:
            await sessions.delete_other_sessions(uow, {})
        return redirect("/app/account?done=sessions")

    @signed_in
    async def rename(self, request: Request, info: RequestInfo) -> Response:
        form = await form_of(request)
        try:
            async with self.unit(info) as uow:
                await users.update_me(uow, form)
        except AppError as error:
            return await self._refused(request, info, form, error)
        return redirect("/app/account?done=name")

    @signed_in
    async def choose_mail(self, request: Request, info: RequestInfo) -> Response:
        form = await form_of(request)
        async with self.unit(info) as uow:  # a box that is not checked is not sent
            await users.update_me(uow, {"notify": {event: event in form for event in NewsEvent}})
        return redirect("/app/account?done=mail")

    @signed_in
    async def delete(self, request: Request, info: RequestInfo) -> Response:
        form = await form_of(request)
        try:
            async with self.unit(info) as uow:
                await users.delete_me(uow, form)
        except AppError as error:
            return await self._refused(request, info, form, error)
        response = redirect("/app/signin")
        set_cookie(self.node.settings, response, SESSION, "")
        return response

    async def _refused(self, request: Request, info: RequestInfo, form: Form, error: AppError) -> Response:
        return refused("account.html", {**await self._page_data(info), "form": form}, error, request)

    async def _page_data(self, info: RequestInfo) -> PageData:
        async with self.unit(info) as uow:
            me = await sessions.me(uow)
            own = await sessions.list_sessions(uow, Listing(self.node.cursors, {"limit": MAX_SESSIONS}))
        return {"viewer": viewer(me), "me": me, "sessions": own.rows, "form": {}, "notify": users.wanted_news(me.user)}
