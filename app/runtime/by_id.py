"""What is concerned when something happens to an id: an organisation, a person, a token, an environment."""

from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class ById(Generic[T]):
    """Each is kept under all of its ids, and nothing under an id of which there is none."""

    def __init__(self) -> None:
        self._by_id: dict[str, set[T]] = {}

    def __contains__(self, one_id: str) -> bool:
        return one_id in self._by_id

    def add(self, one: T, ids: Iterable[str]) -> None:
        for of in ids:
            self._by_id.setdefault(of, set()).add(one)

    def discard(self, one: T, ids: Iterable[str]) -> None:
        """`ids` are those that it was added with."""
        for of in ids:
            if (found := self._by_id.get(of)) is not None:
                found.discard(one)
                if not found:
                    del self._by_id[of]

    def of(self, *ids: str) -> set[T]:
        """All that one of the ids concerns."""
        return set().union(*(self._by_id.get(one, ()) for one in ids))

    def all(self) -> set[T]:
        return set().union(*self._by_id.values())
