"""The methods that a path takes, told in the same way everywhere."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from starlette.responses import Response

from app.domain.errors import AppError

T = TypeVar("T")


class Methods(Generic[T]):
    """What each method of one path leads to. GET brings HEAD along, and OPTIONS tells the methods."""

    def __init__(self, by_method: Mapping[str, T]) -> None:
        self._by_method = dict(by_method)
        if "GET" in by_method:
            self._by_method["HEAD"] = by_method["GET"]
        self._allow = ", ".join(sorted({*self._by_method, "OPTIONS"}))

    def find(self, method: str) -> T | None:
        """What the method leads to; None for OPTIONS. Raises `method_not_allowed`."""
        if method not in self._by_method and method != "OPTIONS":
            raise AppError("method_not_allowed", headers={"Allow": self._allow})
        return self._by_method.get(method)

    def options_response(self) -> Response:
        return Response(status_code=204, headers={"Allow": self._allow})
