"""A REST call as handlers see it."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, QueryParams

from app.access.paging import Listing
from app.domain.commands import Input, free_text
from app.domain.preconditions import IfMatch, MinVersion
from app.engine.json_text import MAX_FAULTS, dotted_path
from app.engine.suggestions import unknown
from app.http.requests import RequestInfo
from app.runtime.node import Node
from app.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class RestCall:
    """One request, routed, authenticated and read.

    `body` is what was sent, in bytes. `input` is all that a command is made of: the parameters of a read, the body of
    a write with what belongs to it in the query and headers. The service validates it once it knows that the caller
    may learn what is wrong with it.
    """

    node: Node
    info: RequestInfo
    path: Mapping[str, str]
    query: QueryParams
    headers: Headers
    address: str
    body: bytes
    input: Any
    break_glass: str | None = None

    def unit(self) -> UnitOfWork:
        """The call's unit of work."""
        return self.node.unit(self.info.request_id, self.info.actor, self.info.client(), self.break_glass)

    def lines(self, header: str) -> str | None:
        """A header that is a list, which may be sent on several lines."""
        return ", ".join(self.headers.getlist(header)) or self.headers.get(header)

    @property
    def if_match(self) -> IfMatch:
        return IfMatch(self.lines("If-Match"))

    @property
    def min_version(self) -> MinVersion:
        return MinVersion(self.lines("X-Signalbox-Min-Version"))

    def listing(self) -> Listing:
        """The part of a list that is asked for."""
        return Listing(self.node.cursors, self.input)


def text_of(headers: Headers, name: str, faults: dict[str, str]) -> str | None:
    """A header of free text, which people send as UTF-8; None, perhaps with a fault, where there is none."""
    raw = headers.get(name)
    if raw is None:
        return None
    try:
        return free_text(raw.encode("latin-1").decode(), name, faults)
    except UnicodeDecodeError:
        faults[name] = "Must be UTF-8."
        return None


def input_of_read(query: QueryParams, known: Collection[str], repeatable: Collection[str]) -> Input:
    """The known parameters, a repeatable one as a list. Others, and those given more than once, are faults."""
    return _parameters(query, known, repeatable)


def input_of_write(
    body: Any, query: QueryParams, known: Collection[str], reason: str | None, header_faults: Mapping[str, str]
) -> Any:
    """The body, with the members that a DELETE may have in its query and in `X-Reason` instead.

    What is wrong with headers is told with what is wrong with the body, after the ids and the caller's role. What is
    wrong with a parameter is a fault at `?name`; one that contradicts the body is wrong, too.
    """
    parameters = _parameters(query, known)
    if not isinstance(body, dict):
        return body
    members, faults = {**parameters, **body}, {**header_faults, **parameters.faults}
    for name, text in parameters.items():
        if not _agrees(members[name], text):
            if name == "confirm":  # with two answers nothing is confirmed
                del members[name]
            else:
                faults[f"?{name}"] = "Contradicts the body."
    places = {name: f"?{name}" for name in parameters.keys() - body.keys()}
    return Input(members if reason is None else {**members, "reason": reason}, faults, places)


def _parameters(query: QueryParams, known: Collection[str], repeatable: Collection[str] = ()) -> Input:
    given = Counter(name for name, _ in query.multi_items())
    faults: dict[str, str] = {}
    for name, times in given.items():
        if name not in known:
            faults[name] = unknown("parameter", name, known, len(faults))
        elif times > 1 and name not in repeatable:
            faults[name] = "Given more than once."
        if len(faults) == MAX_FAULTS:
            break
    members: dict[str, Any] = {name: text for name, text in query.items() if name in known and name not in faults}
    members |= {name: query.getlist(name) for name in members.keys() & set(repeatable)}
    places = {name: f"?{name}" for name in known}  # those too that are missing
    return Input(members, {dotted_path([f"?{name}"]): message for name, message in faults.items()}, places)


def _agrees(value: Any, text: str) -> bool:
    """Whether a member of a body equals a parameter of the query, where all is text."""
    return bool(value == text) or (isinstance(value, bool) and text == str(value).lower())
