"""Invitations over REST."""

from datetime import datetime
from typing import Self

from starlette.responses import Response

from app.access.paging import ListParameters
from app.domain.actors import Role
from app.domain.commands import NoBody
from app.domain.operations import Operation
from app.http.browsers import remember_browser
from app.http.cookies import SESSION, set_cookie
from app.models import Invitation
from app.rest.auth import ClaimSchema, MeSchema, calling_browser
from app.rest.openapi.samples import ACCEPT_URL, INVITATION_ID, MORNING, NEXT_WEEK
from app.rest.orgs import OrgSchema
from app.rest.requests import RestCall
from app.rest.responses import json_response, no_content, page, read
from app.rest.routing import Endpoint
from app.rest.schemas import ActorSchema, Schema, Time
from app.services import invitations, sessions
from app.services.invitations import Status, status_of
from app.store.invitations import Invited
from app.store.unit_of_work import UnitOfWork

_EXAMPLE = {
    "id": INVITATION_ID,
    "email": "grace@acme.example",
    "role": "editor",
    "status": "pending",
    "createdAt": MORNING,
    "expiresAt": NEXT_WEEK,
}


class InvitationSchema(Schema, json_schema_extra={"examples": [_EXAMPLE]}):
    """A pending invitation."""

    id: str
    email: str
    role: Role
    status: Status
    invited_by: ActorSchema
    created_at: Time
    expires_at: Time

    @classmethod
    def from_invitation(cls, invitation: Invitation, at: datetime) -> Self:
        return cls(
            id=invitation.id,
            email=invitation.email,
            role=invitation.role,
            status=status_of(invitation, at),
            invited_by=ActorSchema.model_validate(invitation.invited_by),
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )


class CreatedInvitationSchema(
    InvitationSchema, json_schema_extra={"examples": [{**_EXAMPLE, "acceptUrl": ACCEPT_URL}]}
):
    """A new invitation. `acceptUrl` is shown once."""

    accept_url: str

    @classmethod
    def from_created(cls, invitation: Invitation, accept_url: str, at: datetime) -> Self:
        return cls(**InvitationSchema.from_invitation(invitation, at).__dict__, accept_url=accept_url)


class InvitedSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "orgName": "Acme",
                "orgSlug": "acme",
                "email": "grace@acme.example",
                "role": "editor",
                "expiresAt": NEXT_WEEK,
            }
        ]
    },
):
    """What an invitation's link shows before it is accepted."""

    org_name: str
    org_slug: str
    email: str
    role: Role
    expires_at: Time

    @classmethod
    def from_row(cls, invited: Invited) -> Self:
        invitation, org = invited
        return cls(
            org_name=org.name,
            org_slug=org.slug,
            email=invitation.email,
            role=invitation.role,
            expires_at=invitation.expires_at,
        )


async def create_invitation(call: RestCall, uow: UnitOfWork) -> Response:
    slug = call.path["slug"]
    invitation, url = await invitations.create_invitation(uow, slug, call.input)
    shape = CreatedInvitationSchema.from_created(invitation, url, uow.now)
    location = f"/api/v1/orgs/{slug}/invitations/{invitation.id}"
    return json_response(shape.encoded(), 201, {"Location": location})


async def list_invitations(call: RestCall, uow: UnitOfWork) -> Response:
    found = await invitations.list_invitations(uow, call.path["slug"], call.listing())
    return page(call, found, lambda row: row.id, lambda row: InvitationSchema.from_invitation(row, uow.now))


async def revoke_invitation(call: RestCall, uow: UnitOfWork) -> Response:
    await invitations.revoke_invitation(uow, call.path["slug"], call.path["invitation_id"], call.input)
    return no_content()


async def get_invitation(call: RestCall, uow: UnitOfWork) -> Response:
    invited = await invitations.get_invitation(uow, call.path["token"])
    return read(call, InvitedSchema.from_row(invited))


async def accept_invitation(call: RestCall, uow: UnitOfWork) -> Response:
    browser = calling_browser(call, uow)
    accepted = await invitations.accept_invitation(uow, call.path["token"], call.input)
    me = await sessions.me(uow)
    response = json_response(ClaimSchema(me=MeSchema.from_caller(me), org=OrgSchema.from_row(accepted.org)).encoded())
    if accepted.session is not None:
        set_cookie(call.node.settings, response, SESSION, accepted.session.secret)
        remember_browser(call.node, response, browser)
    return response


_CLOSED = ("not_found", "invitation_used", "invitation_expired", "invitation_email_locked")
ENDPOINTS = [
    Endpoint(
        "listInvitations",
        "GET",
        "/orgs/{slug}/invitations",
        list_invitations,
        "The pending invitations",
        Operation.MANAGE_INVITATIONS,
        response=InvitationSchema,
        is_list=True,
        query=ListParameters,
    ),
    Endpoint(
        "createInvitation",
        "POST",
        "/orgs/{slug}/invitations",
        create_invitation,
        "Invite an email",
        Operation.MANAGE_INVITATIONS,
        invitations.CreateInvitation,
        CreatedInvitationSchema,
        201,
        errors=("already_member", "invitation_pending", "invitation_email_locked", "rate_limited"),
    ),
    Endpoint(
        "revokeInvitation",
        "DELETE",
        "/orgs/{slug}/invitations/{invitation_id}",
        revoke_invitation,
        "Revoke an invitation",
        Operation.MANAGE_INVITATIONS,
        NoBody,
        status=204,
        errors=("invitation_used",),
    ),
    Endpoint(
        "getInvitation",
        "GET",
        "/invitations/{token}",
        get_invitation,
        "What an invitation's link leads to",
        response=InvitedSchema,
        public=True,
        errors=_CLOSED,
    ),
    Endpoint(
        "acceptInvitation",
        "POST",
        "/invitations/{token}/accept",
        accept_invitation,
        "Accept an invitation",
        body=invitations.AcceptInvitation,
        response=ClaimSchema,
        public=True,
        errors=(*_CLOSED, "unauthorized", "forbidden"),
        headers=("SignedInNow",),
    ),
]
