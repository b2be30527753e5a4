"""Invitations: an email's way into an organisation. The link is mailed, and shown once to whoever invites."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.access.caller import locked_user_of, user_of
from app.access.entry import Access, Entry, allowed_of_instance, require_of_instance
from app.access.paging import Listing
from app.domain.actors import Anonymous, Role
from app.domain.commands import Command, Email, Name, NoBody, validate
from app.domain.emails import email_key, local_part
from app.domain.errors import AppError, not_found
from app.domain.ids import digest, is_id, lowered, new_secret
from app.domain.named import Grants, named_in
from app.domain.operations import Operation
from app.models import Invitation, InvitationSecret, MailKind, Membership, Org, User
from app.services import mail
from app.services.quotas import Quota, require_room
from app.services.sessions import SignedIn, start_session
from app.services.throttling import Purpose, count_mail, has_room
from app.settings import Settings
from app.store import invitations, members, people
from app.store.invitations import Invited
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork

LIFETIME = timedelta(days=7)


class Status(StrEnum):
    """Whether an invitation that nobody has accepted can still be accepted."""

    PENDING = "pending"
    EXPIRED = "expired"


class CreateInvitation(Command, json_schema_extra={"examples": [{"email": "grace@acme.example", "role": "editor"}]}):
    """Whom to invite, and as what: nobody above your own role."""

    email: Email
    role: Annotated[Role, Field(strict=False), Grants()]


class AcceptInvitation(Command, json_schema_extra={"examples": [{"displayName": "Grace"}]}):
    """How a new user wants to be called."""

    display_name: Name | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where an invitation has led. `session` is the one of a new user; who was there before has theirs already."""

    org: Org
    session: SignedIn | None


async def create_invitation(uow: UnitOfWork, slug: str, body: object) -> tuple[Invitation, str]:
    """Invites the email, and gives the link's address, which nobody will see again.

    Raises `insufficient_role`, `rate_limited`, `already_member`, `invitation_pending`, `invitation_email_locked`.
    """
    entry = Entry.of_org(slug, Operation.MANAGE_INVITATIONS, named=named_in(CreateInvitation, body))
    access = await entry.enter(uow)
    command = validate(CreateInvitation, body)
    await count_mail(uow, Purpose.INVITATION, command.email)
    access = await access.to_write()
    await require_room(uow, Quota.INVITATIONS, access.org.id)
    await _require_invitable(access, email_key(command.email))
    invitation = await _invite(access, command)
    if await has_room(uow, command.email):
        mail.enqueue(uow, MailKind.INVITATION, command.email, invitation_id=invitation.id)
    return invitation, accept_url(uow.host.settings, add_secret(uow, invitation))


async def list_invitations(uow: UnitOfWork, slug: str, listing: Listing) -> Page[Invitation]:
    """The invitations that nobody has accepted, expired ones included."""
    access = await Entry.of_org(slug, Operation.MANAGE_INVITATIONS).enter(uow)
    return await invitations.list_of_org(uow.session, access.org.id, listing.window("invitations", access.org.id))


async def revoke_invitation(uow: UnitOfWork, slug: str, invitation_id: str, body: object) -> Invitation:
    """Takes the invitation back: its links stop working. Raises `invitation_used`."""

    async def find(uow: UnitOfWork, org: Org) -> Invitation:
        called = lowered(invitation_id)
        found = await invitations.by_id(uow.session, called) if is_id(called) else None
        if found is None or found.org.id != org.id:
            raise not_found("invitation")
        return found.invitation

    access = await Entry.of_org(slug, Operation.MANAGE_INVITATIONS, find=find).enter(uow)
    validate(NoBody, body)
    access = await access.to_write()
    invitation: Invitation = access.found
    access.require_rank(invitation.role)
    if invitation.accepted_at is not None:
        raise AppError("invitation_used")
    await end_invitation(uow, invitation)
    return invitation


async def end_invitation(uow: UnitOfWork, invitation: Invitation, reason: str | None = None) -> None:
    """Revokes the invitation, within the current write."""
    subject = _subject(invitation)
    uow.record(Operation.MANAGE_INVITATIONS, subject, reason=reason, previous=_recorded(invitation))
    await uow.delete(invitation)


async def get_invitation(uow: UnitOfWork, secret: str) -> Invited:
    """The invitation of the link, for whoever holds it.

    Raises `invitation_used`, `invitation_expired`, `invitation_email_locked`.
    """
    invited = await _by_secret(uow, secret)
    await _require_open(uow, invited.invitation)
    return invited


async def pending_for_me(uow: UnitOfWork) -> Sequence[Invited]:
    """The invitations that wait for the caller, as far as it is sure that the mailbox is theirs."""
    user = await user_of(uow)
    if not allowed_of_instance(uow, Operation.ACCEPT_INVITATION):
        return []
    return await invitations.pending_for(uow.session, user.email_key, uow.now)


async def accept_invitation(uow: UnitOfWork, secret: str, body: object) -> Accepted:
    """Makes whoever holds the link a member, as a new user or as the one who is signed in.

    Raises `forbidden` for somebody else's session, `unauthorized` for a user without one, and what `get_invitation`
    does.
    """
    invited = await _by_secret(uow, secret)
    await _require_addressee(uow, invited.invitation)
    command = validate(AcceptInvitation, body)
    await uow.begin_write()
    await uow.lock_email(invited.invitation.email_key)
    await uow.lock(Org, [invited.org.id])
    invited = await _by_secret(uow, secret)
    await _require_open(uow, invited.invitation)
    user = await people.user_by_email(uow.session, invited.invitation.email_key)
    if user is not None:
        await join(uow, await locked_user_of(uow), invited)
        return Accepted(invited.org, None)
    user = User(
        email=invited.invitation.email,
        email_key=invited.invitation.email_key,
        display_name=command.display_name or local_part(invited.invitation.email),
    )
    uow.add(user)
    await uow.flush()
    session = await start_session(uow, user)
    await join(uow, user, invited)
    return Accepted(invited.org, session)


async def accept_pending(uow: UnitOfWork, invitation_id: str) -> Org:
    """Makes a signed-in user a member who found the invitation on a page and does not have its link.

    While the mailbox may be somebody else's, so may the invitation: `forbidden`, whichever is asked for.
    """
    require_of_instance(uow, Operation.ACCEPT_INVITATION)
    user = await user_of(uow)
    invited = await invitations.by_id(uow.session, invitation_id) if is_id(invitation_id) else None
    if invited is None or invited.invitation.email_key != user.email_key:
        raise not_found("invitation")
    await uow.begin_write()
    await uow.lock(Org, [invited.org.id])
    invited = await invitations.by_id(uow.session, invitation_id)
    if invited is None:
        raise not_found("invitation")
    await _require_open(uow, invited.invitation)
    await join(uow, await locked_user_of(uow), invited)
    return invited.org


async def join(uow: UnitOfWork, user: User, invited: Invited) -> None:
    """Makes the invited user a member, within the current write."""
    invitation, org = invited
    invitation.accepted_at = uow.now
    if await members.find(uow.session, org.id, user.id) is None:
        await require_room(uow, Quota.MEMBERS, org.id)
        uow.add(Membership(org_id=org.id, user_id=user.id, role=invitation.role))
    subject = Subject(org.id, "member", user.id, user.email)
    uow.record(Operation.ACCEPT_INVITATION, subject, new={"email": user.email, "role": invitation.role})


def add_secret(uow: UnitOfWork, invitation: Invitation) -> str:
    """One more secret that opens the invitation."""
    secret = new_secret("sbi_")
    uow.add(InvitationSecret(invitation_id=invitation.id, secret_hash=digest(secret)))
    return secret


def accept_url(settings: Settings, secret: str) -> str:
    """The page where the invitation is accepted."""
    return f"{settings.public_url}/app/invitations/{secret}"


def is_open(invitation: Invitation, at: datetime) -> bool:
    """Whether the invitation can still be accepted."""
    return invitation.accepted_at is None and invitation.expires_at > at


def status_of(invitation: Invitation, at: datetime) -> Status:
    """The status of an invitation that nobody has accepted."""
    return Status.PENDING if is_open(invitation, at) else Status.EXPIRED


async def _require_invitable(access: Access, key: str) -> None:
    """Raises the reason why the email cannot be invited. Deletes an expired invitation of the email."""
    uow, org = access.uow, access.org
    user = await people.user_by_email(uow.session, key)
    if user is not None and user.deleted_at is not None:
        raise AppError("invitation_email_locked")
    if user is not None and await members.find(uow.session, org.id, user.id) is not None:
        raise AppError("already_member")
    before = await invitations.open_of_org(uow.session, org.id, key)
    if before is not None and is_open(before, uow.now):
        raise AppError("invitation_pending")
    if before is not None:
        await uow.delete(before)


async def _invite(access: Access, command: CreateInvitation) -> Invitation:
    invitation = Invitation(
        org_id=access.org.id,
        email=command.email,
        email_key=email_key(command.email),
        role=command.role,
        invited_by=access.uow.actor_as_json(),
        expires_at=access.uow.now + LIFETIME,
    )
    access.uow.add(invitation)
    await access.uow.flush()
    access.record(None, _subject(invitation), new=_recorded(invitation))
    return invitation


def _subject(invitation: Invitation) -> Subject:
    return Subject(invitation.org_id, "invitation", invitation.id, invitation.email)


def _recorded(invitation: Invitation) -> dict[str, str]:
    """The invitation as the audit keeps it."""
    return {"email": invitation.email, "role": invitation.role}


async def _by_secret(uow: UnitOfWork, secret: str) -> Invited:
    if (found := await invitations.by_secret(uow.session, digest(secret))) is None:
        raise not_found("invitation")
    return found


async def _require_open(uow: UnitOfWork, invitation: Invitation) -> None:
    if invitation.accepted_at is not None:
        raise AppError("invitation_used")
    if invitation.expires_at <= uow.now:
        raise AppError("invitation_expired")
    user = await people.user_by_email(uow.session, invitation.email_key)
    if user is not None and user.deleted_at is not None:
        raise AppError("invitation_email_locked")


async def _require_addressee(uow: UnitOfWork, invitation: Invitation) -> None:
    """Raises `forbidden` for a caller who is known not to be the one who was invited."""
    if isinstance(uow.actor, Anonymous):
        return
    user = await user_of(uow)
    if user.email_key != invitation.email_key:
        raise AppError("forbidden", "The invitation is for a different email from the one you are signed in with.")
