"""Proposals and reviews."""

from typing import Any

import strawberry

from app.access.paging import Listing
from app.domain.proposals import ProposalKind, Verdict
from app.graphql.arguments import ProposalId
from app.graphql.context import Info
from app.graphql.inputs import Audited, Reasoned, body_of, if_match, optional_field, path_field
from app.graphql.lists import OF_PROPOSALS, list_field
from app.graphql.types.proposals import Proposal, Review
from app.graphql.types.relay import Connection
from app.graphql.types.scalars import JSON
from app.services import proposals
from app.services.applying import apply_proposal
from app.services.proposing_by_hand import create_proposal
from app.services.reviews import review_proposal


@strawberry.input(description="A change to propose.")
class CreateProposalInput(Reasoned):
    env_id: strawberry.ID | None = optional_field("The environment's id or name; for all kinds but deletes.")
    project_id: strawberry.ID | None = optional_field("The project's id or name; for deletes.")
    kind: ProposalKind = strawberry.field(description="What it changes.")
    resource_key: str | None = optional_field("The key of the flag, config or segment; for all kinds but `PROMOTE`.")
    diff: JSON = strawberry.field(
        description="What a change of the state would be sent, with one member; `{}` to kill, restore or delete; to "
        "promote, `fromEnvId`, and if wanted `flags`, `configs`, `segments` and `includeNeeds`."
    )
    spot_check: list[JSON] | None = optional_field(
        "Up to 100 contexts to try it on; those that the environment keeps if absent."
    )
    expires_in_seconds: int | None = optional_field("When it expires: 60 to 2592000, by default 604800, a week.")


@strawberry.input
class OfProposal:
    proposal_id: strawberry.ID = path_field("The proposal's id.")


@strawberry.input(description="The proposal to apply.")
class ApplyProposalInput(OfProposal, Audited):
    pass


@strawberry.input(description="The proposal to cancel.")
class CancelProposalInput(OfProposal, Audited):
    pass


@strawberry.input(description="What you say of a proposal.")
class ReviewProposalInput(OfProposal):
    verdict: Verdict = strawberry.field(description="Whether you approve.")
    comment: str | None = optional_field("What you say.")


@strawberry.type
class WithProposal:
    proposal: Proposal = strawberry.field(description="The proposal.")


@strawberry.type(description="A new proposal, or the one that you have made of the same change already.")
class CreateProposalPayload(WithProposal):
    pass


@strawberry.type(description="An applied proposal.")
class ApplyProposalPayload(WithProposal):
    pass


@strawberry.type(description="A cancelled proposal.")
class CancelProposalPayload(WithProposal):
    pass


@strawberry.type(description="A new review.")
class ReviewProposalPayload:
    review: Review = strawberry.field(description="The review.")


async def _list_all(_: Any, info: Info, asked: Listing) -> Any:
    async with info.context.unit() as uow:
        page = await proposals.list_proposals(uow, asked)
    return Connection.of(info.context, page, lambda row: row.id, Proposal.of)


@strawberry.type
class ProposalQueries:
    @strawberry.field(description="A proposal.")
    async def proposal(self, info: Info, id: ProposalId) -> Proposal | None:
        async with info.context.unit() as uow:
            return Proposal.of(await proposals.get_proposal(uow, id))

    proposals: Connection[Proposal] | None = list_field(
        "The proposals of all your organisations, newest first.", OF_PROPOSALS, _list_all
    )


@strawberry.type
class ProposalMutations:
    @strawberry.mutation(description="Propose a change, for somebody to apply.")
    async def create_proposal(self, info: Info, input: CreateProposalInput) -> CreateProposalPayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            opened = await create_proposal(uow, body)
        return CreateProposalPayload(proposal=Proposal.of(opened.proposal))

    @strawberry.mutation(description="Do what was proposed.")
    async def apply_proposal(self, info: Info, input: ApplyProposalInput) -> ApplyProposalPayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            row = await apply_proposal(uow, input.proposal_id, body, if_match(input))
        return ApplyProposalPayload(proposal=Proposal.of(row))

    @strawberry.mutation(description="End a proposal that nobody is to apply.")
    async def cancel_proposal(self, info: Info, input: CancelProposalInput) -> CancelProposalPayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            row = await proposals.cancel_proposal(uow, input.proposal_id, body, if_match(input))
        return CancelProposalPayload(proposal=Proposal.of(row))

    @strawberry.mutation(description="Approve a proposal, or ask for changes. Your last word counts.")
    async def review_proposal(self, info: Info, input: ReviewProposalInput) -> ReviewProposalPayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            row = await review_proposal(uow, input.proposal_id, body)
        return ReviewProposalPayload(review=Review.of(row))
