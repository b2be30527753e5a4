"""What subscriptions tell."""

from collections.abc import Collection, Sequence

import strawberry

from app.engine.kinds import KeyRef, Kind
from app.graphql.context import Info
from app.graphql.pace import lazily
from app.graphql.types.proposals import Proposal
from app.graphql.types.resources import Environment, Project
from app.models import Environment as EnvironmentRow
from app.models import Project as ProjectRow
from app.models import Proposal as ProposalRow
from app.services.following import EnvironmentNews

COMPLETE = "Whether all that changed is named. If not, too much has, or it is not known: read everything again."


@strawberry.type(description="Keys of flags, configs and segments.")
class PrimitiveKeys:
    flags: list[str] = strawberry.field(description="Of flags.")
    configs: list[str] = strawberry.field(description="Of configs.")
    segments: list[str] = strawberry.field(description="Of segments.")

    @classmethod
    def of(cls, keys: Collection[KeyRef]) -> "PrimitiveKeys":
        by_kind = {kind: sorted(key for of, key in keys if of is kind) for kind in Kind}
        return cls(flags=by_kind[Kind.FLAG], configs=by_kind[Kind.CONFIG], segments=by_kind[Kind.SEGMENT])


@strawberry.type(description="A new version of an environment.")
class EnvironmentChange:
    environment_id: strawberry.ID = strawberry.field(description="The environment's id.")
    version: int = strawberry.field(description="The version that it has now.")
    changed: PrimitiveKeys = strawberry.field(description="Whose states changed since the last event, or are new.")
    removed: PrimitiveKeys = strawberry.field(description="Whose states are gone since the last event.")
    complete: bool = strawberry.field(description=COMPLETE)

    @classmethod
    def of(cls, news: EnvironmentNews, *, complete: bool) -> "EnvironmentChange":
        return cls(
            environment_id=strawberry.ID(news.environment_id),
            version=news.version,
            changed=PrimitiveKeys.of(news.keys.changed),
            removed=PrimitiveKeys.of(news.keys.removed),
            complete=complete,
        )

    @strawberry.field(description="The environment.")
    async def environment(self, info: Info) -> Environment | None:
        row = await info.context.loaders.environment.load(self.environment_id)
        return None if row is None else Environment.of(row)


@strawberry.interface(description="What subscriptions tell of proposals.")
class WithProposals:
    proposal_ids: list[strawberry.ID] = strawberry.field(
        description="Ids of those that were made, reviewed, applied or cancelled, or that expired, newest first."
    )
    complete: bool = strawberry.field(description=COMPLETE)
    rows: strawberry.Private[Sequence[ProposalRow]]

    @strawberry.field(description="The proposals as they are now.")
    def proposals(self) -> list[Proposal] | None:
        return lazily(self.rows, Proposal.of)


@strawberry.type(description="What changed of an environment's proposals, those included that delete of its project.")
class ProposalsChange(WithProposals):
    row: strawberry.Private[EnvironmentRow]

    @strawberry.field(description="The environment.")
    def environment(self) -> Environment | None:
        return Environment.of(self.row)


@strawberry.type(description="What changed in a project.")
class ProjectChange(WithProposals):
    environments: list[EnvironmentChange] = strawberry.field(description="The environments that have a new version.")
    changed: PrimitiveKeys = strawberry.field(description="Flags, configs and segments that are new or have changed.")
    removed: PrimitiveKeys = strawberry.field(description="Flags, configs and segments that were deleted.")
    settings: list[strawberry.ID] = strawberry.field(
        description="Ids of the organisation, the project and its environments, where they themselves were created, "
        "changed or deleted."
    )
    members: bool = strawberry.field(
        description="Whether people joined or left the organisation, were invited, or have another role."
    )
    row: strawberry.Private[ProjectRow]

    @strawberry.field(description="The project.")
    def project(self) -> Project | None:
        return Project.of(self.row)
