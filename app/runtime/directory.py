"""Who may ask for which environment, in memory: an evaluation by a known caller costs no query.

It holds what `store.resolve` found for a tenant and an environment, by what that was called. A commit of this process
that may change any of it empties the directory, so that a removal or a change of role acts on the next request; what
another process changed (the command line's `users purge`, say) acts within a second.
"""

from collections.abc import Callable

from app.store.changeset import Commit
from app.store.resolve import Resolved
from app.store.tenancy import Tenant

TTL_SECONDS = 1.0
MAX_KEPT = 50_000


class Directory:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.generation = 0
        self._clock = clock
        self._known: dict[tuple[str, Tenant], tuple[Resolved, float]] = {}

    def find(self, called: str, tenant: Tenant) -> Resolved | None:
        """What is known and not older than a second."""
        resolved, until = self._known.get((called, tenant), (None, 0.0))
        return resolved if self._clock() < until else None

    def keep(self, called: str, tenant: Tenant, resolved: Resolved, generation: int) -> None:
        """`generation` is that from before it was read: what a commit may have changed since then is not kept."""
        if generation == self.generation:
            if len(self._known) >= MAX_KEPT:
                self._known.clear()
            self._known[called, tenant] = resolved, self._clock() + TTL_SECONDS

    def follow(self, commit: Commit) -> None:
        """Writes of states change nothing here. All else that is deleted or revised invalidates some id."""
        if commit.invalidated or commit.deleted_environment_ids:
            self.generation += 1
            self._known.clear()
