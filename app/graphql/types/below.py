"""The fields by which organisations, projects, environments, primitives and states lead to what is below them."""

from typing import Any

import strawberry

from app.access.batches import ChildPage
from app.access.paging import Listing
from app.engine.kinds import SPECS, Kind
from app.graphql.arguments import AtVersion, EnvironmentId
from app.graphql.context import Info
from app.graphql.lists import KEYED, OF_STATES, arguments_of, list_field
from app.graphql.pace import lazily
from app.graphql.types.relay import NODES, Connection, node_of
from app.store.states import Current


def identities(kind: Kind) -> Any:
    """The list of a project's identities of one kind."""

    async def resolve(root: Any, info: Info, asked: Listing) -> Any:
        page = await info.context.loaders.identities((kind,)).load(ChildPage(root.id, asked))
        return Connection.of(info.context, page, lambda row: row.id, node_of)

    return list_field(f"Its {SPECS[kind].plural}.", arguments_of(kind, of_states=False), resolve)


def states_of(kind: Kind | None = None) -> Any:
    """The list of an environment's states of one kind; without it of all, or of those that are asked for."""

    async def resolve(root: Any, info: Info, asked: Listing, kinds: tuple[Kind | None, ...] = (kind,)) -> Any:
        page = await info.context.loaders.current(kinds).load(ChildPage(root.id, asked))
        return Connection.of(info.context, page, lambda current: current.primitive.id, node_of)

    if kind is None:
        return list_field("The states of its flags, configs and segments.", OF_STATES, resolve, of_kinds=True)
    return list_field(f"The states of its {SPECS[kind].plural}.", arguments_of(kind, of_states=True), resolve)


def keyed(description: str, name: str) -> Any:
    """The list of an organisation's projects, or of a project's environments."""

    async def resolve(root: Any, info: Info, asked: Listing) -> Any:
        page = await getattr(info.context.loaders, name).load(ChildPage(root.id, asked))
        return Connection.of(info.context, page, lambda row: row.id, node_of)

    return list_field(description, KEYED, resolve)


def state_there() -> Any:
    """A primitive's state in one environment."""

    async def resolve(
        root: strawberry.Parent[Any], info: Info, environment_id: EnvironmentId, version: AtVersion = None
    ) -> Any:
        loaders = info.context.loaders
        (present,) = await loaders.states_in(root.id, [environment_id])
        if version is None:
            return node_of(present)
        then = await loaders.states_at(present.state.environment_id, version).load(present)
        return NODES[Current](then, version)

    return strawberry.field(resolver=resolve, description="Its state in one environment.")


def all_states() -> Any:
    """A primitive's states."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        return lazily(await info.context.loaders.states.load(root.id), node_of)

    description = "Its states in all environments, in the order of the environments."
    return strawberry.field(resolver=resolve, description=description)
