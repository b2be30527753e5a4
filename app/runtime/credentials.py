"""API keys and sessions in memory, by the SHA-256 of their secret: a known caller costs no query.

A commit invalidates what it ended, so that an end acts on the next request. When each was last used is noted in memory
and saved once a minute.
"""

import math
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from app.access.known import may, sees_all
from app.domain.actors import API_KEY_ENDED, SESSION_ENDED, Actor, Member, Token
from app.domain.errors import AppError
from app.domain.ids import digest
from app.domain.operations import Operation
from app.domain.rate_limits import Bucket
from app.domain.token_secrets import is_well_formed
from app.engine.cidrs import Networks
from app.models import Session, User
from app.runtime.by_id import ById
from app.runtime.clock import Clock
from app.services import api_keys, sessions
from app.store import api_keys as stored_api_keys
from app.store import sessions as stored_sessions
from app.store.api_keys import ApiKeyWithLimit
from app.store.engines import Database
from app.store.engines.busy import refusing_if_busy
from app.store.resolve import Place
from app.store.unit_of_work import UnitOfWork

MAX_KEPT = 50_000
MAX_PLACES = 16  # for which a token keeps what the policy says of it
SESSION_TTL_SECONDS = 1.0  # what another process ended, the command line's say, ends here within a second
SLIDES_AFTER_SECONDS = timedelta(days=1).total_seconds()  # a session in use is prolonged a day at a time


class Credential(Protocol):
    @property
    def owner_ids(self) -> tuple[str, ...]:
        """The ids with which it ends: its own, and its user's or organisation's."""

    @property
    def expires_at(self) -> float:
        """As a POSIX time."""


Live = TypeVar("Live", bound=Credential)


class CredentialCache(Generic[Live]):
    """What `load` found for a secret, for `ttl` seconds or until it is invalidated. `on_use` saves uses."""

    def __init__(
        self,
        load: Callable[[str], Awaitable[Live | None]],
        clock: Clock,
        on_use: Callable[[UnitOfWork, Mapping[str, datetime]], Awaitable[None]],
        ttl: float = math.inf,
    ) -> None:
        self.ttl = ttl
        self._clock = clock
        self.uses: dict[str, float] = {}  # not saved yet
        self._load = load
        self._on_use = on_use
        self._live: dict[str, tuple[Live, float]] = {}  # by hash, with when it was read
        self._hashes = ById[str]()  # by owner
        self._invalidations = 0
        self.looked_up = self.read = 0

    async def find(self, secret: str) -> Live | None:
        """The credential of the secret; None for one that is mistyped, unknown, ended or expired."""
        secret_hash = digest(secret)
        if (live := self._known(secret_hash)) is None:
            self._forget(secret_hash)
            live = await self._read(secret, secret_hash)
        return live if live is not None and live.expires_at > self._clock.posix() else None

    def known(self, secret_hash: str) -> Live | None:
        """The credential of the secret with this digest, if it is in memory and live."""
        live = self._known(secret_hash)
        return live if live is not None and live.expires_at > self._clock.posix() else None

    def _known(self, secret_hash: str) -> Live | None:
        self.looked_up += 1
        live, read_at = self._live.get(secret_hash, (None, 0.0))
        if live is None or self.ttl == math.inf:
            return live
        return live if 0 <= self._clock.posix() - read_at <= self.ttl else None

    def invalidate(self, ids: Iterable[str]) -> None:
        """Forgets the credentials of these owners."""
        for one in ids:
            self._invalidations += 1
            for secret_hash in self._hashes.of(one):
                self._forget(secret_hash)

    def note_use(self, credential_id: str) -> None:
        self.uses[credential_id] = self._clock.posix()

    async def write_uses(self, unit: Callable[[], UnitOfWork]) -> None:
        """Saves the uses since the last time. Those that cannot be saved are kept for the next."""
        if not self.uses:
            return
        uses, self.uses = self.uses, {}
        try:
            async with unit() as uow:
                await self._on_use(uow, {one: datetime.fromtimestamp(at, UTC) for one, at in uses.items()})
        except BaseException:
            self.uses = uses | self.uses
            raise

    async def _read(self, secret: str, secret_hash: str) -> Live | None:
        """What is invalidated while it is read is read once more."""
        self.read += 1
        while True:
            read_at, invalidations = self._clock.posix(), self._invalidations
            if (live := await self._load(secret)) is None:
                return None
            if invalidations == self._invalidations:
                self._keep(secret_hash, live, read_at)
                return live

    def _keep(self, secret_hash: str, live: Live, read_at: float) -> None:
        if len(self._live) >= MAX_KEPT:
            self._forget(next(iter(self._live)))
        self._live[secret_hash] = live, read_at
        self._hashes.add(secret_hash, live.owner_ids)

    def _forget(self, secret_hash: str) -> None:
        if (kept := self._live.pop(secret_hash, None)) is None:
            return
        self._hashes.discard(secret_hash, kept[0].owner_ids)


@dataclass(frozen=True, slots=True)
class LiveApiKey:
    """What a request with an API key is held to. `networks` None: it may come from anywhere."""

    actor: Token
    expires_at: float
    networks: Networks | None
    buckets: tuple[Bucket, ...]
    sees_all: bool
    _allowed: dict[tuple[Operation, Place], bool] = field(default_factory=dict, repr=False, compare=False)

    def may(self, operation: Operation, place: Place) -> bool:
        """What the policy says of it, who asks for no key there: asked once, as neither of them ever changes."""
        known = self._allowed.get((operation, place))
        if known is None:
            if len(self._allowed) >= MAX_PLACES:
                self._allowed.clear()
            known = self._allowed[operation, place] = may(self.actor, operation, place)
        return known

    @property
    def owner_ids(self) -> tuple[str, ...]:
        return self.actor.token_id, self.actor.org_id


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A signed-in person. Times are POSIX."""

    member: Member
    expires_at: float
    last_seen_at: float

    @property
    def owner_ids(self) -> tuple[str, ...]:
        return self.member.session_id, self.member.user_id


def api_key_cache(database: Database, clock: Clock, max_rate: int) -> CredentialCache[LiveApiKey]:
    """By secret. `max_rate` is the operator's limit for an organisation."""

    async def load(secret: str) -> LiveApiKey | None:
        if not is_well_formed(secret):
            return None
        with refusing_if_busy():
            async with database.reading() as session:
                return _live_api_key(await stored_api_keys.by_secret(session, digest(secret)), max_rate)

    return CredentialCache(load, clock, api_keys.note_uses)


def api_keys_by_id(database: Database, clock: Clock, max_rate: int) -> CredentialCache[LiveApiKey]:
    """The same, for who has shown their secret before."""

    async def load(token_id: str) -> LiveApiKey | None:
        with refusing_if_busy():
            async with database.reading() as session:
                return _live_api_key(await stored_api_keys.by_id(session, token_id), max_rate)

    return CredentialCache(load, clock, api_keys.note_uses)


def session_cache(database: Database, clock: Clock) -> CredentialCache[LiveSession]:
    """By secret."""

    async def load(secret: str) -> LiveSession | None:
        with refusing_if_busy():
            async with database.reading() as session:
                return _live_session(await stored_sessions.live(session, digest(secret), clock.now()))

    return CredentialCache(load, clock, sessions.note_uses, SESSION_TTL_SECONDS)


def sessions_by_id(database: Database, clock: Clock) -> CredentialCache[LiveSession]:
    """The same, for who has shown their secret before."""

    async def load(session_id: str) -> LiveSession | None:
        with refusing_if_busy():
            async with database.reading() as session:
                return _live_session(await stored_sessions.live_by_id(session, session_id, clock.now()))

    return CredentialCache(load, clock, sessions.note_uses, SESSION_TTL_SECONDS)


def _live_api_key(found: ApiKeyWithLimit | None, max_rate: int) -> LiveApiKey | None:
    if found is None:
        return None
    row, org_limit, actor = found.row, min(found.org_limit, max_rate), api_keys.actor_of(found.row)
    return LiveApiKey(
        actor=actor,
        expires_at=math.inf if row.expires_at is None else row.expires_at.timestamp(),
        networks=api_keys.networks_of(row),
        buckets=(
            Bucket(actor.token_id, min(row.rate_limit_per_min, org_limit)),
            Bucket(actor.org_id, org_limit),
        ),
        sees_all=sees_all(actor),
    )


def _live_session(found: tuple[Session, User] | None) -> LiveSession | None:
    if found is None:
        return None
    row, user = found
    return LiveSession(sessions.member_of(row, user), row.expires_at.timestamp(), row.last_seen_at.timestamp())


class Callers:
    """Credentials by their id, for those who call on for long after they have shown their secret."""

    def __init__(self, database: Database, clock: Clock, max_rate: int) -> None:
        self.api_keys = api_keys_by_id(database, clock, max_rate)
        self.sessions = sessions_by_id(database, clock)

    async def again(self, actor: Actor) -> LiveApiKey | LiveSession:
        """The actor's credential as it is now. Raises `unauthorized` once it has ended."""
        if isinstance(actor, Token):
            return await self.find(actor.token_id, of_token=True)
        if isinstance(actor, Member):
            return await self.find(actor.session_id, of_token=False)
        raise TypeError("only who calls has a credential")

    async def find(self, credential_id: str, *, of_token: bool) -> LiveApiKey | LiveSession:
        """The token's or the session's. Raises `unauthorized` once it has ended."""
        cache: CredentialCache[Any] = self.api_keys if of_token else self.sessions
        live: LiveApiKey | LiveSession | None = await cache.find(credential_id)
        if live is None:
            raise AppError("unauthorized", API_KEY_ENDED if of_token else SESSION_ENDED)
        return live

    def invalidate(self, ids: Collection[str]) -> None:
        """Reads what ends with these ids anew."""
        self.api_keys.invalidate(ids)
        self.sessions.invalidate(ids)
