"""Batched look-ups: however many fields of a document ask, the database is asked once.

But for environments that are called by name, or refused: each is looked up as REST does, because each may be refused in
its own way. They are as many as a document spells out, however many flags it reads.

A mutation may change what a later field of the same document reads, so nothing is kept.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Generic, Protocol, TypeVar

from app.access import batches
from app.access.batches import Abilities, ChildPage
from app.access.paging import Listing
from app.domain.errors import AppError, invalid, not_found
from app.domain.ids import is_id, lowered
from app.domain.operations import ResourceType
from app.engine.attributes import Attributes
from app.engine.kinds import Kind
from app.graphql.pace import Pace
from app.http.requests import RequestInfo
from app.models import Proposal, ProposalContent, State
from app.runtime.node import Node
from app.services import environments
from app.services.attributes import attributes_in
from app.services.evaluation import MAX_CONTEXTS
from app.services.past_states import states_at
from app.services.primitive_history import histories
from app.services.proposal_counts import open_in_projects
from app.services.proposals import ProposalView, kinds_tried, open_on, stored_contents, viewed
from app.services.spot_checks import Kept
from app.services.traffic_sample import SHOWN, kept_of
from app.services.traffic_sample import Kept as Sample
from app.services.usage import KeyUsage, lists_of_environments, usage_of, usage_options
from app.store.paging import Page, WholeList
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

MAX_BATCH = 1000
MAX_ROWS = 1_000  # of a batch: objects are made of them in one go
MAX_ENVIRONMENTS = 1_000  # that one field names
STATES_A_PRIMITIVE = 10  # states of a primitive, as a rule
IDS_AN_OBJECT = 10  # that are looked for in the time that it takes to make an object of the answer
ROWS_A_CONTENT = 50  # what a proposal's content takes, as rows
ROWS_A_USAGE = 10  # what the counts of a flag or config take, as rows
HANDED_OUT = 8  # in one turn

K = TypeVar("K")
T = TypeVar("T")


class Row(Protocol):
    id: str


R = TypeVar("R", bound=Row)
ById = Callable[[UnitOfWork, Collection[str]], Awaitable[list[R]]]
ByParent = Callable[[UnitOfWork, Collection[str], Listing], Awaitable[Mapping[str, Page[T]]]]


class Loader(Generic[K, T]):
    """Collects the keys that the fields of a document ask for, and looks each up once.

    What is found is handed out in turns: whoever waits for it goes on at once, and may be one of thousands. `identity`
    is what a key is known by, `rows` how many rows it can lead to.
    """

    def __init__(
        self,
        pace: Pace,
        look_up: Callable[[list[K]], Awaitable[Sequence[T | AppError]]],
        identity: Callable[[K], Hashable] = lambda key: key,
        rows: Callable[[K], int] = lambda _: 1,
    ) -> None:
        self._pace = pace
        self._look_up = look_up
        self._identity = identity
        self._rows = rows
        self._asked: dict[Hashable, tuple[K, list[asyncio.Future[T]]]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> Awaitable[T]:
        """What is found for the key, once all who ask in this round of the event loop have asked."""
        loop = asyncio.get_running_loop()
        if not self._asked:
            loop.call_soon(self._start)
        future = loop.create_future()
        self._asked.setdefault(self._identity(key), (key, []))[1].append(future)
        return future

    def _start(self) -> None:
        task = asyncio.get_running_loop().create_task(self._run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self) -> None:
        await self._pace.quiet()
        asked, self._asked = [*self._asked.values()], {}
        while asked:
            most = min(MAX_BATCH, MAX_ROWS // max(self._rows(key) for key, _ in asked[:MAX_BATCH]))
            batch, asked = asked[:most], asked[most:]
            found: Sequence[Any]
            try:
                self._pace.require()
                found = await self._look_up([key for key, _ in batch])
                self._pace.fetched(sum(map(_row_count, found)))
            except Exception as fault:  # noqa: BLE001 - whoever asked is told
                found = [fault] * len(batch)
            waiting = [(future, one) for (_, futures), one in zip(batch, found, strict=True) for future in futures]
            with self._pace.busy():
                for first in range(0, len(waiting), HANDED_OUT):
                    async with self._pace.turn():
                        for future, one in waiting[first : first + HANDED_OUT]:
                            if not future.done():
                                future.set_exception(one) if isinstance(one, Exception) else future.set_result(one)


def _row_count(found: Any) -> int:
    """How many rows were looked up."""
    if isinstance(found, Page):
        return len(found.rows)
    return len(found) if isinstance(found, list) else 1


class Loaders:
    """The loaders of one request. What the caller may not see loads as None."""

    def __init__(self, node: Node, request: RequestInfo, pace: Pace) -> None:
        self._node, self._request, self._pace = node, request, pace
        self.org = self._by_id(batches.orgs)
        self.project = self._by_id(batches.projects)
        self.environment = self._by_id(batches.environments)
        self.projects = self._below(batches.projects_of_orgs)
        self.environments = self._below(batches.environments_of_projects)
        self.identities = cache(lambda kinds: self._below(partial(batches.primitives_of_projects, kinds=kinds)))
        self.current = cache(lambda kinds: self._below(partial(batches.states_of_environments, kinds=kinds)))
        self.entries = cache(
            lambda dimension, version: self._below(
                partial(batches.entries_of_states, dimension=dimension, version=version)
            )
        )
        self.primitive = self._by_id(batches.primitives)
        self.proposals = cache(lambda parent: self._below(partial(batches.proposals_below, parent=parent)))
        self.audit = cache(lambda parent: self._below(partial(batches.audit_below, parent=parent)))
        self.history = self._below(histories)
        self.reviews = self._below(batches.reviews_of_proposals)
        self.proposal_views: Loader[Proposal, ProposalView] = Loader(
            pace, self._proposal_views, identity=lambda row: row.id
        )
        self.proposal_contents: Loader[Proposal, ProposalContent | None] = Loader(
            pace, self._proposal_contents, identity=lambda row: row.id, rows=lambda _: ROWS_A_CONTENT
        )
        self.kinds_tried: Loader[tuple[str, frozenset[str]], Mapping[tuple[str, str], Kind]] = Loader(
            pace, self._kinds_tried, rows=lambda _: ROWS_A_CONTENT
        )
        self.open_proposals: Loader[State, int] = Loader(pace, self._open_proposals, identity=lambda state: state.id)
        self.open_in_project: Loader[str, int] = Loader(pace, self._open_in_project)
        self.usage = self._below(lists_of_environments)
        self._usages_of_states: dict[Hashable, Loader[Current, KeyUsage]] = {}
        self.counts: Loader[WholeList, int] = Loader(pace, self._counts)
        self.states: Loader[str, list[Current]] = Loader(pace, self._states, rows=lambda _: STATES_A_PRIMITIVE)
        self.states_at = cache(self._loader_of_states_at)
        self.spot_checks: Loader[str, Kept | None] = Loader(pace, self._spot_checks, rows=lambda _: MAX_CONTEXTS)
        self.traffic_samples: Loader[str, Sample | None] = Loader(pace, self._traffic_samples, rows=lambda _: SHOWN)
        self.attributes: Loader[str, Attributes | None] = Loader(pace, self._attributes, rows=lambda _: SHOWN)
        self.environment_ids: Loader[str, str] = Loader(pace, self._environment_ids)
        self.abilities: Loader[tuple[ResourceType, str], Abilities] = Loader(pace, self._abilities)

    def _by_id(self, look_up: ById[R]) -> Loader[str, R | None]:
        async def load(ids: list[str]) -> list[R | None]:
            async with self._unit() as uow:
                found = {row.id: row for row in await look_up(uow, ids)}
            return [found.get(one) for one in ids]

        return Loader(self._pace, load)

    def _below(self, look_up: ByParent[T]) -> Loader[ChildPage, Page[T]]:
        async def load(asked: list[ChildPage]) -> list[Page[T] | AppError]:
            alike: dict[Hashable, list[ChildPage]] = defaultdict(list)
            for one in asked:
                alike[_alike(one)].append(one)
            async with self._unit() as uow:
                found = {identity: await _pages(uow, look_up, group) for identity, group in alike.items()}
            return [_page(found[_alike(one)], one) for one in asked]

        return Loader(
            self._pace,
            load,
            identity=lambda one: (one.parent_id, one.listing.identity),
            rows=lambda one: one.listing.page_size,
        )

    async def _counts(self, lists: list[WholeList]) -> list[int]:
        async with self._unit() as uow:
            return await batches.counts(uow, lists)

    async def _states(self, primitive_ids: list[str]) -> list[list[Current]]:
        states: dict[str, list[Current]] = defaultdict(list)
        async with self._unit() as uow:
            for current in await batches.states_of(uow, primitive_ids):
                states[current.primitive.id].append(current)
        return [states[one] for one in primitive_ids]

    def _loader_of_states_at(self, environment_id: str, version: int) -> Loader[Current, Current]:
        async def load(present: list[Current]) -> list[Current | AppError]:
            async with self._unit() as uow:
                return await states_at(uow, environment_id, version, present)

        return Loader(self._pace, load, identity=lambda current: current.primitive.id)

    def usage_of_states(self, asked: Listing) -> Loader[Current, KeyUsage]:
        """What loads how often the flag or config of a state is evaluated, with these options."""
        if (found := self._usages_of_states.get(asked.identity)) is None:

            async def load(present: list[Current]) -> list[KeyUsage]:
                async with self._unit() as uow:
                    return await usage_of(uow, present, usage_options(asked.parameters))

            found = Loader(self._pace, load, identity=lambda one: one.state.id, rows=lambda _: ROWS_A_USAGE)
            self._usages_of_states[asked.identity] = found
        return found

    async def _spot_checks(self, environment_ids: list[str]) -> list[Kept | None]:
        async with self._unit() as uow:
            found = await batches.spot_checks(uow, environment_ids)
        return [Kept(one, found[one]) if one in found else None for one in environment_ids]

    async def _traffic_samples(self, environment_ids: list[str]) -> list[Sample | None]:
        async with self._unit() as uow:
            found = kept_of(await batches.traffic_samples(uow, environment_ids))
        return [found.get(one) for one in environment_ids]

    async def _attributes(self, environment_ids: list[str]) -> list[Attributes | None]:
        async with self._unit() as uow:
            seen = [one.id for one in await batches.environments(uow, environment_ids)]
            found = await attributes_in(uow, seen)
        return [found.get(one) for one in environment_ids]

    async def _proposal_views(self, rows: list[Proposal]) -> list[ProposalView]:
        async with self._unit() as uow:
            return await viewed(uow, rows)

    async def _proposal_contents(self, rows: list[Proposal]) -> list[ProposalContent | None]:
        async with self._unit() as uow:
            found = await stored_contents(uow, rows)
        return [found.get(one.id) for one in rows]

    async def _kinds_tried(self, tried: list[tuple[str, frozenset[str]]]) -> list[Mapping[tuple[str, str], Kind]]:
        async with self._unit() as uow:
            return [await kinds_tried(uow, tried)] * len(tried)

    async def _open_proposals(self, states: list[State]) -> list[int]:
        async with self._unit() as uow:
            return await open_on(uow, states)

    async def _open_in_project(self, ids: list[str]) -> list[int]:
        async with self._unit() as uow:
            found = await open_in_projects(uow, ids)
        return [found[one] for one in ids]

    async def states_in(self, primitive_id: str, environments: Collection[str]) -> list[Current]:
        """The primitive's state in each of the environments that are called so. Raises `not_found`."""
        if len(environments) > MAX_ENVIRONMENTS:
            raise invalid({"environmentIds": f"Must have at most {MAX_ENVIRONMENTS} entries."})
        self._pace.made(len(environments) // IDS_AN_OBJECT)
        called = list(dict.fromkeys(map(lowered, environments)))
        names = [one for one in called if not is_id(one)]
        ids = dict(zip(names, await asyncio.gather(*map(self.environment_ids.load, names)), strict=True))
        states = {current.state.environment_id: current for current in await self.states.load(primitive_id)}
        for one in called:
            if ids.get(one, one) not in states:
                await self.environment_ids.load(one)
                raise not_found("environment")
        return [states[ids.get(one, one)] for one in called]

    async def _environment_ids(self, called: list[str]) -> list[str | AppError]:
        """The id of what is called by id or name, or what REST would refuse it with."""
        async with self._unit() as uow:
            return [await _environment_id(uow, one) for one in called]

    async def _abilities(self, keys: list[tuple[ResourceType, str]]) -> list[Abilities]:
        found: dict[tuple[ResourceType, str], Abilities] = {}
        async with self._unit() as uow:
            for resource in dict.fromkeys(resource for resource, _ in keys):
                able = await batches.abilities(uow, resource, {one for other, one in keys if other is resource})
                found |= {(resource, one): abilities for one, abilities in able.items()}
        return [found.get(key, {}) for key in keys]

    def _unit(self) -> UnitOfWork:
        return self._node.unit(self._request.request_id, self._request.actor)


async def _environment_id(uow: UnitOfWork, called: str) -> str | AppError:
    try:
        return (await environments.get_environment(uow, called)).id
    except AppError as refused:
        return refused


def _alike(asked: ChildPage) -> Hashable:
    """Equal for parts that are asked for at once. A cursor is good for the list below one parent only."""
    return asked.listing.identity, asked.parent_id if asked.listing.continues else None


async def _pages(uow: UnitOfWork, look_up: ByParent[T], group: list[ChildPage]) -> Mapping[str, Page[T]] | AppError:
    """The pages of parents whose lists are asked for alike; a refusal of one parent does not affect the others."""
    try:
        return await look_up(uow, [one.parent_id for one in group], group[0].listing)
    except AppError as refused:
        return refused


def _page(found: Mapping[str, Page[T]] | AppError, asked: ChildPage) -> Page[T] | AppError:
    return found if isinstance(found, AppError) else found.get(asked.parent_id) or not_found("list")
