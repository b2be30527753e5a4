"""Batched look-ups: however many fields of a document ask, the database is asked once."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from strawberry.dataloader import DataLoader

from app.graphql.environments import Environment
from app.graphql.flags import FlagState
from app.graphql.orgs import Org
from app.graphql.projects import Project
from app.middleware.requests import RequestInfo
from app.services import lookups
from app.serving.node import Node
from app.store.unit_of_work import UnitOfWork


class RequestLoaders:
    """The loaders of one request. What the caller may not see loads as None."""

    def __init__(self, node: Node, request: RequestInfo) -> None:
        self._node = node
        self._request = request
        self.org = self._by_id(lookups.orgs, Org.of)
        self.project = self._by_id(lookups.projects, Project.of)
        self.environment = self._by_id(lookups.environments, Environment.of)
        self.states: DataLoader[str, Any] = DataLoader(self._states, cache=False)

    def _by_id(
        self, look_up: Callable[[UnitOfWork, list[str]], Awaitable[list[Any]]], make: Callable[[Any], Any]
    ) -> DataLoader[str, Any]:
        async def load(ids: list[str]) -> list[Any]:
            async with self._unit() as uow:
                found = {row.id: make(row) for row in await look_up(uow, ids)}
            return [found.get(one) for one in ids]

        # A mutation may change what a later field of the same document reads, so nothing is kept.
        return DataLoader(load, cache=False)

    async def _states(self, primitive_ids: list[str]) -> list[list[FlagState]]:
        states: dict[str, list[FlagState]] = defaultdict(list)
        async with self._unit() as uow:
            for current in await lookups.states_of(uow, primitive_ids):
                states[current.primitive.id].append(FlagState.of(current))
        return [states[one] for one in primitive_ids]

    def _unit(self) -> UnitOfWork:
        return self._node.unit(self._request.request_id, self._request.actor)
