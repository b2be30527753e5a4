"""Who calls with a session cookie, from memory."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from app.domain.actors import Member
from app.domain.ids import digest
from app.models import now
from app.runtime.credentials import CredentialCache
from app.store import sessions
from app.store.engines import Database
from app.store.engines.busy import refusing_if_busy

TRUSTED_FOR_SECONDS = 1.0
SLIDES_AFTER = timedelta(days=1).total_seconds()


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A signed-in person. Times are POSIX; `read_at` is the process's own clock."""

    member: Member
    expires_at: float
    last_seen_at: float
    read_at: float

    @property
    def slides(self) -> bool:
        """Whether its end is to move on, as it does a day at a time while it is in use."""
        return time.time() - self.last_seen_at > SLIDES_AFTER


class SessionCache:
    """The sessions that this node has seen. What another process ended (the command line's, say) ends in a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = CredentialCache(self._load, lambda live: (live.member.session_id, live.member.user_id))

    async def find(self, secret: str) -> LiveSession | None:
        """The session of the cookie's secret; None for one that is unknown, ended or expired."""
        secret_hash = digest(secret)
        known = self._known.peek(secret_hash)
        if known is not None and time.monotonic() - known.read_at > TRUSTED_FOR_SECONDS:
            self._known.forget(secret_hash)
        live = await self._known.find(secret_hash)
        return live if live is not None and live.expires_at > time.time() else None

    def invalidate(self, ids: Iterable[str]) -> None:
        """Forgets sessions, and all sessions of users."""
        self._known.invalidate(ids)

    async def _load(self, secret_hash: str) -> LiveSession | None:
        read_at = time.monotonic()
        with refusing_if_busy():
            async with self._database.reading() as session:
                found = await sessions.live(session, secret_hash, now())
        if found is None:
            return None
        row, user = found
        return LiveSession(
            Member(user.id, user.display_name, row.id),
            row.expires_at.timestamp(),
            row.last_seen_at.timestamp(),
            read_at,
        )
