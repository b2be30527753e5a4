"""The pages about people: home, other organisations, members and invitations."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.access import batches
from app.domain.actors import Actor, Role
from app.domain.errors import AppError
from app.domain.policy import Operation, ResourceType
from app.http.requests import RequestInfo
from app.services import claim, invitations, members, orgs, sessions
from app.services.invitations import status_of
from app.services.members import Removed
from app.services.sessions import Me
from app.store.unit_of_work import UnitOfWork
from app.web.handlers import UNCONDITIONAL, Form, PageHandler, form_of, go, refused, viewer
from app.web.pages import page


class People(PageHandler):
    """Pages for people who are signed in."""

    async def home(self, request: Request) -> Response:
        """Who am I and where to go; the way in for those who are not signed in."""
        info = await self.entered(request)
        async with self.unit(info) as uow:
            if not await claim.is_claimed(uow):
                return go("/app/claim")
            if (me := await sessions.me_or_none(uow)) is None:
                return go("/app/signin")
            waiting = await invitations.pending_for_me(uow)
        base_url = self.node.settings.base_url or str(request.base_url).rstrip("/")
        return page("home.html", {"viewer": viewer(me), "orgs": _orgs(me), "invited": waiting, "base_url": base_url})

    async def accept(self, request: Request) -> Response:
        """Accepts an invitation that home told of."""
        if (info := await self.person(request)) is None:
            return go("/app/signin")
        form = await form_of(request)
        async with self.unit(info) as uow:
            await invitations.accept_pending(uow, form.get("id", ""))
        return go("/app/")

    async def org_form(self, request: Request) -> Response:
        """The form for another organisation."""
        if (info := await self.person(request)) is None:
            return go("/app/signin")
        async with self.unit(info) as uow:
            return page("org.html", {"viewer": viewer(await sessions.me(uow)), "form": {}})

    async def create_org(self, request: Request) -> Response:
        if (info := await self.person(request)) is None:
            return go("/app/signin")
        form = await form_of(request)
        async with self.unit(info) as uow:
            shown = {"viewer": viewer(await sessions.me(uow)), "form": form}
        try:
            async with self.unit(info) as uow:
                org = await orgs.create_org(uow, form)
        except AppError as error:
            return refused("org.html", shown, error, request)
        return go(f"/app/orgs/{org.slug}/members")

    async def members(self, request: Request) -> Response:
        """An organisation's people, and what one may do about them."""
        if (info := await self.person(request)) is None:
            return go("/app/signin")
        return page("members.html", await self._members(request, info))

    async def update_member(self, request: Request) -> Response:
        """Gives a member another role."""

        async def act(uow: UnitOfWork, slug: str, form: Form) -> dict[str, Any]:
            await members.update_member(uow, slug, request.path_params["user_id"], form, UNCONDITIONAL)
            return {}

        return await self.act(request, act, "members", self._members)

    async def remove_member(self, request: Request) -> Response:
        """Removes a member, and names the tokens that they minted; who leaves has no page there any more."""

        async def act(uow: UnitOfWork, slug: str, form: Form) -> dict[str, Any] | Response:
            removed = await members.remove_member(uow, slug, request.path_params["user_id"], form, UNCONDITIONAL)
            return go("/app/") if _has_left(uow.actor, removed) else {"removed": removed}

        return await self.act(request, act, "members", self._members)

    async def invite(self, request: Request) -> Response:
        """Invites an email, and shows the link once."""

        async def act(uow: UnitOfWork, slug: str, form: Form) -> dict[str, Any]:
            client = self.node.client(request.scope["signalbox.request"].address)
            invitation, url = await invitations.create_invitation(uow, slug, form, client)
            return {"made": {"email": invitation.email, "url": url}}

        return await self.act(request, act, "members", self._members)

    async def revoke(self, request: Request) -> Response:
        async def act(uow: UnitOfWork, slug: str, _: Form) -> dict[str, Any]:
            await invitations.revoke_invitation(uow, slug, request.path_params["invitation_id"], {})
            return {}

        return await self.act(request, act, "members", self._members)

    async def _members(self, request: Request, info: RequestInfo) -> dict[str, Any]:
        slug = request.path_params["slug"]
        async with self.unit(info) as uow:
            listed = await members.list_members(uow, slug, self.listing(request.query_params.get("cursor")))
            me = await sessions.me(uow)
            org, own = next(one for one in me.memberships if one[0].slug == slug)
            may = (await batches.abilities(uow, ResourceType.ORG, [org.id]))[org.id]
            waiting = []
            if Operation.MANAGE_INVITATIONS in may:
                waiting = list((await invitations.list_invitations(uow, slug, self.listing())).rows)
        return {
            "viewer": viewer(me),
            "me": me,
            "org": org,
            "may": [operation.value for operation in may],
            "members": listed.rows,
            "next": self.node.cursors.encode(listed.rows[-1].membership.id) if listed.has_next else None,
            "invitations": [(one, status_of(one)) for one in waiting],
            "invitable": [role for role in Role if role.rank <= own.role.rank],
            "form": {},
        }


def _has_left(actor: Actor, removed: Removed) -> bool:
    return removed.member.user.id == getattr(actor, "user_id", None)


def _orgs(me: Me) -> list[dict[str, str]]:
    return [{"slug": org.slug, "name": org.name, "role": membership.role} for org, membership in me.memberships]
