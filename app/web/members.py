"""The page about an organisation's members and invitations."""

from starlette.requests import Request
from starlette.responses import Response

from app.access import batches
from app.domain.actors import Actor, Role
from app.domain.operations import Operation, ResourceType
from app.http.requests import RequestInfo
from app.services import invitations, members, sessions
from app.services.invitations import status_of
from app.services.members import Removed
from app.store.unit_of_work import UnitOfWork
from app.web.handlers import UNCONDITIONAL, Form, OrgPageHandler, PageData, action, redirect, signed_in, viewer
from app.web.pages import page


class MembersPage(OrgPageHandler):
    name = "members"
    template = "members.html"

    @signed_in
    async def show(self, request: Request, info: RequestInfo) -> Response:
        """An organisation's members and invitations, with the forms that the caller may use."""
        return page(self.template, await self.page_data(request, info))

    @action
    async def update_member(self, request: Request, uow: UnitOfWork, form: Form) -> str:
        slug, user_id = request.path_params["slug"], request.path_params["user_id"]
        await members.update_member(uow, slug, user_id, form, UNCONDITIONAL)
        return "role"

    @action
    async def remove_member(self, request: Request, uow: UnitOfWork, form: Form) -> PageData | Response:
        """Removes a member, and names the tokens that they minted; who leaves cannot see the page any more."""
        slug, user_id = request.path_params["slug"], request.path_params["user_id"]
        removed = await members.remove_member(uow, slug, user_id, form, UNCONDITIONAL)
        return redirect("/app/") if _has_left(uow.actor, removed) else {"removed": removed}

    @action
    async def invite(self, request: Request, uow: UnitOfWork, form: Form) -> PageData:
        """Invites an email, and shows the link once."""
        invitation, url = await invitations.create_invitation(uow, request.path_params["slug"], form)
        return {"made": {"email": invitation.email, "url": url}}

    @action
    async def revoke_invitation(self, request: Request, uow: UnitOfWork, _: Form) -> str:
        slug, invitation_id = request.path_params["slug"], request.path_params["invitation_id"]
        await invitations.revoke_invitation(uow, slug, invitation_id, {})
        return "invitation"

    async def page_data(self, request: Request, info: RequestInfo) -> PageData:
        slug = request.path_params["slug"]
        async with self.unit(info) as uow:
            listed = await members.list_members(uow, slug, self.listing(request.query_params.get("cursor")))
            me = await sessions.me(uow)
            org, own = next(one for one in me.memberships if one[0].slug == slug)
            abilities = (await batches.abilities(uow, ResourceType.ORG, [org.id]))[org.id]
            may = [operation for operation, inability in abilities.items() if inability is None]
            pending = []
            if Operation.MANAGE_INVITATIONS in may:
                pending = list((await invitations.list_invitations(uow, slug, self.listing())).rows)
        return {
            "viewer": viewer(me),
            "me": me,
            "org": org,
            "may": [operation.value for operation in may],
            "members": listed.rows,
            "next": self.node.cursors.encode(listed.rows[-1].membership.id, listed.list_id)
            if listed.has_next
            else None,
            "invitations": [(one, status_of(one, uow.now)) for one in pending],
            "invitable": [role for role in Role if role.rank <= own.role.rank],
            "form": {},
            "done": request.query_params.get("done"),
        }


def _has_left(actor: Actor, removed: Removed) -> bool:
    return removed.member.user.id == getattr(actor, "user_id", None)
