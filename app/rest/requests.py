"""A REST call as handlers see it."""

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from starlette.datastructures import Headers, QueryParams

from app.access.paging import Listing
from app.domain.commands import UncheckedText
from app.domain.preconditions import IfMatch
from app.http.requests import RequestInfo
from app.runtime.node import Node
from app.services.throttling import ClientContext
from app.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Call:
    """One request, routed, authenticated and read."""

    node: Node
    info: RequestInfo
    path: Mapping[str, str]
    query: QueryParams
    headers: Headers
    address: str
    body: Any

    def client(self, browser: str | None = None) -> ClientContext:
        return self.node.client(self.info.address, browser)

    def unit(self) -> UnitOfWork:
        """The call's unit of work."""
        return self.node.unit(self.info.request_id, self.info.actor, self._break_glass())

    @property
    def deletion(self) -> Any:
        """The body of a DELETE, with what may stand in the query or a header instead.

        Of what contradicts itself nothing is left but the empty text, which nothing takes.
        """
        if not isinstance(self.body, dict):
            return self.body
        reason = self._text("X-Reason")
        contradictory = {name: "" for name, text in self.query.items() if not _says(self.body.get(name, text), text)}
        return {**self.query, **self.body, **contradictory, **({} if reason is None else {"reason": reason})}

    def unknown_params(self, known: Container[str]) -> dict[str, str]:
        """The parameters that are unknown or stand twice, and what is wrong with them."""
        counted = Counter(name for name, _ in self.query.multi_items())
        unknown = {name: "Unknown parameter." for name in counted if name not in known}
        return unknown | {name: "Given more than once." for name in counted if counted[name] > 1 and name in known}

    def with_unknown_params(self, known: Container[str]) -> Self:
        """The call of a write, whose body holds stray parameters as `?name`: refused when the body's turn comes."""
        unknown_params = self.unknown_params(known)
        if not unknown_params or not isinstance(self.body, dict):
            return self
        query = QueryParams([one for one in self.query.multi_items() if one[0] not in unknown_params])
        return replace(self, query=query, body={**self.body, **{f"?{name}": None for name in unknown_params}})

    def _break_glass(self) -> UncheckedText | None:
        reason = self._text("X-Break-Glass")
        return None if reason is None else UncheckedText(reason, "X-Break-Glass")

    def lines(self, header: str) -> str | None:
        """A header that is a list, which may stand on several lines."""
        return ", ".join(self.headers.getlist(header)) or self.headers.get(header)

    def _text(self, header: str) -> str | None:
        """A header of free text, which people send as UTF-8."""
        raw = self.headers.get(header)
        return None if raw is None else raw.encode("latin-1").decode("utf-8", "replace")

    @property
    def if_match(self) -> IfMatch:
        return IfMatch(self.lines("If-Match"))

    def listing(self) -> Listing:
        """The part of a list that is asked for."""
        return Listing(self.node.cursors, dict(self.query))


def _says(value: Any, text: str) -> bool:
    """Whether a member of a body is what a parameter of the query says."""
    return bool(value == text) or (isinstance(value, bool) and text == str(value).lower())
