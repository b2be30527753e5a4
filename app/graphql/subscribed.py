"""One subscription of a connection: its document is checked as every other is, then run once for each event."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from graphql import (
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,
    get_variable_values,
)
from starlette.types import Message

from app.domain.errors import MAX_FIELDS_BYTES, AppError, invalid, invalid_at
from app.graphql.context import Context
from app.graphql.documents import Document
from app.graphql.errors import error_entry, failure_of
from app.graphql.limits import check_cost, root_fields
from app.graphql.pace import PacedExecutor, Turns
from app.graphql.schema import documents, schema
from app.graphql.variables import check_variables
from app.graphql.view import PATH, Params, params_of
from app.http import logs
from app.http.authentication import take_from_buckets
from app.http.request_lines import name_of
from app.http.requests import RequestInfo
from app.runtime.node import Node

log = structlog.get_logger()


@dataclass
class Subscribed:
    """`say` sends a message of the protocol with our id, `look` raises once the caller's credential has ended.

    `let_go` ends the connection.
    """

    node: Node
    turns: Turns
    info: RequestInfo
    say: Callable[..., Awaitable[None]]
    look: Callable[[], Awaitable[None]]
    let_go: Callable[[AppError], Awaitable[None]]
    field_name: str | None = None
    response_name: str | None = None
    events: int = 0
    task: "asyncio.Task[None] | None" = field(default=None, init=False)

    def start(self, payload: dict[str, Any]) -> "asyncio.Task[None]":
        self.task = asyncio.create_task(self._run(payload))
        return self.task

    def cancel(self) -> None:
        """Unless it is its own task that calls this, and so ends by itself."""
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()

    async def end(self, *errors: GraphQLError | AppError) -> None:
        """Tells why, and with that the subscription is over."""
        self.cancel()
        await self.say("error", payload=self._entries([_located(error, self.response_name) for error in errors]))

    async def _run(self, payload: dict[str, Any]) -> None:
        logs.present.set(self.info)
        try:
            with self.node.streams.one(self.info.actor):
                await take_from_buckets(self.node, self.info)
                await self._follow(params_of(payload))
            await self.say("complete")
        except AppError as error:
            if self.events and error.code == "unavailable":  # clients begin again by themselves, which none does else
                self.info.code = error.code
                await self.let_go(error)
            else:
                await self.end(error)
        except GraphQLError as error:
            await self.end(error)
        except ExceptionGroup as found:
            await self.end(*cast("tuple[GraphQLError, ...]", found.exceptions))
        except Exception as fault:  # noqa: BLE001 - of ours
            await self.end(GraphQLError(str(fault), original_error=fault))
        finally:
            self._log()

    async def _follow(self, params: Params) -> None:
        executor = self._executor(params)
        source = create_source_event_stream(executor)
        if isinstance(source, Awaitable):
            source = await source
        if isinstance(source, ExecutionResult):
            raise ExceptionGroup("subscribe", source.errors or [])
        async with aclosing(cast("AsyncGenerator[Any, None]", source)):
            async for event in source:
                with self.turns.document() as pace:
                    run = executor.build_per_event_executor(event)
                    run.context_value = Context(self.node, self.info, pace, _nothing)
                    result = run.execute_operation(serially=False)
                    await self._tell(cast(ExecutionResult, await result if isinstance(result, Awaitable) else result))

    def _executor(self, params: Params) -> PacedExecutor:
        """What runs the document. Raises what every document is refused with."""
        inner = schema._schema  # noqa: SLF001
        document = documents.read(inner, params.query)
        if document.faults:
            raise ExceptionGroup("validate", document.faults)
        operation = _chosen(document, params.operation_name)
        check_variables(inner, operation, params.variables)
        values = get_variable_values(inner, operation.variable_definitions or (), params.variables)
        if isinstance(values, list):
            raise ExceptionGroup("variables", values)
        check_cost(operation, document.costs, values)
        roots = root_fields(operation, document.fragments, values)
        if len(roots) != 1:
            raise invalid_at("query", "A subscription has one field at its root, and does not leave it out.")
        ((self.response_name, self.field_name),) = roots.items()
        with self.turns.document() as pace:
            context = Context(self.node, self.info, pace, _nothing, look=self.look)
        name = None if operation.name is None else operation.name.value
        built = PacedExecutor.build(inner, document.ast, None, context, params.variables, name)
        if isinstance(built, list):
            raise ExceptionGroup("build", built)
        return cast(PacedExecutor, built)

    async def _tell(self, result: ExecutionResult) -> None:
        self.events += 1
        errors = {"errors": self._entries(result.errors)} if result.errors else {}
        await self.say("next", payload={"data": result.data, **errors})

    def _entries(self, errors: Sequence[GraphQLError]) -> list[dict[str, Any]]:
        failures = [(error, failure_of(error)) for error in errors]
        self.info.code = failures[0][1].code
        share = MAX_FIELDS_BYTES // len(failures)
        return [error_entry(error, failure, self.info.request_id, share) for error, failure in failures]

    def _log(self) -> None:
        info = self.info
        seconds = time.perf_counter() - info.began
        log.info(
            "subscription",
            route=PATH,
            operation=self.field_name,
            code=info.code,
            events=self.events,
            actor=name_of(info.actor),
            ms=round(seconds * 1000, 2),
        )


def _chosen(document: Document, name: str | None) -> OperationDefinitionNode:
    """The operation to run, which must be a subscription."""
    operations = document.operations
    if name is None and len(operations) > 1:
        raise invalid({"operationName": "Is required, for the document has several operations."})
    operation = next(iter(operations.values()), None) if name is None else operations.get(name)
    if operation is None:
        raise invalid({"operationName": "Names no operation of the document."})
    if operation.operation is not OperationType.SUBSCRIPTION:
        raise invalid_at("query", "Over WebSocket there are only subscriptions; queries and mutations take POST.")
    return operation


def _located(error: GraphQLError | AppError, name: str | None) -> GraphQLError:
    """What the root field was refused with is an error of that field."""
    if isinstance(error, GraphQLError):
        return error
    return GraphQLError(error.message, path=None if name is None else [name], original_error=error)


async def _nothing() -> Message:
    """What the client says beyond the protocol's messages is nobody's."""
    await asyncio.Event().wait()
    return {}
