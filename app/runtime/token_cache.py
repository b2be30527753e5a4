"""Who calls with a bearer token, from memory."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.actors import Token
from app.domain.ids import digest
from app.domain.token_secrets import is_well_formed
from app.engine.cidrs import Networks
from app.runtime.credentials import CredentialCache
from app.services import api_keys
from app.store.api_keys import by_secret
from app.store.engines import Database
from app.store.engines.busy import refusing_if_busy


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
        self._known = CredentialCache(self._load, lambda live: (live.actor.token_id, live.actor.org_id))

    async def find(self, secret: str) -> LiveToken | None:
        """The token of the secret; None for one that is mistyped, unknown, revoked or expired."""
        secret_hash = digest(secret)
        live = self._known.peek(secret_hash)
        if live is None and is_well_formed(secret):
            live = await self._known.find(secret_hash)
        if live is None or (live.expires_at is not None and live.expires_at <= time.time()):
            return None
        return live

    def invalidate(self, ids: Iterable[str]) -> None:
        """Forgets tokens, and all tokens of organisations."""
        self._known.invalidate(ids)

    async def _load(self, secret_hash: str) -> LiveToken | None:
        with refusing_if_busy():
            async with self._database.reading() as session:
                found = await by_secret(session, secret_hash)
        if found is None:
            return None
        row, org_limit = found.row, min(found.org_limit, self._max_rate)
        return LiveToken(
            actor=api_keys.actor_of(row),
            expires_at=None if row.expires_at is None else row.expires_at.timestamp(),
            networks=api_keys.networks_of(row),
            limit=min(row.rate_limit_per_min, org_limit),
            org_limit=org_limit,
        )
