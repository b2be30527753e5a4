"""Organisations, projects, environments, flags and their states. Each leads to the others, so they are in one file."""

from collections.abc import Callable
from typing import TypeVar, cast

import strawberry

from app.access.batches import ChildPage
from app.access.etags import environment_etag, primitive_etag, row_etag, state_etag
from app.domain.errors import not_found
from app.domain.ids import is_id, lowered
from app.domain.policy import ResourceType
from app.engine.kinds import FlagType, Kind
from app.graphql.arguments import After, Before, EnvironmentId, First, FlagTypeFilter, KeyFilter, Last, Search
from app.graphql.context import Info, listing
from app.graphql.limits import CHARACTERS_AN_OBJECT
from app.graphql.pace import lazily
from app.graphql.types.abilities import Abilities, viewer_can
from app.graphql.types.actors import Actor, Maintainer
from app.graphql.types.relay import Connection, Node
from app.graphql.types.rules import Rule
from app.graphql.types.scalars import JSON, Time
from app.models import Color, Primitive
from app.models import Environment as EnvironmentRow
from app.models import Org as OrgRow
from app.models import Project as ProjectRow
from app.store import json_columns
from app.store.states import Current

T = TypeVar("T")


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

    @strawberry.field(description="Its projects, oldest first.")
    async def projects(
        self,
        info: Info,
        key: KeyFilter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> "Connection[Project] | None":
        page_args = listing(info, key=key, first=first, after=after, last=last, before=before)
        page = await info.context.loaders.projects.load(ChildPage(self.id, page_args))
        return Connection.of(info.context, page, lambda row: row.id, Project.of)


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

    @strawberry.field(description="The organisation it belongs to.")
    async def org(self, info: Info) -> "Org | None":
        row = await info.context.loaders.org.load(self.row.org_id)
        return None if row is None else Org.of(row)

    @strawberry.field(description="Its environments, in their order.")
    async def environments(
        self,
        info: Info,
        key: KeyFilter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> "Connection[Environment] | None":
        page_args = listing(info, key=key, first=first, after=after, last=last, before=before)
        page = await info.context.loaders.environments.load(ChildPage(self.id, page_args))
        return Connection.of(info.context, page, lambda row: row.id, Environment.of)

    @strawberry.field(description="Its flags, oldest first.")
    async def flags(
        self,
        info: Info,
        key: KeyFilter = None,
        search: Search = None,
        type: FlagTypeFilter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> "Connection[Flag] | None":
        page_args = listing(info, key=key, search=search, type=type, first=first, after=after, last=last, before=before)
        page = await info.context.loaders.flags.load(ChildPage(self.id, page_args))
        return Connection.of(info.context, page, lambda row: row.id, Flag.of)


@strawberry.type(description="The states of a project's flags, configs and segments, at one version.")
class Environment(Node):
    key: str = strawberry.field(description="Unique in the project; never changes.")
    name: str = strawberry.field(description="The display name.")
    color: Color = strawberry.field(description="What it is marked with for people.")
    position: int = strawberry.field(description="Where it stands among the project's environments, lowest first.")
    protected: bool = strawberry.field(description="Whether changes of state wait for approval.")
    required_approvals: int = strawberry.field(
        description="How many people must approve a change while it is protected."
    )
    version: int = strawberry.field(description="Increases by one with each change of state; 0 until the first.")
    created_at: Time = strawberry.field(description="When it was created.")
    updated_at: Time = strawberry.field(description="When anything but its states was last changed.")
    etag: str = strawberry.field(description="The tag that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.ENVIRONMENT)
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

    @strawberry.field(description="The states of its flags, oldest flag first.")
    async def flag_states(
        self,
        info: Info,
        key: KeyFilter = None,
        search: Search = None,
        type: FlagTypeFilter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> "Connection[FlagState] | None":
        page_args = listing(info, key=key, search=search, type=type, first=first, after=after, last=last, before=before)
        page = await info.context.loaders.flag_states.load(ChildPage(self.id, page_args))
        return Connection.of(info.context, page, lambda current: current.primitive.id, FlagState.of)


@strawberry.type(description="A flag's identity in its project; what it does is the state in each environment.")
class Flag(Node):
    key: str = strawberry.field(description="Unique among the project's flags and configs; never changes.")
    type: FlagType = strawberry.field(description="What its values are.")
    name: str = strawberry.field(description="The name for people; the key where none was given.")
    description: str = strawberry.field(description="The description.")
    tags: list[str] = strawberry.field(description="The tags, in the order of the alphabet.")
    maintainer: Maintainer | None = strawberry.field(description="Who looks after it; null for nobody.")
    permanent: bool = strawberry.field(description="Whether it is meant to stay, so that it never counts as stale.")
    created_at: Time = strawberry.field(description="When it was created.")
    updated_at: Time = strawberry.field(description="When its identity was last changed.")
    etag: str = strawberry.field(description="The tag of the identity that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.PRIMITIVE)
    row: strawberry.Private[Primitive]

    @classmethod
    def of(cls, row: Primitive) -> "Flag":
        return cls(
            id=strawberry.ID(row.id),
            key=row.key,
            type=FlagType(str(row.value_type)),
            name=row.name or row.key,
            description=row.description,
            tags=row.tags,
            maintainer=None if row.maintainer is None else Maintainer.of(row.maintainer),
            permanent=row.permanent,
            created_at=Time(row.created_at),
            updated_at=Time(row.updated_at),
            etag=primitive_etag(row),
            row=row,
        )

    @strawberry.field(description="The default that new environments start with.")
    def initial_value(self, info: Info) -> JSON | None:
        return cast("JSON", _stored(info, json_columns.value, self.row.initial_value))

    @strawberry.field(description="The project it belongs to.")
    async def project(self, info: Info) -> "Project | None":
        row = await info.context.loaders.project.load(self.row.project_id)
        return None if row is None else Project.of(row)

    @strawberry.field(description="Its state in one environment.")
    async def state(self, info: Info, environment_id: EnvironmentId) -> "FlagState | None":
        loaders, called = info.context.loaders, lowered(environment_id)
        sought = called if is_id(called) else await loaders.environment_ids.load(called)
        for current in await loaders.states.load(self.id):
            if current.state.environment_id == sought:
                return FlagState.of(current)
        await loaders.environment_ids.load(called)
        raise not_found("environment")

    @strawberry.field(description="Its states in all environments, in the order of the environments.")
    async def states(self, info: Info) -> "list[FlagState] | None":
        return lazily(await info.context.loaders.states.load(self.id), FlagState.of)


@strawberry.type(description="What a flag does in an environment.")
class FlagState(Node):
    killed: bool = strawberry.field(description="Whether it is turned off, whatever its rules say.")
    version: int = strawberry.field(description="The environment's version when the state last changed.")
    updated_at: Time = strawberry.field(description="When the state last changed.")
    updated_by: Actor = strawberry.field(description="Who changed it last.")
    etag: str = strawberry.field(description="The tag of the state that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.STATE)
    flag: Flag = strawberry.field(description="The flag's identity.")
    current: strawberry.Private[Current]

    @classmethod
    def of(cls, current: Current) -> "FlagState":
        state = current.state
        return cls(
            id=strawberry.ID(state.id),
            killed=state.killed,
            version=state.from_version,
            updated_at=Time(state.updated_at),
            updated_by=Actor.of(state.updated_by),
            etag=state_etag(current),
            flag=Flag.of(current.primitive),
            current=current,
        )

    @strawberry.field(description="The value where no rule decides.")
    def default_value(self, info: Info) -> JSON | None:
        return cast("JSON", _stored(info, json_columns.value, self.current.state.default_value))

    @strawberry.field(description="Tried top down; the first that applies decides.")
    def rules(self, info: Info) -> list[Rule]:
        return lazily(_stored(info, json_columns.rules, self.current.state.rules), Rule.of)

    @strawberry.field(description="The environment.")
    async def environment(self, info: Info) -> "Environment | None":
        row = await info.context.loaders.environment.load(self.current.state.environment_id)
        return None if row is None else Environment.of(row)


def _stored(info: Info, read: Callable[[str], T], text: str | None) -> T:
    """What a text of the database holds, which costs by its length."""
    text = text or ""
    info.context.pace.made(len(text) // CHARACTERS_AN_OBJECT)
    return read(text)


_IDENTITIES: dict[Kind, Callable[[Primitive], Node]] = {Kind.FLAG: Flag.of}
_STATES: dict[Kind, Callable[[Current], Node]] = {Kind.FLAG: FlagState.of}


def identity_of(row: Primitive) -> Node | None:
    """The primitive as its kind's type; None for a kind that has none here."""
    make = _IDENTITIES.get(row.kind)
    return None if make is None else make(row)


def state_of(current: Current) -> Node | None:
    """The state as its kind's type; None for a kind that has none here."""
    make = _STATES.get(current.primitive.kind)
    return None if make is None else make(current)
