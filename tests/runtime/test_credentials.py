"""Credentials in memory: read once, until they are invalidated or trusted no longer; and no use of them is lost."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.domain.actors import EnvironmentScope, Person, ResourcePattern, Token, Verb
from app.domain.ids import new_request_id
from app.domain.operations import Operation
from app.main import open_node
from app.runtime.credentials import MAX_PLACES, CredentialCache, LiveApiKey
from app.settings import Settings
from app.store.resolve import Place
from app.store.unit_of_work import UnitOfWork
from tests.clock import SetClock

ADA, BOB = datetime.fromtimestamp(1, UTC), datetime.fromtimestamp(2, UTC)


@dataclass(frozen=True)
class Key:
    name: str
    owner_ids: tuple[str, ...] = ("o",)
    expires_at: float = math.inf


@dataclass
class Store:
    """What is known, and how often it was read."""

    keys: dict[str, Key] = field(default_factory=dict)
    reads: Counter[str] = field(default_factory=Counter)
    written: list[Mapping[str, datetime]] = field(default_factory=list)
    clock: SetClock = field(default_factory=SetClock)

    def __post_init__(self) -> None:
        self.set_time(1)

    def set_time(self, seconds: float) -> None:
        self.clock.stopped_at = datetime.fromtimestamp(seconds, UTC)

    async def load(self, secret: str) -> Key | None:
        self.reads[secret] += 1
        found = self.keys.get(secret)
        await asyncio.sleep(0)
        return found

    async def write(self, _: UnitOfWork, uses: Mapping[str, datetime]) -> None:
        self.written.append(uses)

    def cache(self, ttl: float = math.inf) -> CredentialCache[Key]:
        return CredentialCache(self.load, self.clock, self.write, ttl)


async def test_a_known_secret_is_read_once_and_an_unknown_one_each_time() -> None:
    store = Store({"a": Key("ada")})
    cache = store.cache()
    assert [await cache.find(secret) for secret in ("a", "b", "a", "b")] == [Key("ada"), None, Key("ada"), None]
    assert store.reads == {"a": 1, "b": 2}


async def test_what_is_invalidated_is_read_again_and_nothing_else() -> None:
    store = Store({"a": Key("ada", ("a", "o")), "b": Key("bob", ("b", "o"))})
    cache = store.cache()
    for owner, reads in (("a", {"a": 2, "b": 1}), ("o", {"a": 3, "b": 2}), ("x", {"a": 3, "b": 2})):
        for secret in ("a", "b"):
            await cache.find(secret)
        cache.invalidate([owner])
        for secret in ("a", "b"):
            await cache.find(secret)
        assert store.reads == reads


async def test_what_is_invalidated_while_it_is_read_is_not_believed() -> None:
    store = Store({"a": Key("ada")})
    cache = store.cache()
    finding = asyncio.create_task(cache.find("a"))
    while not store.reads:
        await asyncio.sleep(0)
    del store.keys["a"]
    cache.invalidate(["o"])
    assert await finding is None


async def test_what_is_trusted_for_a_while_is_read_again_after_it_and_when_the_clock_was_set_back() -> None:
    store = Store({"a": Key("ada")})
    cache = store.cache(ttl=10)
    reads = []
    for seconds in (1, 11, 12, 0):
        store.set_time(seconds)
        assert await cache.find("a") == Key("ada")
        reads.append(store.reads["a"])
    assert reads == [1, 1, 2, 3]


async def test_what_expires_ends_without_being_read_again() -> None:
    store = Store({"a": Key("ada", expires_at=5)})
    cache = store.cache()
    found = []
    for seconds in (4.9, 5, 6):
        store.set_time(seconds)
        found.append(await cache.find("a"))
    assert (found, store.reads["a"]) == ([Key("ada", expires_at=5), None, None], 1)


async def test_a_use_that_could_not_be_written_is_written_with_the_next(tmp_path: Path) -> None:
    node = await open_node(Settings(data_dir=tmp_path))
    store = Store()
    cache = store.cache()

    def broken() -> UnitOfWork:
        raise OSError

    cache.note_use("ada")
    cache.note_use("bob")
    with pytest.raises(OSError):  # noqa: PT011
        await cache.write_uses(broken)
    store.set_time(2)
    cache.note_use("bob")
    for _ in range(2):
        await cache.write_uses(lambda: node.unit(new_request_id()))
    assert store.written == [{"ada": ADA, "bob": BOB}]
    await node.close()


def test_a_token_keeps_what_it_may_in_a_few_places_and_is_told_right_of_all() -> None:
    scope = EnvironmentScope(environments=frozenset({"e1"}))
    everything = (ResourcePattern.parse("*"),)
    actor = Token("t1", "ci", "o1", frozenset({Verb.EVALUATE}), scope, everything, False, Person("u1", "Ada"))
    kept: dict[tuple[Operation, Place], bool] = {}
    token = LiveApiKey(actor, math.inf, None, (), True, kept)
    for _ in range(2):
        for number in range(3 * MAX_PLACES):
            place = Place(None, "p1", f"e{number}", protected=False)
            assert token.may(Operation.EVALUATE, place) is (number == 1)
            assert len(kept) <= MAX_PLACES
