"""Reviews: what people say of proposals. The last word of each counts."""

from typing import Annotated

from pydantic import Field

from app.access.paging import Listing
from app.domain.commands import Command, Text, validate
from app.domain.errors import invalid
from app.domain.news import NewsEvent
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.domain.proposals import Verdict
from app.models import ProposalReview
from app.services.proposal_news import announce
from app.services.proposals import enter_proposal, reenter_to_write, subject_of
from app.store import proposals
from app.store.paging import Page
from app.store.unit_of_work import UnitOfWork

MAX_REVIEWS = 100  # by one person, of one proposal


class CreateReview(Command, json_schema_extra={"examples": [{"verdict": "approve", "comment": "Looks right."}]}):
    """What one says of a proposal."""

    verdict: Annotated[Verdict, Field(strict=False)]
    comment: Text = ""


async def review_proposal(uow: UnitOfWork, proposal_id: str, body: object) -> ProposalReview:
    """Approves a proposal, or asks for changes; what the same person said before does not count any more.

    Raises `proposal_gone`.
    """
    access, _ = await enter_proposal(uow, proposal_id, Operation.REVIEW_PROPOSAL)
    command = validate(CreateReview, body)
    access, proposal = await reenter_to_write(access, proposal_id, IfMatch())
    reviewer = uow.actor_as_json()
    if await proposals.count_reviews(uow.session, proposal.id, reviewer["id"]) >= MAX_REVIEWS:
        raise invalid({"quota": f"A person can review a proposal at most {MAX_REVIEWS} times."})
    review = ProposalReview(
        proposal_id=proposal.id,
        reviewer_id=reviewer["id"],
        reviewer=reviewer,
        verdict=command.verdict,
        comment=command.comment,
    )
    uow.add(review)
    uow.touch(proposal)
    subject = await subject_of(uow, proposal)
    access.record(command.comment or None, subject, new=command.recorded(), proposal_id=proposal.id)
    await announce(uow, proposal, NewsEvent.REVIEWED, review.id)
    return review


async def list_reviews(uow: UnitOfWork, proposal_id: str, listing: Listing) -> Page[ProposalReview]:
    """All that was said of the proposal, oldest first."""
    _, proposal = await enter_proposal(uow, proposal_id, None)
    window = listing.window("reviews", proposal.id)
    return (await proposals.lists_of_reviews(uow.session, [proposal.id], window))[proposal.id]
