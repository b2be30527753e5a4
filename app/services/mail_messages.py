"""Composes a queued mail when it is sent: to whom, and with which link. Only now is the email looked up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.models import MailKind, QueuedMail
from app.services import links
from app.services.invitations import accept_url, add_secret, is_open
from app.settings import Mode, Settings
from app.store import invitations, people
from app.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Message:
    """A mail to render. `facts` are the names and roles that its text mentions."""

    kind: MailKind
    to: str
    link: str
    facts: Mapping[str, str] = field(default_factory=dict)


async def compose(uow: UnitOfWork, queued: QueuedMail, settings: Settings) -> Message | None:
    """The message, within the current write; None if there is nobody to send it to."""
    if queued.kind is MailKind.INVITATION:
        return await _invitation(uow, queued, settings)
    to = await _addressee(uow, queued, settings)
    if to is None:
        return None
    carried = {"browser_hash": queued.browser_hash, "signup": queued.signup, "next_path": queued.next_path}
    secret = links.make_link(uow, to, mailed=True, **carried)
    facts = {"org": queued.signup["orgName"]} if queued.signup is not None else {}
    return Message(queued.kind, to, f"{settings.public_url}/auth/link?t={secret}", facts)


async def _addressee(uow: UnitOfWork, queued: QueuedMail, settings: Settings) -> str | None:
    """Mail goes to the address that is stored, not to the one that was entered and only compares equal."""
    user = await people.user_by_email(uow.session, queued.email_key)
    if user is not None:
        return None if user.deleted_at is not None else user.email
    waiting = await invitations.pending_for(uow.session, queued.email_key, uow.now)
    if waiting:
        return waiting[0].invitation.email
    return queued.email if settings.mode is Mode.HOSTED else None


async def _invitation(uow: UnitOfWork, queued: QueuedMail, settings: Settings) -> Message | None:
    invited = None if queued.invitation_id is None else await invitations.by_id(uow.session, queued.invitation_id)
    if invited is None or not is_open(invited.invitation, uow.now):
        return None
    invitation, org = invited
    return Message(
        queued.kind,
        invitation.email,
        accept_url(settings, add_secret(uow, invitation)),
        {"org": org.name, "role": invitation.role, "inviter": invitation.invited_by["name"]},
    )
