"""The methods of a path, with the same `OPTIONS` and 405 on every surface."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from starlette.responses import Response

from app.domain.errors import AppError

T = TypeVar("T")


class Methods(Generic[T]):
    """The handlers of one path by method. GET includes HEAD, and OPTIONS lists the methods."""

    def __init__(self, by_method: Mapping[str, T]) -> None:
        self._by_method = dict(by_method)
        if "GET" in by_method:
            self._by_method["HEAD"] = by_method["GET"]
        self._allow = ", ".join(sorted({*self._by_method, "OPTIONS"}))

    def find(self, method: str) -> T | None:
        """The method's handler; None for OPTIONS. Raises `method_not_allowed`."""
        if method not in self._by_method and method != "OPTIONS":
            raise AppError("method_not_allowed", headers={"Allow": self._allow})
        return self._by_method.get(method)

    def options_response(self) -> Response:
        return Response(status_code=204, headers={"Allow": self._allow})
