"""What resolvers are given: the node, the request, and the cookie to set or clear with the answer."""

from dataclasses import dataclass
from typing import Any, Protocol

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.types.nodes import SelectedField, Selection

from app.domain.actors import Anonymous
from app.graphql.inputs import break_glass
from app.middleware.requests import RequestInfo
from app.services.listing import Listing
from app.services.sessions import SignedIn
from app.serving.node import Node
from app.store.unit_of_work import UnitOfWork


class Loaders(Protocol):
    """Parents and states by id, batched. Named here for the types, which cannot import each other."""

    org: DataLoader[str, Any]
    project: DataLoader[str, Any]
    environment: DataLoader[str, Any]
    states: DataLoader[str, Any]


@dataclass(slots=True)
class Context:
    """One request's. `cookie` is the session secret to set with the answer; the empty text clears it."""

    node: Node
    request: RequestInfo
    loaders: Loaders
    cookie: str | None = None

    def sign_in(self, signed_in: SignedIn) -> None:
        """The rest of the document, and the browser, go on as the person."""
        self.request.actor = signed_in.member
        self.cookie = signed_in.secret

    def sign_out(self) -> None:
        """The rest of the document, and the browser, go on as nobody."""
        self.request.actor = Anonymous()
        self.cookie = ""

    def unit(self, given: Any = None) -> UnitOfWork:
        """A unit of work for one root mutation field (whose input is `given`), or for one read."""
        return self.node.unit(self.request.request_id, self.request.actor, break_glass(given))


Info = strawberry.Info[Context, None]


def listing(info: Info, **parameters: Any) -> Listing:
    """The part of a list that a connection's arguments ask for; counted only where `totalCount` is selected."""
    given = {name: value for name, value in parameters.items() if value is not None}
    counted = any(_selects(field, "totalCount") for field in info.selected_fields)
    return Listing(info.context.node.cursors, given, counted)


def _selects(selection: Selection, name: str) -> bool:
    for inner in selection.selections:
        if isinstance(inner, SelectedField):
            if inner.name == name:
                return True
        elif _selects(inner, name):
            return True
    return False
