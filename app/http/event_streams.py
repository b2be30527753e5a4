"""The answer that goes on: server-sent events, for as long as the client listens and may."""

from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.domain.actors import Actor
from app.runtime.event_streams import Followed
from app.runtime.node import Node

KEEP_OPEN = "signalbox.keep_open"
"""An ASGI extension of our server. A message of this type, after the head, hands the connection to what `take` does
with it, and ends the app's part."""
MEDIA_TYPE = "text/event-stream"
RETRY = b"retry: 3000\n\n"
_HEADERS = [
    (b"content-type", MEDIA_TYPE.encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events until there are many
]


class Begun(NamedTuple):
    """What a stream begins with: its first event, and the version that the client knows then."""

    followed: Followed
    actor: Actor
    told: int
    event: bytes


class EventStreamResponse(Response):
    """Where the server cannot keep the answer open, it ends after the first event, and clients ask again."""

    def __init__(self, node: Node, begun: Begun) -> None:
        self.node = node
        self.begun = begun
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        node, (followed, actor, told, event) = self.node, self.begun
        slot, is_kept = node.streams.take(actor), False

        def take(line: Any) -> None:
            nonlocal is_kept
            is_kept = True
            line.write(RETRY + event)
            line.on_room = partial(node.event_streams.tell, followed.environment_id)
            line.on_end = node.event_streams.add(followed, actor, line, told, slot)

        try:
            await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": [*_HEADERS]})
            if scope["method"] != "HEAD" and KEEP_OPEN in scope.get("extensions", {}):
                await send({"type": KEEP_OPEN, "take": take})
            else:
                await send({"type": "http.response.body", "body": RETRY + event})
        finally:
            if not is_kept:
                node.streams.give_back(slot)
