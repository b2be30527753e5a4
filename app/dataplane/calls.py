"""A call that the front may answer, with all that its answer rests on; and the answers."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from app.access.known import may, sees
from app.domain.operations import Operation
from app.domain.policy import AskedKey
from app.engine import json_text
from app.engine.evaluation import Evaluation
from app.engine.kinds import Kind
from app.engine.ruleset import Ruleset
from app.http.bodies import MAX_AT_ONCE
from app.http.headers import Header, Headers
from app.http.requests import Sender
from app.runtime.credentials import LiveApiKey
from app.runtime.node import Node
from app.services.evaluation import EVALUABLE
from app.store.resolve import Place

JSON = (b"content-type", b"application/json")


class Head(NamedTuple):
    """What the head of a call says.

    `env_ref` is what it calls the environment, if it does, and `key` what its path asks for. Of a token there is the
    digest of its secret, and nowhere the secret.
    """

    method: str
    operation: Operation
    answering: "Answering"
    env_ref: str | None
    key: str
    secret_hash: str
    sender: Sender
    content_type: str | None
    accept_encoding: str
    if_none_match: str | None
    origin: str | None


class Call(NamedTuple):
    """The caller is known, the policy allows the operation at the place, and `ruleset` is what is there now.

    The body has arrived.
    """

    head: Head
    token: LiveApiKey
    place: Place
    ruleset: Ruleset
    node: Node
    body: bytes
    if_none_match: str | None

    def may_evaluate(self, keys: list[str]) -> bool:
        """Whether the token's resources match all keys that are asked for."""
        if self.token.sees_all:
            return True
        asked = tuple(AskedKey(EVALUABLE, key) for key in keys)
        return may(self.token.actor, Operation.EVALUATE, self.place, asked)

    def sees(self, kind: Kind, key: str) -> bool:
        """Whether the primitive is one that the token's lists include."""
        return self.token.sees_all or sees(self.token.actor.resources, kind, key)

    def note(self, outcomes: Collection[Evaluation | None]) -> None:
        """Counts what it has evaluated."""
        self.node.usage.note(self.place.environment_id, outcomes, self.token.actor.token_id)

    def json(self) -> Any:
        """The body of a call that may repeat keys; None if it is long, or has any fault."""
        if self.head.content_type != "application/json" or len(self.body) > MAX_AT_ONCE:
            return None
        try:
            return json_text.decode(self.body, allow_duplicate_keys=True)
        except json_text.BadJson:
            return None


class Answer(NamedTuple):
    """What is sent, and the route for the log."""

    route: str
    status: int
    headers: Headers
    body: bytes


Answering = Callable[[Call], Answer | None]
"""Answers a call; None: the surfaces do."""


def ok(route: str, body: bytes, *headers: Header) -> Answer:
    """200 with JSON."""
    return Answer(route, 200, [*headers, (b"content-length", b"%d" % len(body)), JSON], body)
