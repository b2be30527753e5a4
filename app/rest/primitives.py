"""The routes that all kinds of primitives have: identities below a project, states below an environment.

A kind makes one of each with its schemas and use cases, and adds to their `endpoints` the routes that it has alone.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from starlette.responses import Response

from app.access.etags import primitive_etag, state_etag
from app.access.paging import Listing, PrimitiveParameters
from app.domain.commands import Command
from app.domain.policy import Operation
from app.domain.preconditions import IfMatch
from app.models import Primitive
from app.rest.requests import Call
from app.rest.responses import created, no_content, page, read, written
from app.rest.routing import Endpoint, Handler
from app.rest.schemas import Schema
from app.store.paging import Page
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

T = TypeVar("T")
Write = Callable[[UnitOfWork, str, str, object, IfMatch], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Identities:
    """A kind's identities: what answers show of one, the use cases, and the commands of those that write.

    `noun` names the kind in paths, operations and texts: a flag, its flags.
    """

    noun: str
    schema: type[Schema]
    list_all: Callable[[UnitOfWork, str, Listing], Awaitable[Page[Primitive]]]
    get: Callable[[UnitOfWork, str, str], Awaitable[Primitive]]
    create: Callable[[UnitOfWork, str, object], Awaitable[Primitive]]
    update: Write[Primitive]
    delete: Write[Primitive]
    create_command: type[Command]
    update_command: type[Command]
    delete_command: type[Command]

    async def handle_list(self, call: Call, uow: UnitOfWork) -> Response:
        found = await self.list_all(uow, call.path["project_id"], call.listing())
        return page(call, found, lambda row: row.id, self.schema.from_row)

    async def handle_get(self, call: Call, uow: UnitOfWork) -> Response:
        row = await self.get(uow, call.path["project_id"], call.path["key"])
        return read(call, self.schema.from_row(row), primitive_etag(row))

    async def handle_create(self, call: Call, uow: UnitOfWork) -> Response:
        row = await self.create(uow, call.path["project_id"], call.input)
        location = f"/api/v1/projects/{row.project_id}/{self.noun}s/{row.key}"
        return created(self.schema.from_row(row), location, primitive_etag(row))

    async def handle_update(self, call: Call, uow: UnitOfWork) -> Response:
        row = await self.update(uow, call.path["project_id"], call.path["key"], call.input, call.if_match)
        return written(self.schema.from_row(row), primitive_etag(row))

    async def handle_delete(self, call: Call, uow: UnitOfWork) -> Response:
        await self.delete(uow, call.path["project_id"], call.path["key"], call.input, call.if_match)
        return no_content()

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
                query=PrimitiveParameters,
            ),
            Endpoint(
                f"create{self.noun.capitalize()}",
                "POST",
                self.path,
                self.handle_create,
                f"Create a {self.noun}",
                Operation.CREATE_PRIMITIVE,
                self.create_command,
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
                self.update_command,
                self.schema,
            ),
            Endpoint(
                f"delete{self.noun.capitalize()}",
                "DELETE",
                f"{self.path}/{{key}}",
                self.handle_delete,
                f"Delete a {self.noun} from every environment",
                Operation.DELETE_PRIMITIVE,
                self.delete_command,
                status=204,
                errors=("in_use",),
            ),
        ]


@dataclass(frozen=True, slots=True)
class States:
    """A kind's states: what answers show of one, the use cases, and the commands of those that write."""

    noun: str
    schema: type[Schema]
    list_all: Callable[[UnitOfWork, str, Listing], Awaitable[Page[Current]]]
    get: Callable[[UnitOfWork, str, str], Awaitable[Current]]
    update: Write[Current]
    replace: Write[Current]
    update_command: type[Command]
    replace_command: type[Command]

    async def handle_list(self, call: Call, uow: UnitOfWork) -> Response:
        found = await self.list_all(uow, call.path["env_id"], call.listing())
        return page(call, found, lambda current: current.primitive.id, self.schema.from_row)

    async def handle_get(self, call: Call, uow: UnitOfWork) -> Response:
        current = await self.get(uow, call.path["env_id"], call.path["key"])
        return read(call, self.schema.from_row(current), state_etag(current))

    def writing(self, write: Write[Current]) -> Handler:
        """The handler of a write that answers with the state."""

        async def handle(call: Call, uow: UnitOfWork) -> Response:
            current = await write(uow, call.path["env_id"], call.path["key"], call.input, call.if_match)
            return written(self.schema.from_row(current), state_etag(current))

        return handle

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
                query=PrimitiveParameters,
            ),
            Endpoint(
                f"get{self.noun.capitalize()}State",
                "GET",
                f"{self.path}/{{key}}",
                self.handle_get,
                f"A {self.noun}'s state",
                Operation.READ_STATE,
                response=self.schema,
            ),
            Endpoint(
                f"update{self.noun.capitalize()}State",
                "PATCH",
                f"{self.path}/{{key}}",
                self.writing(self.update),
                f"Change a {self.noun}'s state",
                Operation.UPDATE_STATE,
                self.update_command,
                self.schema,
            ),
            Endpoint(
                f"replace{self.noun.capitalize()}State",
                "PUT",
                f"{self.path}/{{key}}/state",
                self.writing(self.replace),
                f"Replace a {self.noun}'s state",
                Operation.UPDATE_STATE,
                self.replace_command,
                self.schema,
            ),
        ]
