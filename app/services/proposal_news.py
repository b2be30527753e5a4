"""News of proposals: who is mailed about what happens to them.

A use case says what happened, in one row, however many are to hear of it. The worker finds out who that is, some at a
time, and puts one mail for each of them into the queue; there it waits if they had one within a quarter of an hour, so
that all that happens meanwhile comes in one. What a mail tells is handed to the attempt to send it, in the transaction
before: if the worker dies in between, nobody knows whether it was sent, and it is not sent again.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from app.domain.news import NewsEvent
from app.domain.proposals import ProposalKind, ProposalStatus, status_at
from app.engine.kinds import KeyRef
from app.models import MailKind, NewsRecipient, Proposal, ProposalNews, QueuedMail, User
from app.services.mail import enqueue
from app.services.users import wanted_news
from app.store import people, proposal_news, proposals
from app.store.proposal_news import Extent, NewsItem
from app.store.unit_of_work import UnitOfWork

GATHERED = timedelta(minutes=15)
BATCH = 100
MAX_ITEMS = 50


async def announce(
    uow: UnitOfWork, proposal: Proposal, event: NewsEvent, review_id: str = "", comment: str | None = None
) -> None:
    """Has those mailed who are to hear of what the caller does to the proposal, within the current write.

    `comment` is what they say of it, unless that is in a review.
    """
    if event is NewsEvent.PROPOSED:
        concerns_anybody = await proposal_news.is_protected(uow.session, proposal)
    else:  # one's own deeds are no news
        actor = uow.actor_as_json()
        concerns_anybody = actor.get("onBehalfOf", actor)["id"] != proposal.person_id
    if concerns_anybody and await uow.try_to_add(
        ProposalNews(proposal_id=proposal.id, event=event, review_id=review_id, comment=comment)
    ):
        uow.on_commit(uow.host.wake_mail)


async def spread(uow: UnitOfWork) -> bool:
    """Queues mail to the next of those who are to hear of the oldest news. False when there are none."""
    if (found := await proposal_news.next_to_spread(uow.session)) is None:
        return False
    locked, _ = found
    await uow.begin_write()
    await uow.lock(ProposalNews, [locked.id])
    found = await proposal_news.next_to_spread(uow.session)
    if found is None or found[0].id != locked.id:  # another node has done it
        return True
    news, proposal = found
    if news.event is not NewsEvent.PROPOSED:
        members = await proposal_news.member(uow.session, proposal.org_id, proposal.person_id)
    elif status_at(proposal.status, proposal.expires_at, uow.now) is ProposalStatus.PENDING:
        members = await proposal_news.reviewers(uow.session, proposal.org_id, news.reached, BATCH)
    else:
        members = []
    hearing = [user for _, user in members if wanted_news(user)[news.event]]
    if news.event is NewsEvent.PROPOSED:
        hearing = [user for user in hearing if user.id != proposal.person_id]
    await _queue(uow, news, hearing)
    news.reached = members[-1][0] if members else news.reached
    news.spread = len(members) < BATCH
    return True


async def _queue(uow: UnitOfWork, news: ProposalNews, hearing: list[User]) -> None:
    ids = [user.id for user in hearing]
    await uow.lock(User, ids)  # as whoever is done with a mail does, and then looks at what waits
    known = await proposal_news.recipients(uow.session, news.id, ids)
    served = await proposal_news.users_with_mail(uow.session, ids)
    for user in hearing:
        if user.id not in known:
            uow.add(NewsRecipient(user_id=user.id, news_id=news.id))
            if user.id not in served:
                _enqueue(uow, user)


def _enqueue(uow: UnitOfWork, user: User) -> None:
    last = user.news_mailed_at
    due_at = uow.now if last is None else max(uow.now, last + GATHERED)
    enqueue(uow, MailKind.PROPOSAL_NEWS, user.email, user_id=user.id, due_at=due_at)


class Edition(NamedTuple):
    """The news in one mail, oldest first, and how much there would have been. `promoted` is what the
    promotions among it change, by the proposal's id."""

    to: str
    items: Sequence[NewsItem]
    extent: Extent
    promoted: Mapping[str, Sequence[KeyRef]]


async def take(uow: UnitOfWork, queued: QueuedMail) -> Edition | None:
    """Hands what waits for the user to this attempt to mail it, within the current write; None if nothing concerns them
    any more."""
    if queued.user_id is None or (user := await people.user(uow.session, queued.user_id)) is None:
        return None
    await proposal_news.hand_over(uow.session, user.id, queued.attempts)
    wanted = [event for event, is_wanted in wanted_news(user).items() if is_wanted]
    items, extent = await proposal_news.items(uow.session, user.id, wanted, uow.now, MAX_ITEMS)
    if not items:
        return None
    promotions = {one.proposal.id for one in items if one.proposal.kind is ProposalKind.PROMOTE}
    return Edition(user.email, items, extent, await proposals.keys_of(uow.session, promotions))


async def done(uow: UnitOfWork, queued: QueuedMail, *, sent: bool) -> None:
    """Forgets what the mail told, within the write that removes it, and queues another one for what came meanwhile."""
    if queued.user_id is None:
        return
    await uow.lock(User, [queued.user_id])
    await proposal_news.forget(uow.session, queued.user_id, waiting=False)
    if sent:
        await proposal_news.note_mailed(uow.session, queued.user_id, uow.now)
    user = await people.user(uow.session, queued.user_id)
    if user is not None and await proposal_news.any_waits(uow.session, user.id):
        _enqueue(uow, user)


async def failed(uow: UnitOfWork, queued: QueuedMail, *, given_up: bool) -> None:
    """Lets what the mail would have told wait for the next attempt, within the write that puts it off."""
    if queued.user_id is None:
        return
    if given_up:
        await uow.lock(User, [queued.user_id])  # nobody adds news that would wait for the mail that is given up
        await proposal_news.forget(uow.session, queued.user_id, waiting=True)
    else:
        await proposal_news.give_back(uow.session, queued.user_id, queued.attempts)
