"""Finds what a path leads to by its segments, however many paths there are."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from starlette.types import Receive, Scope, Send

from app.http.base_path import path_of
from app.http.not_found import NotFound

T = TypeVar("T")


class Paths(Generic[T]):
    """Paths with parameters (`/orgs/{slug}`), each a segment. What a segment is called comes before any parameter."""

    def __init__(self, paths: Mapping[str, T]) -> None:
        self._root: _Step[T] = _Step()
        for path, led_to in paths.items():
            step, names = self._root, list[str]()
            for segment in path.split("/"):
                if segment.startswith("{"):
                    names.append(segment[1:-1])
                    step.other = step = step.other or _Step()
                else:
                    step = step.called.setdefault(segment, _Step())
            step.end = led_to, names

    def find(self, path: str) -> tuple[T, dict[str, str]] | None:
        """What the path leads to, with its parameters."""
        given: list[str] = []
        if (end := _walk(self._root, path.split("/"), 0, given)) is None:
            return None
        led_to, names = end
        return led_to, dict(zip(names, given, strict=True))


class _Step(Generic[T]):
    """Where some segments of paths lead."""

    __slots__ = ("called", "end", "other")

    def __init__(self) -> None:
        self.called: dict[str, _Step[T]] = {}
        self.other: _Step[T] | None = None
        self.end: tuple[T, list[str]] | None = None


def _walk(step: _Step[T], segments: Sequence[str], at: int, given: list[str]) -> tuple[T, list[str]] | None:
    """The end of the path from there on; what is in the place of parameters is added to `given`."""
    if at == len(segments):
        return step.end
    segment = segments[at]
    if (called := step.called.get(segment)) is not None and (end := _walk(called, segments, at + 1, given)) is not None:
        return end
    if step.other is None or not segment:
        return None
    given.append(segment)
    if (end := _walk(step.other, segments, at + 1, given)) is None:
        given.pop()
    return end


class Router:
    """The ASGI app that hands each request to the one of its path."""

    def __init__(self, apps: Mapping[str, Any]) -> None:
        self._paths = Paths(apps)
        self._not_found = NotFound(lambda path: self._paths.find(path) is not None, pages=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._paths.find(path_of(scope)) if scope["type"] == "http" else None
        if found is None:
            await self._not_found(scope, receive, send)
            return
        app, scope["path_params"] = found
        await app(scope, receive, send)
