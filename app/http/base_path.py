"""Serves the app below the base URL's path. Pure ASGI, outside of everything that routes."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""They answer at the root as well, where those look who know nothing of the base URL."""


def path_of(scope: Scope) -> str:
    """The path below the one that the app is served or mounted at, as the routers see it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


class BasePath:
    """Leaves the path off for the routers, as ASGI's `root_path`, and puts it before the addresses of redirects.

    The proxy in front strips nothing. What asks for something beyond the path gets `outside`.
    """

    def __init__(self, app: ASGIApp, path: str, outside: ASGIApp) -> None:
        self.app = app
        self.path = path
        self.outside = outside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return

        async def send_below(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("location", "").startswith("/"):
                    headers["Location"] = self.path + headers["Location"]
            await send(message)

        inside = scope["path"].startswith(self.path + "/")
        if scope["path"] == self.path:
            scope, inside = {**scope, "path": self.path + "/"}, True
        scope["root_path"] = self.path
        await (self.app if inside else self.outside)(scope, receive, send_below)
