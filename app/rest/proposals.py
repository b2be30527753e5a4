"""Proposals over REST: lists, the life of one, its reviews."""

from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field
from starlette.responses import Response

from app.access.paging import ListParameters, ProposalParameters
from app.domain.operations import Operation
from app.domain.proposals import ProposalKind, ProposalStatus, Verdict
from app.engine.kinds import Kind
from app.engine.rules import RULES_EXAMPLE
from app.models import Proposal, ProposalReview
from app.rest.openapi.samples import (
    ENVIRONMENT_ID,
    FLAG_ID,
    GRACE_ID,
    NEXT_WEEK,
    NOON,
    PROJECT_ID,
    PROPOSAL_ID,
    REVIEW_ID,
)
from app.rest.requests import RestCall
from app.rest.responses import accepted, created, found, page, read, written
from app.rest.routing import Endpoint
from app.rest.schemas import ActorSchema, OutcomeSchema, SampledFlipsSchema, Schema, Time
from app.services import proposals
from app.services.applying import apply_proposal
from app.services.proposals import Content, EndProposal, ProposalView
from app.services.proposing_by_hand import CreateProposal, create_proposal
from app.services.reviews import CreateReview, list_reviews, review_proposal
from app.store.paging import Page
from app.store.unit_of_work import UnitOfWork

_ALL, _ONE = "/proposals", "/proposals/{proposal_id}"


class VersionSchema(Schema):
    """A version of an environment."""

    env_id: str
    version: int


class ProposedEvaluationSchema(Schema):
    """What a flag or config is for a context now, and what it would be."""

    live: OutcomeSchema | None
    proposed: OutcomeSchema | None
    flips: bool


class ProposedChangeSchema(Schema):
    """What is there, which whoever may not read it is not shown, and what would be there."""

    from_: Any = Field(default=None, alias="from")
    to: Any


class ProposedEntriesSchema(Schema):
    """What a list would get and lose by a promotion."""

    add: list[str]
    remove: list[str]


PromotedSchema = dict[str, dict[str, ProposedChangeSchema | ProposedEntriesSchema]]
"""What a promotion changes of a kind, by key and dimension."""


class TriedContextSchema(Schema):
    """A context that a proposal was tried on."""

    env_id: str
    context: dict[str, Any]
    evaluations: dict[str, ProposedEvaluationSchema]


class BlastRadiusSchema(Schema):
    """What a proposal would do to the contexts that it was tried on."""

    version: int | None
    contexts: int
    results: list[TriedContextSchema]
    flips: dict[str, int]
    truncated: bool
    sampled: SampledFlipsSchema | None = None


class ProposalSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "id": PROPOSAL_ID,
                "projectId": PROJECT_ID,
                "envId": ENVIRONMENT_ID,
                "kind": "set_rules_flag",
                "resourceType": "flag",
                "resourceId": FLAG_ID,
                "resourceKey": "checkout",
                "fromEnvId": None,
                "diff": {"rules": {"from": [], "to": RULES_EXAMPLE}},
                "status": "pending",
                "proposedVersion": 3,
                "proposedVersions": [{"envId": ENVIRONMENT_ID, "version": 3}],
                "reason": "Agreed with the team",
                "requiredApprovals": 1,
                "approvers": [],
                "blastRadius": {"version": 3, "contexts": 0, "results": [], "flips": {}, "truncated": False},
                "createdAt": NOON,
                "expiresAt": NEXT_WEEK,
                "endedAt": None,
                "endedBy": None,
                "appliedVersion": None,
            }
        ]
    },
):
    """A change that waits for a person, or has been applied, was cancelled, or has expired."""

    id: str
    project_id: str
    env_id: str | None
    kind: ProposalKind
    resource_type: Kind | None
    resource_id: str | None
    resource_key: str | None
    from_env_id: str | None
    diff: dict[str, ProposedChangeSchema | PromotedSchema]
    status: ProposalStatus
    proposed_version: int | None
    proposed_versions: list[VersionSchema]
    reason: str | None
    actor: ActorSchema
    required_approvals: int
    approvers: list[ActorSchema]
    blast_radius: BlastRadiusSchema
    created_at: Time
    expires_at: Time
    ended_at: Time | None
    ended_by: ActorSchema | None
    applied_version: int | None

    @classmethod
    def from_view(cls, view: ProposalView, content: Content) -> Self:
        row = view.proposal
        return cls(
            id=row.id,
            project_id=row.project_id,
            env_id=row.environment_id,
            kind=row.kind,
            resource_type=row.resource_kind,
            resource_id=row.primitive_id,
            resource_key=row.resource_key,
            from_env_id=view.source_id,
            diff={name: _change(row.kind, one) for name, one in content.diff.items()},
            status=view.status,
            proposed_version=proposals.proposed_version(row),
            proposed_versions=[VersionSchema(env_id=one, version=version) for one, version in view.versions.items()],
            reason=row.reason,
            actor=ActorSchema.model_validate(row.actor),
            required_approvals=view.required_approvals,
            approvers=[ActorSchema.model_validate(one) for one in view.approvers],
            blast_radius=BlastRadiusSchema.model_validate(content.blast_radius),
            created_at=row.created_at,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            ended_by=None if row.ended_by is None else ActorSchema.model_validate(row.ended_by),
            applied_version=row.applied_version,
        )


def _change(kind: ProposalKind, change: Any) -> ProposedChangeSchema | PromotedSchema:
    if kind is not ProposalKind.PROMOTE:
        return ProposedChangeSchema.model_validate(change)
    return {key: {name: _dimension(one) for name, one in dimensions.items()} for key, dimensions in change.items()}


def _dimension(change: Any) -> ProposedChangeSchema | ProposedEntriesSchema:
    return (ProposedChangeSchema if "to" in change else ProposedEntriesSchema).model_validate(change)


class ReviewSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "id": REVIEW_ID,
                "proposalId": PROPOSAL_ID,
                "reviewer": {"kind": "member", "id": GRACE_ID, "name": "Grace"},
                "verdict": "approve",
                "comment": "Looks right.",
                "createdAt": NOON,
            }
        ]
    },
):
    """A review of a proposal by a person."""

    id: str
    proposal_id: str
    reviewer: ActorSchema
    verdict: Verdict
    comment: str
    created_at: Time

    @classmethod
    def from_row(cls, row: ProposalReview) -> Self:
        return cls(
            id=row.id,
            proposal_id=row.proposal_id,
            reviewer=ActorSchema.model_validate(row.reviewer),
            verdict=row.verdict,
            comment=row.comment,
            created_at=row.created_at,
        )


async def _whole(uow: UnitOfWork, proposal: Proposal) -> tuple[ProposalSchema, str]:
    """The proposal with all that may be long, and its tag."""
    view = (await proposals.viewed(uow, [proposal]))[0]
    content = (await proposals.contents(uow, [proposal]))[proposal.id]
    return ProposalSchema.from_view(view, content), view.etag


async def proposed(uow: UnitOfWork, proposal: Proposal) -> Response:
    """What a write is answered with that has become a proposal."""
    schema, etag = await _whole(uow, proposal)
    return accepted(schema, _location(proposal), etag)


async def _page(call: RestCall, uow: UnitOfWork, part: Page[Proposal]) -> Response:
    part = await proposals.within_bytes(uow, part)
    views = {view.proposal.id: view for view in await proposals.viewed(uow, part.rows)}
    contents = await proposals.contents(uow, part.rows)
    return page(call, part, lambda row: row.id, lambda row: ProposalSchema.from_view(views[row.id], contents[row.id]))


async def list_proposals(call: RestCall, uow: UnitOfWork) -> Response:
    return await _page(call, uow, await proposals.list_proposals(uow, call.listing()))


async def list_of_project(call: RestCall, uow: UnitOfWork) -> Response:
    return await _page(call, uow, await proposals.list_project_proposals(uow, call.path["project_id"], call.listing()))


async def list_of_environment(call: RestCall, uow: UnitOfWork) -> Response:
    return await _page(call, uow, await proposals.list_environment_proposals(uow, call.path["env_id"], call.listing()))


async def get_proposal(call: RestCall, uow: UnitOfWork) -> Response:
    return read(call, *await _whole(uow, await proposals.get_proposal(uow, call.path["proposal_id"])))


async def handle_create(call: RestCall, uow: UnitOfWork) -> Response:
    proposal, is_new = await create_proposal(uow, call.input)
    schema, etag = await _whole(uow, proposal)
    return (created if is_new else found)(schema, _location(proposal), etag)


async def handle_apply(call: RestCall, uow: UnitOfWork) -> Response:
    proposal = await apply_proposal(uow, call.path["proposal_id"], call.input, call.if_match)
    return written(*await _whole(uow, proposal))


async def handle_cancel(call: RestCall, uow: UnitOfWork) -> Response:
    proposal = await proposals.cancel_proposal(uow, call.path["proposal_id"], call.input, call.if_match)
    return written(*await _whole(uow, proposal))


async def handle_reviews(call: RestCall, uow: UnitOfWork) -> Response:
    part = await list_reviews(uow, call.path["proposal_id"], call.listing())
    return page(call, part, lambda row: row.id, ReviewSchema.from_row)


async def handle_review(call: RestCall, uow: UnitOfWork) -> Response:
    row = await review_proposal(uow, call.path["proposal_id"], call.input)
    return created(ReviewSchema.from_row(row), f"/api/v1/proposals/{row.proposal_id}/reviews")


def _location(proposal: Proposal) -> str:
    return f"/api/v1/proposals/{proposal.id}"


_ENDING = ("proposal_gone",)
ENDPOINTS: Sequence[Endpoint] = [
    Endpoint(
        "listProposals",
        "GET",
        _ALL,
        list_proposals,
        "The proposals that you see",
        Operation.LIST_PROPOSALS,
        response=ProposalSchema,
        is_list=True,
        query=ProposalParameters,
    ),
    Endpoint(
        "createProposal",
        "POST",
        _ALL,
        handle_create,
        "Propose a change",
        Operation.PROPOSE,
        CreateProposal,
        ProposalSchema,
        201,
        finds=True,
        errors=("not_found", "in_use"),
    ),
    Endpoint(
        "listProjectProposals",
        "GET",
        "/projects/{project_id}/proposals",
        list_of_project,
        "The proposals of a project",
        Operation.READ_PRIMITIVE,
        response=ProposalSchema,
        is_list=True,
        query=ProposalParameters,
    ),
    Endpoint(
        "listEnvironmentProposals",
        "GET",
        "/envs/{env_id}/proposals",
        list_of_environment,
        "The proposals of an environment",
        Operation.READ_STATE,
        response=ProposalSchema,
        is_list=True,
        query=ProposalParameters,
    ),
    Endpoint("getProposal", "GET", _ONE, get_proposal, "A proposal", Operation.READ_STATE, response=ProposalSchema),
    Endpoint(
        "applyProposal",
        "POST",
        f"{_ONE}/apply",
        handle_apply,
        "Apply a proposal",
        Operation.APPLY_PROPOSAL,
        EndProposal,
        ProposalSchema,
        errors=(*_ENDING, "version_drift", "approval_missing", "in_use"),
    ),
    Endpoint(
        "cancelProposal",
        "POST",
        f"{_ONE}/cancel",
        handle_cancel,
        "Cancel a proposal",
        Operation.CANCEL_PROPOSAL,
        EndProposal,
        ProposalSchema,
        errors=_ENDING,
    ),
    Endpoint(
        "listReviews",
        "GET",
        f"{_ONE}/reviews",
        handle_reviews,
        "The reviews of a proposal",
        Operation.READ_STATE,
        response=ReviewSchema,
        is_list=True,
        query=ListParameters,
    ),
    Endpoint(
        "reviewProposal",
        "POST",
        f"{_ONE}/reviews",
        handle_review,
        "Review a proposal",
        Operation.REVIEW_PROPOSAL,
        CreateReview,
        ReviewSchema,
        201,
        errors=_ENDING,
    ),
]
