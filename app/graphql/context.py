"""What resolvers are given: the node, the request, and the cookie to set or clear with the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import strawberry
from pydantic.alias_generators import to_camel
from starlette.types import Receive

from app.access.paging import Listing
from app.domain.actors import Anonymous
from app.graphql.inputs import Overridable, break_glass
from app.graphql.loaders import Loaders
from app.graphql.pace import Pace
from app.http.requests import RequestInfo
from app.runtime.node import Node
from app.services.sessions import SignedIn
from app.store.host import Client
from app.store.unit_of_work import UnitOfWork


async def _once() -> None:
    """Who sends a request is looked at when it comes."""


@dataclass(slots=True)
class Context:
    """One request's. `cookie` is the session secret to set with the answer; the empty text clears it.

    `receive` tells when the client has gone, `look` looks at the caller of a subscription again. `browser` is the
    secret of the browser that calls, if it is one; `remembered`, whether the answer sets it.
    """

    node: Node
    request: RequestInfo
    pace: Pace
    receive: Receive
    browser: str | None = None
    cookie: str | None = None
    remembered: bool = False
    look: Callable[[], Awaitable[None]] = _once
    _loaders: Loaders | None = None

    @property
    def loaders(self) -> Loaders:
        """Made with the first field that asks for them: many documents have none."""
        if self._loaders is None:
            self._loaders = Loaders(self.node, self.request, self.pace)
        return self._loaders

    def sign_in(self, signed_in: SignedIn) -> None:
        """The rest of the document, and the browser, continue as the person."""
        self.request.actor = signed_in.member
        self.cookie = signed_in.secret

    def sign_out(self) -> None:
        """The rest of the document, and the browser, continue without credentials."""
        self.request.actor = Anonymous()
        self.cookie = ""

    def remember_browser(self) -> Client:
        """Where a request for a link, or a sign-in, comes from: the answer makes the browser known by it later."""
        self.remembered = True
        return self.request.client(self.browser)

    def unit(self, given: Overridable | None = None) -> UnitOfWork:
        """A unit of work for one root mutation field (whose input is `given`), or for one read.

        Raises `invalid_request` if the document has cost too much already.
        """
        self.pace.require()
        request = self.request
        return self.node.unit(request.request_id, request.actor, request.client(), break_glass(given, {}))


Info = strawberry.Info[Context, None]


def listing(info: Info, **parameters: Any) -> Listing:
    """The part of a list that a connection's arguments ask for."""
    given = {
        to_camel(name): tuple(value) if isinstance(value, list) else value
        for name, value in parameters.items()
        if value is not None
    }
    return Listing(info.context.node.cursors, given)
