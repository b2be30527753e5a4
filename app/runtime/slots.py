"""How much that takes long may run at once for one actor."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.actors import Actor, Anonymous
from app.domain.errors import AppError


class Slots:
    """So many for each actor. Nobody waits for one: whoever has all of them is refused, with the message."""

    def __init__(self, most: int, message: str) -> None:
        self._most = most
        self._message = message
        self._taken = Counter[str]()

    def __len__(self) -> int:
        """How many are taken."""
        return self._taken.total()

    @contextmanager
    def one(self, actor: Actor) -> Iterator[None]:
        """One of the actor's, while it is needed. Raises what `take` does."""
        own = self.take(actor)
        try:
            yield
        finally:
            self.give_back(own)

    def take(self, actor: Actor) -> str:
        """One of the actor's, until it is given back by the name that it has here.

        Raises `rate_limited`; callers without credentials have none.
        """
        if isinstance(actor, Anonymous):
            raise AppError("unauthorized", actor.reason)
        own = str(actor.as_json()["id"])
        if self._taken[own] >= self._most:
            raise AppError("rate_limited", self._message, headers={"Retry-After": "1"})
        self._taken[own] += 1
        return own

    def give_back(self, own: str) -> None:
        self._taken[own] -= 1
        if not self._taken[own]:
            del self._taken[own]
