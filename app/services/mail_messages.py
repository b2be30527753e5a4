"""Composes a queued mail when it is sent: to whom, and with which link. Only now is the email looked up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.inabilities import listed
from app.domain.news import NewsEvent
from app.domain.proposals import PROPOSABLE, ProposalKind
from app.engine.kinds import KeyRef
from app.models import MailKind, QueuedMail
from app.services import links, proposal_news
from app.services.invitations import accept_url, add_secret, is_open
from app.settings import Mode, Settings
from app.store import invitations, people
from app.store.proposal_news import NewsItem
from app.store.unit_of_work import UnitOfWork

NAMED = 3  # keys of a promotion


@dataclass(frozen=True, slots=True)
class Message:
    """A mail to render. `facts` are the names and roles that its text mentions, `news` those of each piece of news."""

    kind: MailKind
    to: str
    link: str
    facts: Mapping[str, str] = field(default_factory=dict)
    news: Sequence[Mapping[str, str]] = ()


async def compose(uow: UnitOfWork, queued: QueuedMail, settings: Settings) -> Message | None:
    """The message, within the current write; None if there is nobody to send it to."""
    if queued.kind is MailKind.INVITATION:
        return await _invitation(uow, queued, settings)
    if queued.kind is MailKind.PROPOSAL_NEWS:
        return await _news(uow, queued, settings)
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


async def _news(uow: UnitOfWork, queued: QueuedMail, settings: Settings) -> Message | None:
    edition = await proposal_news.take(uow, queued)
    if edition is None:
        return None
    to, items, extent, promoted = edition
    link, news = f"{settings.public_url}/app/", [_facts_of(one, promoted) for one in items]
    if extent.news == 1:
        return Message(MailKind.PROPOSAL_NEWS, to, link, news[0])
    facts = {
        "proposals": "a proposal" if extent.proposals == 1 else f"{extent.proposals} proposals",
        "where": items[0].org.name if extent.orgs == 1 else f"{extent.orgs} organisations",
    }
    if extent.news > len(items):
        facts["more"] = str(extent.news - len(items))
    return Message(MailKind.PROPOSAL_DIGEST, to, link, facts, news)


def _facts_of(one: NewsItem, promoted: Mapping[str, Sequence[KeyRef]]) -> dict[str, str]:
    """What a mail says of a proposal: never a value, a rule or a context."""
    proposal, review = one.proposal, one.review
    actor = proposal.actor if one.event is NewsEvent.PROPOSED else proposal.ended_by
    if review is not None:
        actor = review.reviewer
    facts = {
        "happened": one.event if review is None else review.verdict,
        "actor": actor["name"] if actor else None,
        "proposer": proposal.actor["name"],
        "act": _act(proposal.kind),
        "type": proposal.resource_kind or "promotion",
        "key": proposal.resource_key or _keys(promoted[proposal.id]),
        "org": one.org.name,
        "project": one.project.name,
        "environment": one.environment and one.environment.name,
        "place": (one.environment or one.project).name + (f" (from {one.source.name})" if one.source else ""),
        "source": one.source and one.source.name,
        "reason": proposal.reason,
        "comment": review.comment if review else one.comment,
        "proposal": proposal.id,
    }
    return {name: text for name, text in facts.items() if text}


def _act(kind: ProposalKind) -> str:
    """What such a proposal would do, before what it would do it to."""
    proposable = PROPOSABLE[kind]
    if proposable.dimension is not None:
        return f"change the {proposable.dimension.field.replace('_', ' ')} of"
    if proposable.killed is not None:
        return "kill" if proposable.killed else "restore"
    return "promote" if kind is ProposalKind.PROMOTE else "delete"


def _keys(refs: Sequence[KeyRef]) -> str:
    """The first keys of many, and how many more there are."""
    keys = [one.key for one in refs]
    return listed(keys if len(keys) <= NAMED else [*keys[:NAMED], f"{len(keys) - NAMED} more"])
