"""Home: who you are, the organisations you are in, invitations that wait, and the form for another organisation."""

from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import AppError
from app.http.requests import RequestInfo
from app.services import claim, invitations, orgs, sessions
from app.services.sessions import Me
from app.web.handlers import PageData, PageHandler, form_of, redirect, refused, signed_in, viewer
from app.web.pages import page


class HomePages(PageHandler):
    async def home(self, request: Request) -> Response:
        """The start page. Redirects to claim an unclaimed instance, or to sign in."""
        info = self.caller(request)
        async with self.unit(info) as uow:
            if not await claim.is_claimed(uow):
                return redirect("/app/claim")
            if (me := await sessions.me_or_none(uow)) is None:
                return redirect("/app/signin")
            pending = await invitations.pending_for_me(uow)
        data = {"viewer": viewer(me), "orgs": _orgs(me), "invited": pending, "base_url": self.base_url(request)}
        return page("home.html", data)

    @signed_in
    async def accept(self, request: Request, info: RequestInfo) -> Response:
        """Accepts an invitation that home listed."""
        form = await form_of(request)
        async with self.unit(info) as uow:
            await invitations.accept_pending(uow, form.get("id", ""))
        return redirect("/app/")

    @signed_in
    async def org_form(self, _: Request, info: RequestInfo) -> Response:
        return page("org.html", await self._org_data(info))

    @signed_in
    async def create_org(self, request: Request, info: RequestInfo) -> Response:
        form = await form_of(request)
        try:
            async with self.unit(info) as uow:
                org = await orgs.create_org(uow, form)
        except AppError as error:
            return refused("org.html", {**await self._org_data(info), "form": form}, error, request)
        return redirect(f"/app/orgs/{org.slug}/members")

    async def _org_data(self, info: RequestInfo) -> PageData:
        async with self.unit(info) as uow:
            return {"viewer": viewer(await sessions.me(uow)), "form": {}}


def _orgs(me: Me) -> list[dict[str, str]]:
    return [{"slug": org.slug, "name": org.name, "role": membership.role} for org, membership in me.memberships]
