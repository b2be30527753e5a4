"""Batched look-ups: however many fields of a document ask, the database is asked once.

A mutation may change what a later field of the same document reads, so nothing is kept.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from strawberry.dataloader import DataLoader

from app.access import batches
from app.access.batches import ChildPage
from app.access.paging import Listing
from app.domain.errors import AppError, not_found
from app.domain.policy import Operation, ResourceType
from app.engine.kinds import Kind
from app.http.requests import RequestInfo
from app.runtime.node import Node
from app.services import environments
from app.store.paging import Page, WholeList
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

MAX_BATCH = 1000

K = TypeVar("K")
T = TypeVar("T")


class Row(Protocol):
    id: str


R = TypeVar("R", bound=Row)
ById = Callable[[UnitOfWork, Collection[str]], Awaitable[list[R]]]
ByParent = Callable[[UnitOfWork, Collection[str], Listing], Awaitable[Mapping[str, Page[T]]]]


class Loaders:
    """The loaders of one request. What the caller may not see loads as None."""

    def __init__(self, node: Node, request: RequestInfo) -> None:
        self._node = node
        self._request = request
        self.org = self._by_id(batches.orgs)
        self.project = self._by_id(batches.projects)
        self.environment = self._by_id(batches.environments)
        self.projects = self._below(batches.projects_of_orgs)
        self.environments = self._below(batches.environments_of_projects)
        self.flags = self._below(partial(batches.primitives_of_projects, kind=Kind.FLAG))
        self.flag_states = self._below(partial(batches.states_of_environments, kind=Kind.FLAG))
        self.counts: DataLoader[WholeList, int] = _loader(self._counts)
        self.states: DataLoader[str, list[Current]] = _loader(self._states)
        self.environment_ids: DataLoader[str, str] = _loader(self._environment_ids)
        self.abilities: DataLoader[tuple[ResourceType, str], list[Operation]] = _loader(self._abilities)

    def _by_id(self, look_up: ById[R]) -> DataLoader[str, R | None]:
        async def load(ids: list[str]) -> list[R | None]:
            async with self._unit() as uow:
                found = {row.id: row for row in await look_up(uow, ids)}
            return [found.get(one) for one in ids]

        return _loader(load)

    def _below(self, look_up: ByParent[T]) -> DataLoader[ChildPage, Page[T]]:
        async def load(asked: list[ChildPage]) -> list[Page[T] | AppError]:
            alike: dict[Hashable, list[ChildPage]] = defaultdict(list)
            for one in asked:
                alike[one.listing.identity].append(one)
            async with self._unit() as uow:
                found = {identity: await _pages(uow, look_up, group) for identity, group in alike.items()}
            return [_page(found[one.listing.identity], one) for one in asked]

        return _loader(load)

    async def _counts(self, lists: list[WholeList]) -> list[int]:
        async with self._unit() as uow:
            return await batches.counts(uow, lists)

    async def _states(self, primitive_ids: list[str]) -> list[list[Current]]:
        states: dict[str, list[Current]] = defaultdict(list)
        async with self._unit() as uow:
            for current in await batches.states_of(uow, primitive_ids):
                states[current.primitive.id].append(current)
        return [states[one] for one in primitive_ids]

    async def _environment_ids(self, called: list[str]) -> list[str | AppError]:
        """The id of what is called by id or name, or what REST would refuse it with."""
        async with self._unit() as uow:
            found = {one: await _environment_id(uow, one) for one in dict.fromkeys(called)}
        return [found[one] for one in called]

    async def _abilities(self, keys: list[tuple[ResourceType, str]]) -> list[list[Operation]]:
        found: dict[tuple[ResourceType, str], list[Operation]] = {}
        async with self._unit() as uow:
            for resource in dict.fromkeys(resource for resource, _ in keys):
                able = await batches.abilities(uow, resource, {one for other, one in keys if other is resource})
                found |= {(resource, one): operations for one, operations in able.items()}
        return [found.get(key, []) for key in keys]

    def _unit(self) -> UnitOfWork:
        return self._node.unit(self._request.request_id, self._request.actor)


def _loader(load: Callable[[list[K]], Awaitable[Any]]) -> DataLoader[K, Any]:
    return DataLoader(load, max_batch_size=MAX_BATCH, cache=False)


async def _environment_id(uow: UnitOfWork, called: str) -> str | AppError:
    try:
        return (await environments.get_environment(uow, called)).id
    except AppError as refused:
        return refused


async def _pages(uow: UnitOfWork, look_up: ByParent[T], group: list[ChildPage]) -> Mapping[str, Page[T]] | AppError:
    """The pages of parents whose lists are asked for alike; a refusal of one parent does not affect the others."""
    try:
        return await look_up(uow, [one.parent_id for one in group], group[0].listing)
    except AppError as refused:
        return refused


def _page(found: Mapping[str, Page[T]] | AppError, asked: ChildPage) -> Page[T] | AppError:
    return found if isinstance(found, AppError) else found.get(asked.parent_id) or not_found("list")
