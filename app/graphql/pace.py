"""How documents are run: what they cost is counted while they run, and long lists let others run in between."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Generic, TypeVar, cast

from graphql import GraphQLObjectType, GraphQLOutputType, get_named_type, is_leaf_type, is_non_null_type
from graphql.pyutils import gather_with_cancel
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.domain.errors import AppError, invalid
from app.graphql import limits

R = TypeVar("R")
T = TypeVar("T")
TOO_MANY_OBJECTS = {
    "query": f"The response has more than {limits.MAX_RESPONSE:,} objects, so the rest is null. Ask for smaller parts."
}
SHORT = 10  # members of a list that is completed at once
TURN_SECONDS = 0.003
ROUNDS = 3  # until what is within an object of a list has asked too, where that has several fields to wait for
LONG = 2_000  # objects, after which a document waits for others that are as long


class Turns:
    """One piece of a document is run at a time, each in a round of the event loop of its own.

    Of the documents with long answers one goes on until it is done, so that two do not take the memory of two.
    """

    def __init__(self) -> None:
        self._pieces = asyncio.Lock()
        self._long = asyncio.Lock()

    @contextmanager
    def document(self) -> Iterator["Pace"]:
        """The pace of a document, for as long as it runs."""
        pace = Pace(self._pieces, self._long)
        try:
            yield pace
        finally:
            if pace.alone:
                self._long.release()


class Pace:
    """What one document has cost so far, and its turns."""

    def __init__(self, pieces: asyncio.Lock, long: asyncio.Lock) -> None:
        self._pieces = pieces
        self._long = long
        self.alone = False
        self._turns = asyncio.Lock()
        self._made = self._fetched = self._busy = 0
        self.said = False
        self._quiet = asyncio.Event()
        self._quiet.set()

    def made(self, cost: int) -> None:
        """Counts a part of the answer. Raises `invalid_request` once it is too much."""
        self._made += cost
        self.require()

    def fetched(self, rows: int) -> None:
        """Counts what was looked up for the answer. Raises `invalid_request` once it is too much."""
        self._fetched += rows
        self.require()

    def require(self) -> None:
        """Raises `invalid_request` where it has been too much."""
        if max(self._made, self._fetched) > limits.MAX_RESPONSE:
            raise invalid(TOO_MANY_OBJECTS)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Around a piece of the document's work, between rounds of the event loop.

        A document waits once for all of its pieces, so that other documents come in between.
        """
        async with self._turns:
            if self._made > LONG and not self.alone:
                await self._long.acquire()
                self.alone = True
            async with self._pieces:
                yield
                await asyncio.sleep(0)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Around work in several turns, each of which may lead to something that is to be looked up."""
        self._busy += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._quiet.set()

    async def quiet(self) -> None:
        """Waits until nobody is busy, so that what many look up is looked up at once."""
        while True:
            await self._quiet.wait()
            for _ in range(ROUNDS):  # in which those who go on after the last turn may ask
                await asyncio.sleep(0)
            if self._quiet.is_set():
                return


def lazily(rows: Sequence[R], make: Callable[[R], T]) -> list[T]:
    """What `make` gives for each row, made when it is looked at."""
    return cast("list[T]", _Lazily(rows, make))


class _Lazily(Sequence[T], Generic[R, T]):
    def __init__(self, rows: Sequence[R], make: Callable[[R], T]) -> None:
        self._rows = rows
        self._make = make

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self._make(self._rows[index])


class PacedExecutor(StrawberryGraphQLCoreExecutionContext):
    """Counts each object of the answer as it is made, and makes the members of long lists in turns."""

    def complete_object_value(self, return_type: GraphQLObjectType, *rest: Any) -> Any:
        if not return_type.name.startswith("__"):  # the schema's own description is as long as it is
            self.context_value.pace.made(1)
        return super().complete_object_value(return_type, *rest)

    def handle_field_error(
        self, raw_error: Exception, return_type: GraphQLOutputType, field_details_list: Any, path: Any
    ) -> None:
        """That the response is too large is said once, not for each of the thousands of fields that it leaves out."""
        if not isinstance(raw_error, AppError) or raw_error.fields != TOO_MANY_OBJECTS:
            super().handle_field_error(raw_error, return_type, field_details_list, path)
        elif is_non_null_type(return_type):
            try:
                raise raw_error
            finally:
                del raw_error  # which would refer to this frame, and the frame to it
        elif not self.context_value.pace.said:
            self.context_value.pace.said = True
            super().handle_field_error(raw_error, return_type, field_details_list, path)

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Iterable[Any],
        position_context: Any,
    ) -> Any:
        if isinstance(items, Sequence) and len(items) > SHORT and not is_leaf_type(get_named_type(item_type)):
            return self._in_turns(item_type, field_details_list, info, path, items, position_context)
        return super().complete_iterable_value(item_type, field_details_list, info, path, items, position_context)

    async def _in_turns(
        self,
        item_type: GraphQLOutputType,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Sequence[Any],
        position_context: Any,
    ) -> list[Any]:
        completed: list[Any] = []
        awaited: list[int] = []
        try:
            with self.context_value.pace.busy():
                while len(completed) < len(items):
                    async with self.context_value.pace.turn():
                        until = time.perf_counter() + TURN_SECONDS
                        while len(completed) < len(items) and time.perf_counter() < until:
                            index = len(completed)
                            if self.complete_list_item_value(
                                items[index],
                                completed,
                                item_type,
                                field_details_list,
                                info,
                                path.add_key(index, None),
                                position_context,
                            ):
                                awaited.append(index)
        except Exception:
            self.settle_in_background([completed[index] for index in awaited])
            raise
        for index, value in zip(awaited, await gather_with_cancel(*(completed[one] for one in awaited)), strict=True):
            completed[index] = value
        return completed
