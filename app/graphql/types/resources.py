"""Organisations, projects, environments, flags, configs, segments and their states.

Each leads to the others, so they are in one file.
"""

from functools import partial
from typing import Any, Self

import strawberry

from app.access.etags import environment_etag, primitive_etag, row_etag, state_etag
from app.domain.operations import ResourceType
from app.engine.kinds import ALLOW_LIST, DENY_LIST, ConfigType, FlagType, Kind
from app.graphql.arguments import EnvironmentIds
from app.graphql.context import Info
from app.graphql.pace import lazily
from app.graphql.types.abilities import Abilities, Inabilities, viewer_can, viewer_cannot
from app.graphql.types.actors import Actor, Maintainer
from app.graphql.types.attributes import Attributes, attributes_of_environment
from app.graphql.types.audit import AuditEvent, audit_of
from app.graphql.types.below import all_states, identities, keyed, state_there, states_of
from app.graphql.types.entries import ALLOWED, DENIED, entries
from app.graphql.types.primitive_history import PrimitiveChange, history_of_primitive
from app.graphql.types.proposals import Proposal, proposals_of
from app.graphql.types.relay import NODES, Connection, Node
from app.graphql.types.rules import Rule
from app.graphql.types.scalars import JSON, Time
from app.graphql.types.spot_checks import SpotChecks, spot_checks_of_environment
from app.graphql.types.summaries import EnvironmentSummary, Summary
from app.graphql.types.traffic_sample import TrafficSample, traffic_sample_of_environment
from app.graphql.types.usage import Usage, usage_of_environment, usage_of_state
from app.graphql.types.values import default_value, initial_value, json_schema, stored
from app.models import Color
from app.models import Environment as EnvironmentRow
from app.models import Org as OrgRow
from app.models import Primitive as PrimitiveRow
from app.models import Project as ProjectRow
from app.store import json_columns
from app.store.states import Current


def identity_of(row: PrimitiveRow) -> "Primitive":
    """The primitive as its kind's type."""
    return _IDENTITIES[row.kind].of(row)


def state_of(current: Current, at_version: int | None = None) -> "PrimitiveState":
    """The state as its kind's type; with the version that was asked for, unless it is the state of now."""
    return _STATES[current.primitive.kind].of(current, at_version)


@strawberry.type(description="A tenant, with its people, tokens and projects.")
class Org(Node):
    slug: str = strawberry.field(description="Unique on the instance; never changes.")
    name: str = strawberry.field(description="The display name.")
    default_target_id_field: str | None = strawberry.field(
        description="The context field that ids are taken from, unless a project has its own; `userId` if null."
    )
    max_rate_limit_per_min: int = strawberry.field(description="Requests a minute for all its tokens together.")
    created_at: Time = strawberry.field(description="When it was created.")
    updated_at: Time = strawberry.field(description="When it was last changed.")
    etag: str = strawberry.field(description="The tag that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.ORG)
    viewer_cannot: Inabilities = viewer_cannot(ResourceType.ORG)
    projects: "Connection[Project] | None" = keyed("Its projects, oldest first.", "projects")
    proposals: Connection[Proposal] | None = proposals_of(ResourceType.ORG, "The proposals of its projects")
    audit_events: Connection[AuditEvent] | None = audit_of(ResourceType.ORG, "What was done in it")

    @classmethod
    def of(cls, row: OrgRow) -> "Org":
        return cls(
            id=strawberry.ID(row.id),
            slug=row.slug,
            name=row.name,
            default_target_id_field=row.default_target_id_field,
            max_rate_limit_per_min=row.max_rate_limit_per_min,
            created_at=Time(row.created_at),
            updated_at=Time(row.updated_at),
            etag=row_etag(row),
        )


@strawberry.type(
    description="The identities of flags, configs and segments, and the environments that hold their states."
)
class Project(Node):
    key: str = strawberry.field(description="Unique in the organisation; never changes.")
    name: str = strawberry.field(description="The display name.")
    target_id_field: str | None = strawberry.field(
        description="The context field that ids are taken from; the organisation's default if null."
    )
    created_at: Time = strawberry.field(description="When it was created.")
    updated_at: Time = strawberry.field(description="When it was last changed.")
    etag: str = strawberry.field(description="The tag that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.PROJECT)
    viewer_cannot: Inabilities = viewer_cannot(ResourceType.PROJECT)
    environments: "Connection[Environment] | None" = keyed("Its environments, in their order.", "environments")
    flags: "Connection[Flag] | None" = identities(Kind.FLAG)
    configs: "Connection[Config] | None" = identities(Kind.CONFIG)
    segments: "Connection[Segment] | None" = identities(Kind.SEGMENT)
    proposals: Connection[Proposal] | None = proposals_of(ResourceType.PROJECT, "Its proposals")
    audit_events: Connection[AuditEvent] | None = audit_of(ResourceType.PROJECT, "What was done to it and in it")
    row: strawberry.Private[ProjectRow]

    @classmethod
    def of(cls, row: ProjectRow) -> "Project":
        return cls(
            id=strawberry.ID(row.id),
            key=row.key,
            name=row.name,
            target_id_field=row.target_id_field,
            created_at=Time(row.created_at),
            updated_at=Time(row.updated_at),
            etag=row_etag(row),
            row=row,
        )

    @strawberry.field(description="How many proposals wait that you see.")
    async def open_proposals(self, info: Info) -> int | None:
        return await info.context.loaders.open_in_project.load(self.id)

    @strawberry.field(description="The organisation it belongs to.")
    async def org(self, info: Info) -> "Org | None":
        row = await info.context.loaders.org.load(self.row.org_id)
        return None if row is None else Org.of(row)


@strawberry.type(description="The states of a project's flags, configs and segments, at one version.")
class Environment(Node):
    key: str = strawberry.field(description="Unique in the project; never changes.")
    name: str = strawberry.field(description="The display name.")
    color: Color = strawberry.field(description="What it is marked with for people.")
    position: int = strawberry.field(description="Where it stands among the project's environments, lowest first.")
    protected: bool = strawberry.field(description="Whether changes of state wait for approval.")
    required_approvals: int = strawberry.field(description="How many people must approve a proposal here.")
    version: int = strawberry.field(description="Increases by one with each change of state; 0 until the first.")
    created_at: Time = strawberry.field(description="When it was created.")
    updated_at: Time = strawberry.field(description="When anything but its states was last changed.")
    etag: str = strawberry.field(description="The tag that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.ENVIRONMENT)
    viewer_cannot: Inabilities = viewer_cannot(ResourceType.ENVIRONMENT)
    states: "Connection[PrimitiveState] | None" = states_of()
    flag_states: "Connection[FlagState] | None" = states_of(Kind.FLAG)
    config_states: "Connection[ConfigState] | None" = states_of(Kind.CONFIG)
    segment_states: "Connection[SegmentState] | None" = states_of(Kind.SEGMENT)
    usage: Connection[Usage] | None = usage_of_environment()
    spot_checks: SpotChecks | None = spot_checks_of_environment()
    traffic_sample: TrafficSample | None = traffic_sample_of_environment()
    attributes: Attributes | None = attributes_of_environment()
    proposals: Connection[Proposal] | None = proposals_of(
        ResourceType.ENVIRONMENT, "Its proposals, and those that delete something of its project"
    )
    audit_events: Connection[AuditEvent] | None = audit_of(ResourceType.ENVIRONMENT, "What made its versions")
    row: strawberry.Private[EnvironmentRow]

    @classmethod
    def of(cls, row: EnvironmentRow) -> "Environment":
        return cls(
            id=strawberry.ID(row.id),
            key=row.key,
            name=row.name,
            color=row.color,
            position=row.position,
            protected=row.protected,
            required_approvals=row.required_approvals,
            version=row.version,
            created_at=Time(row.created_at),
            updated_at=Time(row.updated_at),
            etag=environment_etag(row),
            row=row,
        )

    @strawberry.field(description="The project it belongs to.")
    async def project(self, info: Info) -> "Project | None":
        row = await info.context.loaders.project.load(self.row.project_id)
        return None if row is None else Project.of(row)


@strawberry.interface(description="What flags, configs and segments have in common: an identity in a project.")
class Primitive(Node):
    key: str = strawberry.field(
        description="Never changes. Unique among the project's flags and configs, or among its segments."
    )
    name: str = strawberry.field(description="The name for people; the key where none was given.")
    description: str = strawberry.field(description="The description.")
    tags: list[str] = strawberry.field(description="The tags, in the order of the alphabet.")
    maintainer: Maintainer | None = strawberry.field(description="Who looks after it; null for nobody.")
    permanent: bool = strawberry.field(description="Whether it is meant to stay, so that it never counts as stale.")
    created_at: Time = strawberry.field(description="When it was created.")
    updated_at: Time = strawberry.field(description="When its identity was last changed.")
    etag: str = strawberry.field(description="The tag of the identity that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.PRIMITIVE)
    viewer_cannot: Inabilities = viewer_cannot(ResourceType.PRIMITIVE)
    state: "PrimitiveState | None" = state_there()
    states: "list[PrimitiveState] | None" = all_states()
    proposals: Connection[Proposal] | None = proposals_of(
        ResourceType.PRIMITIVE, "The proposals to change or delete it"
    )
    audit_events: Connection[AuditEvent] | None = audit_of(ResourceType.PRIMITIVE, "What was done to it")
    history: Connection[PrimitiveChange] | None = history_of_primitive()
    row: strawberry.Private[PrimitiveRow]

    @classmethod
    def of(cls, row: PrimitiveRow) -> Self:
        return cls(
            id=strawberry.ID(row.id),
            key=row.key,
            name=row.name or row.key,
            description=row.description,
            tags=row.tags,
            maintainer=None if row.maintainer is None else Maintainer.of(row.maintainer),
            permanent=row.permanent,
            created_at=Time(row.created_at),
            updated_at=Time(row.updated_at),
            etag=primitive_etag(row),
            row=row,
            **cls.own_members(row),
        )

    @classmethod
    def own_members(cls, _: PrimitiveRow) -> dict[str, Any]:
        """What only this kind has."""
        return {}

    @strawberry.field(description="The project it belongs to.")
    async def project(self, info: Info) -> "Project | None":
        row = await info.context.loaders.project.load(self.row.project_id)
        return None if row is None else Project.of(row)

    @strawberry.field(
        description="What its states come to in these environments, in the order asked for; in all of them, in their "
        "order, if none are named."
    )
    async def summaries(self, info: Info, environment_ids: EnvironmentIds = None) -> list[EnvironmentSummary] | None:
        loaders = info.context.loaders
        if environment_ids is None:
            found = await loaders.states.load(self.id)
        else:
            found = await loaders.states_in(self.id, environment_ids)
        return lazily(found, partial(EnvironmentSummary.of, info))


@strawberry.type(description="A flag's identity in its project; what it does is the state in each environment.")
class Flag(Primitive):
    state: "FlagState | None" = state_there()
    states: "list[FlagState] | None" = all_states()  # type: ignore[assignment]
    type: FlagType = strawberry.field(description="What its values are.")
    initial_value: JSON | None = strawberry.field(
        resolver=initial_value, description="The default that new environments start with."
    )

    @classmethod
    def own_members(cls, row: PrimitiveRow) -> dict[str, Any]:
        return {"type": FlagType(str(row.value_type))}


@strawberry.type(description="A config's identity in its project; what it gives is the state in each environment.")
class Config(Primitive):
    state: "ConfigState | None" = state_there()
    states: "list[ConfigState] | None" = all_states()  # type: ignore[assignment]
    type: ConfigType = strawberry.field(description="What its values are.")
    initial_value: JSON | None = strawberry.field(
        resolver=initial_value, description="The default that new environments start with."
    )
    json_schema: JSON | None = strawberry.field(resolver=json_schema, description="The JSON Schema of its values.")

    @classmethod
    def own_members(cls, row: PrimitiveRow) -> dict[str, Any]:
        return {"type": ConfigType(str(row.value_type))}


@strawberry.type(
    description="A segment's identity in its project; who belongs to it is said by the state in each environment."
)
class Segment(Primitive):
    state: "SegmentState | None" = state_there()
    states: "list[SegmentState] | None" = all_states()  # type: ignore[assignment]


@strawberry.interface(description="What the states of flags, configs and segments have in common.")
class PrimitiveState(Node):
    version: int = strawberry.field(description="The environment's version when the state last changed.")
    updated_at: Time = strawberry.field(description="When the state last changed.")
    updated_by: Actor = strawberry.field(description="Who changed it last.")
    etag: str = strawberry.field(description="The tag of the state that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.STATE)
    viewer_cannot: Inabilities = viewer_cannot(ResourceType.STATE)
    current: strawberry.Private[Current]
    at_version: strawberry.Private[int | None]

    @classmethod
    def of(cls, current: Current, at_version: int | None = None) -> Self:
        """With the version that was asked for, unless it is the state of now."""
        state = current.state
        return cls(
            id=strawberry.ID(state.id),
            version=state.from_version,
            updated_at=Time(state.updated_at),
            updated_by=Actor.of(state.updated_by),
            etag=state_etag(current),
            current=current,
            at_version=at_version,
            **cls.own_members(current),
        )

    @classmethod
    def own_members(cls, _: Current) -> dict[str, Any]:
        """What only this kind has."""
        return {}

    @strawberry.field(description="The identity.")
    def primitive(self) -> Primitive:
        return identity_of(self.current.primitive)

    @strawberry.field(description="Tried top down; the first that applies decides.")
    def rules(self, info: Info) -> list[Rule]:
        return lazily(stored(info, json_columns.rules, self.current.state.rules), Rule.of)

    @strawberry.field(description="What it comes to.")
    def summary(self, info: Info) -> Summary:
        return Summary.of(info, self.current)

    @strawberry.field(
        description="How many proposals wait to change the state, or to delete the flag, config or segment."
    )
    async def open_proposals(self, info: Info) -> int | None:
        return await info.context.loaders.open_proposals.load(self.current.state)

    @strawberry.field(description="The environment.")
    async def environment(self, info: Info) -> "Environment | None":
        row = await info.context.loaders.environment.load(self.current.state.environment_id)
        return None if row is None else Environment.of(row)


@strawberry.type(description="What a flag does in an environment.")
class FlagState(PrimitiveState):
    killed: bool = strawberry.field(description="Whether it is turned off, whatever its rules say.")
    flag: Flag = strawberry.field(description="The flag's identity.")
    usage: Usage | None = usage_of_state()
    default_value: JSON | None = strawberry.field(
        resolver=default_value, description="The value where no rule decides."
    )

    @classmethod
    def own_members(cls, current: Current) -> dict[str, Any]:
        return {"killed": current.state.killed, "flag": Flag.of(current.primitive)}


@strawberry.type(description="What a config gives in an environment.")
class ConfigState(PrimitiveState):
    config: Config = strawberry.field(description="The config's identity.")
    usage: Usage | None = usage_of_state()
    default_value: JSON | None = strawberry.field(
        resolver=default_value, description="The value where no rule decides."
    )

    @classmethod
    def own_members(cls, current: Current) -> dict[str, Any]:
        return {"config": Config.of(current.primitive)}


@strawberry.type(
    description="Who belongs to a segment in an environment: (allow list or rules), but not the deny list."
)
class SegmentState(PrimitiveState):
    segment: Segment = strawberry.field(description="The segment's identity.")
    allow_list: Connection[str] | None = entries(ALLOW_LIST, ALLOWED)
    deny_list: Connection[str] | None = entries(DENY_LIST, DENIED)
    allow_list_size: int = strawberry.field(description="How many entries its allow list has.")
    deny_list_size: int = strawberry.field(description="How many entries its deny list has.")

    @classmethod
    def own_members(cls, current: Current) -> dict[str, Any]:
        state = current.state
        sizes = {"allow_list_size": state.allow_list_size, "deny_list_size": state.deny_list_size}
        return {"segment": Segment.of(current.primitive), **sizes}


_IDENTITIES: dict[Kind, type[Primitive]] = {Kind.FLAG: Flag, Kind.CONFIG: Config, Kind.SEGMENT: Segment}
_STATES: dict[Kind, type[PrimitiveState]] = dict(zip(Kind, (FlagState, ConfigState, SegmentState), strict=True))
NODES.update({OrgRow: Org.of, ProjectRow: Project.of, EnvironmentRow: Environment.of, PrimitiveRow: identity_of})
NODES[Current] = state_of
