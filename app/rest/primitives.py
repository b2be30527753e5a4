"""What REST has for all kinds of primitives: the schemas' common members, and the routes of identities and states.

A kind makes one of each with its schemas, and adds to their `endpoints` the routes that it has alone.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from starlette.responses import Response

from app.access.etags import primitive_etag, shown_state_etag
from app.access.paging import ListParameters, primitive_parameters
from app.access.summaries import summary_of
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.models import Primitive, Proposal
from app.rest.primitive_history import PrimitiveChangeSchema
from app.rest.proposals import proposed
from app.rest.references import ReferrerSchema
from app.rest.requests import RestCall
from app.rest.responses import created, no_content, page, read, written
from app.rest.routing import Endpoint, Handler
from app.rest.schemas import ActorSchema, MaintainerSchema, Schema, SummarySchema, Time
from app.services.past_states import StateAtVersion
from app.services.primitives import Primitives
from app.services.promotion import PromoteState
from app.services.proposals import open_on
from app.store import json_columns
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

Write = Callable[[UnitOfWork, str, str, object, IfMatch], Awaitable[Current | Proposal]]


class IdentitySchema(Schema):
    """An identity of any kind."""

    id: str
    project_id: str
    key: str
    name: str
    description: str
    tags: list[str]
    maintainer: MaintainerSchema | None
    permanent: bool
    created_at: Time
    updated_at: Time

    @classmethod
    def from_row(cls, row: Primitive) -> Self:
        return cls(**cls.members_of(row))

    @classmethod
    def members_of(cls, row: Primitive) -> dict[str, Any]:
        """The members, of which a kind may have more."""
        return {
            "id": row.id,
            "project_id": row.project_id,
            "key": row.key,
            "name": row.name or row.key,
            "description": row.description,
            "tags": row.tags,
            "maintainer": None if row.maintainer is None else MaintainerSchema.from_row(row.maintainer),
            "permanent": row.permanent,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }


class ValuedIdentitySchema(IdentitySchema):
    """An identity of a kind that has values."""

    type: str
    initial_value: Any

    @classmethod
    def members_of(cls, row: Primitive) -> dict[str, Any]:
        initial_value = json_columns.value(row.initial_value)
        return {**super().members_of(row), "type": row.value_type or "", "initial_value": initial_value}


class StateSchema(Schema):
    """A state of any kind; `version` is the environment's when the state last changed."""

    id: str
    primitive_id: str
    key: str
    name: str
    description: str
    environment_id: str
    rules: list[Any]
    summary: SummarySchema
    open_proposals: int
    version: int
    updated_at: Time
    updated_by: ActorSchema

    @classmethod
    def from_current(cls, current: Current, open_proposals: int, **more: Any) -> Self:
        """With what a single state has more, if it does."""
        return cls(**cls.members_of(current), open_proposals=open_proposals, **more)

    @classmethod
    def members_of(cls, current: Current) -> dict[str, Any]:
        """The members, of which a kind may have more."""
        primitive, state = current
        rules, value = json_columns.rules(state.rules), state.default_value
        summary = summary_of(current, rules, None if value is None else json_columns.value(value))
        return {
            "id": state.id,
            "primitive_id": primitive.id,
            "key": primitive.key,
            "name": primitive.name or primitive.key,
            "description": primitive.description,
            "environment_id": state.environment_id,
            "rules": rules,
            "summary": SummarySchema.from_row(summary),
            "version": state.from_version,
            "updated_at": state.updated_at,
            "updated_by": ActorSchema.model_validate(state.updated_by),
        }


class ValuedStateSchema(StateSchema):
    """A state of a kind that has values."""

    type: str
    default_value: Any

    @classmethod
    def members_of(cls, current: Current) -> dict[str, Any]:
        default_value = json_columns.value(current.state.default_value)
        return {
            **super().members_of(current),
            "type": current.primitive.value_type or "",
            "default_value": default_value,
        }


async def nothing_more(_: UnitOfWork, __: Current) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class _OfKind:
    primitives: Primitives

    @property
    def noun(self) -> str:
        """Names the kind in paths, operations and texts: a flag, its flags."""
        return self.primitives.spec.kind.value


@dataclass(frozen=True, slots=True)
class Identities(_OfKind):
    """A kind's identities: the use cases, and what answers show of one."""

    schema: type[IdentitySchema]

    async def handle_list(self, call: RestCall, uow: UnitOfWork) -> Response:
        found = await self.primitives.list(uow, call.path["project_id"], call.listing())
        return page(call, found, lambda row: row.id, self.schema.from_row)

    async def handle_get(self, call: RestCall, uow: UnitOfWork) -> Response:
        row = await self.primitives.get(uow, call.path["project_id"], call.path["key"])
        return read(call, self.schema.from_row(row), primitive_etag(row))

    async def handle_create(self, call: RestCall, uow: UnitOfWork) -> Response:
        row = await self.primitives.create(uow, call.path["project_id"], call.input)
        location = f"/api/v1/projects/{row.project_id}/{self.noun}s/{row.key}"
        return created(self.schema.from_row(row), location, primitive_etag(row))

    async def handle_update(self, call: RestCall, uow: UnitOfWork) -> Response:
        row = await self.primitives.update(uow, call.path["project_id"], call.path["key"], call.input, call.if_match)
        return written(self.schema.from_row(row), primitive_etag(row))

    async def handle_delete(self, call: RestCall, uow: UnitOfWork) -> Response:
        path = call.path["project_id"], call.path["key"]
        deleted = await self.primitives.delete(uow, *path, call.input, call.if_match)
        return await proposed(uow, deleted) if isinstance(deleted, Proposal) else no_content()

    async def handle_references(self, call: RestCall, uow: UnitOfWork) -> Response:
        found = await self.primitives.references(uow, call.path["project_id"], call.path["key"], call.listing())
        return page(call, found, lambda row: row.state.id, ReferrerSchema.from_row)

    @property
    def path(self) -> str:
        return f"/projects/{{project_id}}/{self.noun}s"

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                f"list{self.noun.capitalize()}s",
                "GET",
                self.path,
                self.handle_list,
                f"The {self.noun}s of a project",
                Operation.READ_PRIMITIVE,
                response=self.schema,
                is_list=True,
                query=primitive_parameters(self.primitives.spec.kind, of_states=False),
            ),
            Endpoint(
                f"create{self.noun.capitalize()}",
                "POST",
                self.path,
                self.handle_create,
                f"Create a {self.noun}",
                Operation.CREATE_PRIMITIVE,
                self.primitives.create_command,
                self.schema,
                201,
                errors=("key_collision",),
            ),
            Endpoint(
                f"get{self.noun.capitalize()}",
                "GET",
                f"{self.path}/{{key}}",
                self.handle_get,
                f"A {self.noun}",
                Operation.READ_PRIMITIVE,
                response=self.schema,
            ),
            Endpoint(
                f"update{self.noun.capitalize()}",
                "PATCH",
                f"{self.path}/{{key}}",
                self.handle_update,
                f"Change a {self.noun}'s identity",
                Operation.UPDATE_PRIMITIVE,
                self.primitives.update_command,
                self.schema,
            ),
            Endpoint(
                f"delete{self.noun.capitalize()}",
                "DELETE",
                f"{self.path}/{{key}}",
                self.handle_delete,
                f"Delete a {self.noun} from every environment",
                Operation.DELETE_PRIMITIVE,
                self.primitives.delete_command,
                status=204,
                errors=("in_use",),
            ),
            Endpoint(
                f"list{self.noun.capitalize()}References",
                "GET",
                f"{self.path}/{{key}}/references",
                self.handle_references,
                f"What refers to a {self.noun}",
                Operation.READ_PRIMITIVE,
                response=ReferrerSchema,
                is_list=True,
                query=ListParameters,
            ),
        ]


@dataclass(frozen=True, slots=True)
class States(_OfKind):
    """A kind's states: the use cases, and what answers show of one.

    A single state may show more than one of a list: `whole` is its schema, with the members that `more` gives.
    """

    schema: type[StateSchema]
    whole: type[StateSchema]
    more: Callable[[UnitOfWork, Current], Awaitable[Mapping[str, Any]]] = nothing_more

    async def handle_list(self, call: RestCall, uow: UnitOfWork) -> Response:
        found = await self.primitives.list_states(uow, call.path["env_id"], call.listing())
        numbers = await open_on(uow, [current.state for current in found.rows])
        waiting = {current.state.id: number for current, number in zip(found.rows, numbers, strict=True)}
        return page(
            call,
            found,
            lambda current: current.primitive.id,
            lambda current: self.schema.from_current(current, waiting[current.state.id]),
        )

    async def handle_get(self, call: RestCall, uow: UnitOfWork) -> Response:
        shown = await self.primitives.get_state(uow, call.path["env_id"], call.path["key"], call.input)
        return read(call, *await self._shown(uow, *shown))

    async def handle_history(self, call: RestCall, uow: UnitOfWork) -> Response:
        found = await self.primitives.history(uow, call.path["env_id"], call.path["key"], call.listing())
        return page(call, found, lambda row: row.primitive_id, PrimitiveChangeSchema.from_row)

    def writing(self, write: Write) -> Handler:
        """The handler of a write that answers with the whole state, or with a proposal."""

        async def handle(call: RestCall, uow: UnitOfWork) -> Response:
            current = await write(uow, call.path["env_id"], call.path["key"], call.input, call.if_match)
            if isinstance(current, Proposal):
                return await proposed(uow, current)
            (waiting,) = await open_on(uow, [current.state])
            return written(*await self._shown(uow, current, waiting))

        return handle

    async def _shown(self, uow: UnitOfWork, current: Current, waiting: int) -> tuple[StateSchema, str]:
        """The whole state, and its tag."""
        whole = self.whole.from_current(current, waiting, **await self.more(uow, current))
        return whole, shown_state_etag(current, waiting)

    @property
    def path(self) -> str:
        return f"/envs/{{env_id}}/{self.noun}s"

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                f"list{self.noun.capitalize()}States",
                "GET",
                self.path,
                self.handle_list,
                f"The states of an environment's {self.noun}s",
                Operation.READ_STATE,
                response=self.schema,
                is_list=True,
                query=primitive_parameters(self.primitives.spec.kind, of_states=True),
            ),
            Endpoint(
                f"get{self.noun.capitalize()}State",
                "GET",
                f"{self.path}/{{key}}",
                self.handle_get,
                f"A {self.noun}'s state",
                Operation.READ_STATE,
                response=self.whole,
                query=StateAtVersion,
            ),
            Endpoint(
                f"update{self.noun.capitalize()}State",
                "PATCH",
                f"{self.path}/{{key}}",
                self.writing(self.primitives.update_state),
                f"Change a {self.noun}'s state",
                Operation.UPDATE_STATE,
                self.primitives.update_state_command,
                self.whole,
            ),
            Endpoint(
                f"replace{self.noun.capitalize()}State",
                "PUT",
                f"{self.path}/{{key}}/state",
                self.writing(self.primitives.replace_state),
                f"Replace a {self.noun}'s state",
                Operation.UPDATE_STATE,
                self.primitives.replace_state_command,
                self.whole,
            ),
            Endpoint(
                f"promote{self.noun.capitalize()}",
                "POST",
                f"{self.path}/{{key}}/promote",
                replace(self, whole=self.schema, more=nothing_more).writing(self.primitives.promote),
                f"Take over a {self.noun}'s state from another environment",
                Operation.PROMOTE,
                PromoteState,
                self.schema,
            ),
            Endpoint(
                f"list{self.noun.capitalize()}History",
                "GET",
                f"{self.path}/{{key}}/history",
                self.handle_history,
                f"What changed a {self.noun} in an environment",
                Operation.READ_STATE,
                response=PrimitiveChangeSchema,
                is_list=True,
                query=ListParameters,
            ),
        ]
