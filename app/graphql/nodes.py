"""`node`: whatever has the id, for those who may see it."""

from typing import Annotated, Any

import strawberry

from app.access import batches
from app.domain.ids import is_id
from app.graphql.context import Info
from app.graphql.types.api_keys import ApiKey
from app.graphql.types.invitations import Invitation
from app.graphql.types.members import Member
from app.graphql.types.relay import Node
from app.graphql.types.resources import Environment, Flag, FlagState, Org, Project
from app.graphql.types.sessions import Session
from app.services.sessions import sessions_by_id

Id = Annotated[strawberry.ID, strawberry.argument(description="Any id.")]

_KINDS: list[tuple[Any, Any]] = [
    (batches.orgs, Org.of),
    (batches.projects, Project.of),
    (batches.environments, Environment.of),
    (batches.primitives, Flag.of),
    (batches.states, FlagState.of),
    (batches.members, Member.of),
    (batches.invitations, Invitation.of),
    (sessions_by_id, Session.of),
    (batches.api_keys, ApiKey.of),
]


@strawberry.type
class NodeQueries:
    @strawberry.field(description="Whatever has the id; null where nothing that you may see has it.")
    async def node(self, info: Info, id: Id) -> Node | None:
        """Tries one kind after the other."""
        if not is_id(id):
            return None
        async with info.context.unit() as uow:
            for look_up, make in _KINDS:
                if found := await look_up(uow, [id]):
                    node: Node = make(found[0])
                    return node
        return None
