"""Live tokens in memory, by the SHA-256 of their secret: a bearer request costs no query once its token is known.

A token is read again after whatever commit outdates it, so that a revocation acts on the next request.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.actors import Token
from app.domain.cidrs import Networks
from app.domain.ids import digest
from app.domain.token_secrets import is_well_formed
from app.models import ApiKey
from app.services import tokens
from app.store.engines import Database, refusing_if_busy
from app.store.tokens import by_secret

MAX_TOKENS = 50_000


@dataclass(frozen=True, slots=True)
class LiveToken:
    """What a request is held to. `expires_at` is a POSIX time; `networks` None: from anywhere."""

    actor: Token
    expires_at: float | None
    networks: Networks | None
    limit: int
    org_limit: int


class TokenCache:
    """The tokens that this node has seen. `max_rate` is the operator's limit for an organisation."""

    def __init__(self, database: Database, max_rate: int) -> None:
        self._database = database
        self._max_rate = max_rate
        self._live: dict[str, LiveToken] = {}
        self._hashes: dict[str, set[str]] = {}  # by token and by organisation
        self._outdated = 0

    async def find(self, secret: str) -> LiveToken | None:
        """The token of the secret; None for one that is mistyped, unknown, revoked or expired."""
        secret_hash = digest(secret)
        live = self._live.get(secret_hash)
        if live is None and is_well_formed(secret):
            live = await self._load(secret_hash)
        if live is None or (live.expires_at is not None and live.expires_at <= time.time()):
            return None
        return live

    def outdate(self, ids: Sequence[str]) -> None:
        """Forgets tokens, and all tokens of organisations. One that is being read now is read once more."""
        self._outdated += len(ids)
        for secret_hash in {one for some in ids for one in self._hashes.pop(some, ())}:
            self._forget(secret_hash)

    async def _load(self, secret_hash: str) -> LiveToken | None:
        while True:
            outdated = self._outdated
            with refusing_if_busy():
                async with self._database.reading() as session:
                    found = await by_secret(session, secret_hash)
            if found is None:
                return None
            if outdated == self._outdated:
                return self._keep(secret_hash, self._made(found.row, found.org_limit))

    def _made(self, row: ApiKey, org_limit: int) -> LiveToken:
        org_limit = min(org_limit, self._max_rate)
        return LiveToken(
            actor=tokens.actor_of(row),
            expires_at=None if row.expires_at is None else row.expires_at.timestamp(),
            networks=tokens.networks_of(row),
            limit=min(row.rate_limit_per_min, org_limit),
            org_limit=org_limit,
        )

    def _keep(self, secret_hash: str, live: LiveToken) -> LiveToken:
        if len(self._live) >= MAX_TOKENS:
            self._forget(next(iter(self._live)))
        self._live[secret_hash] = live
        for one in (live.actor.token_id, live.actor.org_id):
            self._hashes.setdefault(one, set()).add(secret_hash)
        return live

    def _forget(self, secret_hash: str) -> None:
        if (live := self._live.pop(secret_hash, None)) is None:
            return
        for one in (live.actor.token_id, live.actor.org_id):
            if some := self._hashes.get(one):
                some.discard(secret_hash)
                if not some:
                    del self._hashes[one]
