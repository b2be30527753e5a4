"""Members: list, change of role, removal, leaving. An organisation always keeps an active owner."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from app.access.entry import Access, Entry, Find
from app.access.etags import row_etag
from app.access.paging import Listing
from app.domain.actors import Member as Caller
from app.domain.actors import Role
from app.domain.commands import Command, Switch, Text, validate
from app.domain.errors import AppError, not_found
from app.domain.ids import is_id, lowered
from app.domain.named import Needs, named_in
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.models import ApiKey, Invitation, Org
from app.services.api_keys import end_api_key
from app.services.grants import end_grants
from app.store import identities, members
from app.store.members import Member
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork


class UpdateMember(Command, json_schema_extra={"examples": [{"role": "editor"}]}):
    """A member's new role."""

    role: Annotated[Role, Field(strict=False)]


class RemoveMember(Command, json_schema_extra={"examples": [{"revokeTokens": True, "reason": "Agreed with the team"}]}):
    """What becomes of the tokens that the member minted: they go on working unless `revokeTokens` is true.

    The member's open invitations are revoked in any case.
    """

    revoke_tokens: Annotated[Switch, Needs(Operation.MANAGE_TOKENS, when=(True, "true"))] = False
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """A member as they were, the live tokens that they minted, whether those were revoked, and the open invitations
    that they had made, which are."""

    member: Member
    tokens: Sequence[ApiKey]
    revoked: bool
    invitations: Sequence[Invitation]


async def list_members(uow: UnitOfWork, slug: str, listing: Listing) -> Page[Member]:
    access = await Entry.of_org(slug, Operation.READ_ORG).enter(uow)
    return await members.list_of_org(uow.session, access.org.id, listing.window("members", access.org.id))


async def get_member(uow: UnitOfWork, slug: str, user_id: str) -> Member:
    return _member(await Entry.of_org(slug, Operation.READ_ORG, find=_finding(lowered(user_id))).enter(uow))


async def update_member(uow: UnitOfWork, slug: str, user_id: str, body: object, if_match: IfMatch) -> Member:
    """Gives the member another role, and ends what they could not grant with it.

    Raises `precondition_failed`, `last_owner_cannot_demote_or_remove`.
    """
    user_id = lowered(user_id)
    access = await Entry.of_org(slug, Operation.CHANGE_ROLE, find=_finding(user_id)).enter(uow)
    command = validate(UpdateMember, body)
    access = await access.to_write()
    member = _member(access)
    if_match.require(row_etag(member.membership))
    if member.membership.role is Role.OWNER and command.role is not Role.OWNER:
        await require_other_owners(uow, [access.org.id], user_id)
    access.revise(member.membership, {"role": command.role}, None, _subject(access.org, member))
    await end_grants(uow, access.org, user_id, command.role)
    return member


async def remove_member(uow: UnitOfWork, slug: str, user_id: str, body: object, if_match: IfMatch) -> Removed:
    """Removes the member, or lets the caller leave.

    Raises `precondition_failed`, `last_owner_cannot_demote_or_remove`.
    """
    user_id = lowered(user_id)
    leaving = isinstance(uow.actor, Caller) and uow.actor.user_id == user_id
    operation = Operation.LEAVE_ORG if leaving else Operation.REMOVE_MEMBER
    entry = Entry.of_org(slug, operation, named=named_in(RemoveMember, body), find=_finding(user_id))
    access = await entry.enter(uow)
    command = validate(RemoveMember, body)
    access = await access.to_write()
    member = _member(access)
    if_match.require(row_etag(member.membership))
    await require_other_owners(uow, _owned(access.org, member), user_id)
    minted = await members.tokens_of(uow.session, access.org.id, user_id, uow.now)
    invitations = await leave(uow, access.org, member, operation, command.reason)
    if command.revoke_tokens:
        for token in minted:
            await end_api_key(uow, token, command.reason)
    return Removed(member, minted, command.revoke_tokens, invitations)


async def leave(
    uow: UnitOfWork, org: Org, member: Member, operation: Operation, reason: str | None = None
) -> Sequence[Invitation]:
    """Ends the membership and what rested on it, within the current write and that holds the organisation's lock."""
    uow.record(operation, _subject(org, member), reason=reason, previous={"role": member.membership.role})
    await uow.delete(member.membership)
    await identities.end_maintaining(uow.session, org.id, member.user.id)
    return await end_grants(uow, org, member.user.id, None, reason)


async def require_other_owners(uow: UnitOfWork, org_ids: Iterable[str], user_id: str) -> None:
    """Raises `last_owner_cannot_demote_or_remove` unless each organisation has an active owner besides the user.

    Whoever asks holds the organisations' locks: of two owners who go at once the second finds itself the last.
    """
    wanted = set(org_ids)
    if wanted - await members.orgs_with_owners_beside(uow.session, wanted, user_id):
        raise AppError("last_owner_cannot_demote_or_remove")


def _owned(org: Org, member: Member) -> list[str]:
    return [org.id] if member.membership.role is Role.OWNER else []


def _finding(user_id: str) -> Find:
    """The member counts among the ids that a call names."""

    async def find(uow: UnitOfWork, org: Org) -> Member:
        found = await members.find(uow.session, org.id, user_id) if is_id(user_id) else None
        if found is None:
            raise not_found("member")
        return found

    return find


def _member(access: Access) -> Member:
    member: Member = access.found
    return member


def _subject(org: Org, member: Member) -> Subject:
    return Subject(org.id, "member", member.user.id, member.user.email)
