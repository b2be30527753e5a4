"""Who may ask for which environment, in memory: an evaluation by a known caller costs no query.

It holds what `store.resolve` found for a tenant and an environment, by what that was called. A commit of this process
that may change any of it empties the directory, so that a removal or a change of role acts on the next request. What
another process changes is people (the command line's `users purge`), and that acts within a second.
"""

import math
from collections.abc import Callable

from app.store.changeset import Commit
from app.store.resolve import Place, Resolved
from app.store.tenancy import Tenant

TTL_SECONDS = 1.0
MAX_KEPT = 50_000


class Directory:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.generation = 0
        self._clock = clock
        self._known: dict[tuple[str, Tenant], tuple[Resolved, float]] = {}
        self._places: dict[tuple[str, str], Place] = {}  # by what it is called, and the organisation that asks

    def find(self, called: str, tenant: Tenant) -> Resolved | None:
        """What is known; for people, not what is older than a second."""
        resolved, until = self._known.get((called, tenant), (None, 0.0))
        return resolved if self._clock() < until else None

    def place(self, called: str, org_id: str) -> Place | None:
        """The environment as tokens of the organisation may find it, if it is known."""
        return self._places.get((called, org_id))

    def keep(self, called: str, tenant: Tenant, resolved: Resolved, generation: int) -> None:
        """`generation` is that from before it was read: what a commit may have changed since then is not kept."""
        if generation == self.generation:
            if len(self._known) >= MAX_KEPT:
                self._clear()
            if tenant.org_id is None:
                self._known[called, tenant] = resolved, self._clock() + TTL_SECONDS
                return
            self._known[called, tenant] = resolved, math.inf
            if (place := resolved.place) is not None:
                self._places[called, tenant.org_id] = place

    def follow(self, commit: Commit) -> None:
        """Writes of states change nothing here. All else that is deleted or revised invalidates some id."""
        if commit.invalidated or commit.deleted_environment_ids:
            self.generation += 1
            self._clear()

    def _clear(self) -> None:
        self._known.clear()
        self._places.clear()
