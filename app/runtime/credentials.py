"""Live credentials in memory, by the SHA-256 of their secret: a request costs no query once its caller is known."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

Live = TypeVar("Live")
MAX_KEPT = 50_000


class CredentialCache(Generic[Live]):
    """What `load` found, until a commit invalidates it, so that an end acts on the next request.

    `owners_of` gives the ids that a credential ends with: its own, its user's or its organisation's.
    """

    def __init__(
        self, load: Callable[[str], Awaitable[Live | None]], owners_of: Callable[[Live], Iterable[str]]
    ) -> None:
        self._load = load
        self._owners_of = owners_of
        self._live: dict[str, Live] = {}
        self._hashes: dict[str, set[str]] = {}  # by owner
        self._outdated = 0

    async def find(self, secret_hash: str) -> Live | None:
        """The credential, read where it is not known. One that is invalidated while it is read is read once more."""
        while (live := self._live.get(secret_hash)) is None:
            invalidated = self._outdated
            if (found := await self._load(secret_hash)) is None:
                return None
            if invalidated == self._outdated:
                return self._keep(secret_hash, found)
        return live

    def peek(self, secret_hash: str) -> Live | None:
        """The credential, if it is known."""
        return self._live.get(secret_hash)

    def invalidate(self, ids: Iterable[str]) -> None:
        """Forgets the credentials of these owners."""
        for one in ids:
            self._outdated += 1
            for secret_hash in self._hashes.pop(one, ()):
                self.forget(secret_hash)

    def forget(self, secret_hash: str) -> None:
        """Reads the credential again when it is asked for next."""
        if (live := self._live.pop(secret_hash, None)) is None:
            return
        for one in self._owners_of(live):
            if some := self._hashes.get(one):
                some.discard(secret_hash)
                if not some:
                    del self._hashes[one]

    def _keep(self, secret_hash: str, live: Live) -> Live:
        if len(self._live) >= MAX_KEPT:
            self.forget(next(iter(self._live)))
        self._live[secret_hash] = live
        for one in self._owners_of(live):
            self._hashes.setdefault(one, set()).add(secret_hash)
        return live
