"""What is no path of ours: `not_found`, with a pointer to the path that was probably meant."""

from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send

from app.domain.errors import not_found
from app.http.accept import prefers_page
from app.http.base_path import path_of


class NotFound:
    """The default of a router: tries the path without a slash at its end, and `near`, which has paths by near misses.

    `leads` says whether a path leads anywhere. Browsers are sent to the page that was meant, where there are `pages`;
    all others are told in the message.
    """

    def __init__(
        self, leads: Callable[[str], bool], near: Mapping[str, str] | None = None, *, pages: bool = True
    ) -> None:
        self.leads = leads
        self.near = near or {}
        self.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        meant = self._meant(path_of(scope))
        if meant is None:
            raise not_found("path")
        if self.pages and scope["method"] in {"GET", "HEAD"} and prefers_page(Headers(scope=scope)):
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(f"{meant}?{query}" if query else meant, 303)(scope, receive, send)
            return
        raise not_found("path", f"Did you mean {scope.get('root_path', '')}{meant}?")

    def _meant(self, path: str) -> str | None:
        bare = path.rstrip("/")
        if bare in self.near:
            return self.near[bare]
        return bare if bare != path and self.leads(bare) else None
