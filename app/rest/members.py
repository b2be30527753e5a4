"""Members over REST."""

from typing import Self

from starlette.responses import Response

from app.access.etags import row_etag
from app.access.paging import ListParameters
from app.domain.actors import Role
from app.domain.operations import Operation
from app.rest.openapi.samples import API_KEY_ID, CHANGED, GRACE_ID, INVITATION_ID, MEMBERSHIP_ID
from app.rest.requests import RestCall
from app.rest.responses import json_response, page, read, written
from app.rest.routing import Endpoint
from app.rest.schemas import Schema, Time
from app.services import members
from app.services.members import Removed
from app.store.members import Member
from app.store.unit_of_work import UnitOfWork


class MemberSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "id": MEMBERSHIP_ID,
                "userId": GRACE_ID,
                "email": "grace@acme.example",
                "displayName": "Grace",
                "role": "editor",
                **CHANGED,
            }
        ]
    },
):
    """A person in an organisation. `id` is the membership's, `userId` names the member in paths."""

    id: str
    user_id: str
    email: str
    display_name: str
    role: Role
    created_at: Time
    updated_at: Time

    @classmethod
    def from_row(cls, member: Member) -> Self:
        membership, user = member
        return cls(
            id=membership.id,
            user_id=user.id,
            email=user.email,
            display_name=user.display_name,
            role=membership.role,
            created_at=membership.created_at,
            updated_at=membership.updated_at,
        )


class LeftTokenSchema(Schema, json_schema_extra={"examples": [{"id": API_KEY_ID, "name": "ci"}]}):
    """A live token that a removed member had minted."""

    id: str
    name: str


class LeftInvitationSchema(
    Schema,
    json_schema_extra={"examples": [{"id": INVITATION_ID, "email": "alan@acme.example", "role": "editor"}]},
):
    """An open invitation that a removed member had made."""

    id: str
    email: str
    role: Role


class RemovedSchema(Schema, json_schema_extra={"examples": [{"tokensRevoked": True}]}):
    """A removed member, the live tokens that they had minted, whether those were revoked with them, and the open
    invitations that they had made, which are revoked."""

    member: MemberSchema
    tokens: list[LeftTokenSchema]
    tokens_revoked: bool
    invitations: list[LeftInvitationSchema]

    @classmethod
    def from_row(cls, removed: Removed) -> Self:
        return cls(
            member=MemberSchema.from_row(removed.member),
            tokens=[LeftTokenSchema.from_row(token) for token in removed.tokens],
            tokens_revoked=removed.revoked,
            invitations=[LeftInvitationSchema.from_row(invitation) for invitation in removed.invitations],
        )


async def list_members(call: RestCall, uow: UnitOfWork) -> Response:
    found = await members.list_members(uow, call.path["slug"], call.listing())
    return page(call, found, lambda member: member.membership.id, MemberSchema.from_row)


async def get_member(call: RestCall, uow: UnitOfWork) -> Response:
    member = await members.get_member(uow, call.path["slug"], call.path["user_id"])
    return read(call, MemberSchema.from_row(member), row_etag(member.membership))


async def update_member(call: RestCall, uow: UnitOfWork) -> Response:
    member = await members.update_member(uow, call.path["slug"], call.path["user_id"], call.input, call.if_match)
    return written(MemberSchema.from_row(member), row_etag(member.membership))


async def remove_member(call: RestCall, uow: UnitOfWork) -> Response:
    removed = await members.remove_member(uow, call.path["slug"], call.path["user_id"], call.input, call.if_match)
    return json_response(RemovedSchema.from_row(removed).encoded())


ENDPOINTS = [
    Endpoint(
        "listMembers",
        "GET",
        "/orgs/{slug}/members",
        list_members,
        "The members of an organisation",
        Operation.READ_ORG,
        response=MemberSchema,
        is_list=True,
        query=ListParameters,
    ),
    Endpoint(
        "getMember",
        "GET",
        "/orgs/{slug}/members/{user_id}",
        get_member,
        "A member of an organisation",
        Operation.READ_ORG,
        response=MemberSchema,
    ),
    Endpoint(
        "updateMember",
        "PATCH",
        "/orgs/{slug}/members/{user_id}",
        update_member,
        "Change a member's role",
        Operation.CHANGE_ROLE,
        members.UpdateMember,
        MemberSchema,
        errors=("last_owner_cannot_demote_or_remove",),
    ),
    Endpoint(
        "removeMember",
        "DELETE",
        "/orgs/{slug}/members/{user_id}",
        remove_member,
        "Remove a member, or leave",
        Operation.REMOVE_MEMBER,
        members.RemoveMember,
        RemovedSchema,
        extra_operations=(Operation.LEAVE_ORG,),
        errors=("last_owner_cannot_demote_or_remove",),
    ),
]
