"""Proposals, and what people say of them."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, cast

import strawberry

from app.access.batches import ChildPage
from app.access.paging import Listing
from app.domain.operations import ResourceType
from app.domain.proposals import ProposalKind, ProposalStatus, Verdict
from app.engine.kinds import Kind
from app.engine.sampled import shown
from app.graphql.context import Info
from app.graphql.lists import OF_PROPOSALS, PAGING, list_field
from app.graphql.types.abilities import Abilities, Inabilities, viewer_can, viewer_cannot
from app.graphql.types.actors import Actor
from app.graphql.types.relay import NODES, Connection, Node, node_of
from app.graphql.types.scalars import JSON, Time
from app.graphql.types.values import stored
from app.models import Proposal as ProposalRow
from app.models import ProposalReview
from app.services.proposals import (
    ProposalView,
    diff_seen,
    proposed_version,
    radius_reached,
    radius_seen,
    sees_some_keys,
    source_seen,
    tried_in,
    versions_seen,
)
from app.store import json_columns

if TYPE_CHECKING:
    from app.graphql.types.resources import Environment, Primitive, Project

LazyEnvironment = Annotated["Environment", strawberry.lazy("app.graphql.types.resources")]
LazyProject = Annotated["Project", strawberry.lazy("app.graphql.types.resources")]
LazyPrimitive = Annotated["Primitive", strawberry.lazy("app.graphql.types.resources")]


def proposals_of(parent: ResourceType, whose: str) -> Any:
    """The list of the proposals below a parent of this sort."""

    async def resolve(root: Any, info: Info, asked: Listing) -> Any:
        page = await info.context.loaders.proposals(parent).load(ChildPage(root.id, asked))
        return Connection.of(info.context, page, lambda row: row.id, Proposal.of)

    return list_field(f"{whose}, newest first.", OF_PROPOSALS, resolve)


def _reviews() -> Any:
    async def resolve(root: Any, info: Info, asked: Listing) -> Any:
        page = await info.context.loaders.reviews.load(ChildPage(root.id, asked))
        return Connection.of(info.context, page, lambda row: row.id, Review.of)

    return list_field("Its reviews, oldest first.", PAGING, resolve)


def _standing(read: Callable[[ProposalView], Any], description: str) -> Any:
    """What may change while nobody touches the proposal, so that it is looked up when it is asked for."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        return read(await info.context.loaders.proposal_views.load(root.row))

    return strawberry.field(resolver=resolve, description=description)


async def _diff(root: strawberry.Parent[Any], info: Info) -> JSON | None:
    if (content := await info.context.loaders.proposal_contents.load(root.row)) is None:
        return None
    decode = partial(stored, info, json_columns.value)
    return cast("JSON", diff_seen(info.context.request.actor, root.row, content, decode))


async def _blast_radius(root: strawberry.Parent[Any], info: Info) -> JSON | None:
    loaders, actor, row = info.context.loaders, info.context.request.actor, root.row
    if (content := await loaders.proposal_contents.load(row)) is None:
        return None
    radius = radius_reached(actor, row, content, partial(stored, info, json_columns.value))
    if sees_some_keys(actor):
        radius = radius_seen(actor, row, radius, await loaders.kinds_tried.load((row.project_id, tried_in(radius))))
    return cast("JSON", shown(radius))


@strawberry.type(description="A review of a proposal. The last one of each person counts.")
class Review(Node):
    proposal_id: strawberry.ID = strawberry.field(description="The id of the proposal.")
    reviewer: Actor = strawberry.field(description="Who reviewed it.")
    verdict: Verdict = strawberry.field(description="Whether they approve.")
    comment: str = strawberry.field(description="The comment.")
    created_at: Time = strawberry.field(description="When.")

    @classmethod
    def of(cls, row: ProposalReview) -> "Review":
        return cls(
            id=strawberry.ID(row.id),
            proposal_id=strawberry.ID(row.proposal_id),
            reviewer=Actor.of(row.reviewer),
            verdict=row.verdict,
            comment=row.comment,
            created_at=Time(row.created_at),
        )


@strawberry.type(description="A version of an environment.")
class ProposedVersion:
    env_id: strawberry.ID = strawberry.field(description="The environment's id.")
    version: int = strawberry.field(description="Its version.")


@strawberry.type(description="A change that waits for a person, or has been applied, was cancelled, or has expired.")
class Proposal(Node):
    kind: ProposalKind = strawberry.field(description="What it changes.")
    resource_type: Kind | None = strawberry.field(
        description="The kind of the flag, config or segment that it changes; null for a promotion."
    )
    resource_id: strawberry.ID | None = strawberry.field(description="Its id; null for a promotion.")
    resource_key: str | None = strawberry.field(description="Its key; null for a promotion.")
    reason: str | None = strawberry.field(description="Why it was proposed.")
    actor: Actor = strawberry.field(description="Who proposed it.")
    created_at: Time = strawberry.field(description="When it was proposed.")
    expires_at: Time = strawberry.field(description="When it expires, unless it has been applied or cancelled by then.")
    ended_at: Time | None = strawberry.field(description="When it was applied or cancelled, or expired.")
    ended_by: Actor | None = strawberry.field(description="Who applied or cancelled it.")
    applied_version: int | None = strawberry.field(description="The environment's version that it made.")
    diff: JSON | None = strawberry.field(
        resolver=_diff,
        description="What changes: by dimension, `from` and `to`; empty for a delete. For a promotion the same by "
        "`flags`, `configs` and `segments` and by key, with `add` and `remove` of lists.",
    )
    blast_radius: JSON | None = strawberry.field(
        resolver=_blast_radius, description="What it would do to the contexts that it was tried on."
    )
    status: ProposalStatus | None = _standing(lambda view: view.status, "What has become of it.")
    proposed_version: int | None = strawberry.field(
        description="The version of its environment that it rests on; null for a delete."
    )
    required_approvals: int | None = _standing(
        lambda view: view.required_approvals, "How many people must approve it, whoever applies it included."
    )
    approvers: list[Actor] | None = _standing(
        lambda view: [Actor.of(dict(one)) for one in view.approvers], "Who approves of it."
    )
    etag: str | None = _standing(lambda view: view.etag, "The tag that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.PROPOSAL)
    viewer_cannot: Inabilities = viewer_cannot(ResourceType.PROPOSAL)
    reviews: Connection[Review] | None = _reviews()
    row: strawberry.Private[ProposalRow]

    @classmethod
    def of(cls, row: ProposalRow) -> "Proposal":
        return cls(
            id=strawberry.ID(row.id),
            kind=row.kind,
            resource_type=row.resource_kind,
            resource_id=None if row.primitive_id is None else strawberry.ID(row.primitive_id),
            resource_key=row.resource_key,
            proposed_version=proposed_version(row),
            reason=row.reason,
            actor=Actor.of(row.actor),
            created_at=Time(row.created_at),
            expires_at=Time(row.expires_at),
            ended_at=None if row.ended_at is None else Time(row.ended_at),
            ended_by=None if row.ended_by is None else Actor.of(row.ended_by),
            applied_version=row.applied_version,
            row=row,
        )

    @strawberry.field(
        description="The versions that it rests on: of its environment, or, for a delete, of all that you reach."
    )
    def proposed_versions(self, info: Info) -> list[ProposedVersion]:
        versions = versions_seen(info.context.request.actor, self.row)
        return [ProposedVersion(env_id=strawberry.ID(one), version=version) for one, version in versions.items()]

    @strawberry.field(
        description="The id of the environment that a promotion takes over from, if you reach it; else null."
    )
    def from_env_id(self, info: Info) -> strawberry.ID | None:
        source_id = source_seen(info.context.request.actor, self.row)
        return None if source_id is None else strawberry.ID(source_id)

    @strawberry.field(description="The project.")
    async def project(self, info: Info) -> LazyProject | None:
        return cast("Project", node_of(await info.context.loaders.project.load(self.row.project_id)))

    @strawberry.field(description="The environment; null where it deletes from all of them.")
    async def environment(self, info: Info) -> LazyEnvironment | None:
        if self.row.environment_id is None:
            return None
        return cast("Environment", node_of(await info.context.loaders.environment.load(self.row.environment_id)))

    @strawberry.field(
        description="The flag, config or segment that it changes; null once that is deleted, and for a promotion."
    )
    async def primitive(self, info: Info) -> LazyPrimitive | None:
        if self.row.primitive_id is None:
            return None
        return cast("Primitive", node_of(await info.context.loaders.primitive.load(self.row.primitive_id)))


NODES[ProposalRow] = Proposal.of
