"""Subscriptions over WebSocket: the protocol `graphql-transport-ws`, and every failure from the catalogue."""

import asyncio
import binascii
import time
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send

from app.domain.actors import Actor, Anonymous
from app.domain.errors import AppError, invalid
from app.domain.ids import new_request_id
from app.engine import json_text
from app.graphql.pace import Turns
from app.graphql.subscribed import Subscribed
from app.graphql.view import PATH, SUBPROTOCOL, refusal
from app.http.authentication import authenticate, authenticate_again, authenticate_token, require_origin_of_websocket
from app.http.bodies import ALLOW_LONG_MESSAGES, MAX_AT_ONCE
from app.http.failures import Failures
from app.http.requests import RequestInfo, info_of
from app.runtime.node import Node

log = structlog.get_logger()
MAX_SUBSCRIPTIONS = 50
MAX_ID = 128
_KEY_BYTES = 16


@dataclass(frozen=True)
class Patience:
    """How long a client may take to say who it is, and after how long it is looked whether it still is."""

    init_seconds: float = 10
    looks_seconds: float = 30


class Close(IntEnum):
    """Why a connection is closed, by the protocol's numbers."""

    TRY_AGAIN = 1013
    INVALID = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    NO_INIT = 4408
    ID_TAKEN = 4409
    TWO_INITS = 4429


class Ended(Exception):
    """The connection is to be closed."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def routes(node: Node, turns: Turns) -> list[BaseRoute]:
    """The address of the view, for who asks for a WebSocket there."""
    return [WebSocketRoute(PATH, Failures(Handshake(node, turns), refusal), name=SUBPROTOCOL)]


class Handshake:
    """Lets in whom the view would let in, and refuses the others with its answers."""

    def __init__(self, node: Node, turns: Turns, patience: Patience = Patience()) -> None:
        self.node = node
        self.turns = turns
        self.patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = info_of(scope)
        info.route = PATH
        await authenticate(self.node, scope)
        require_origin_of_websocket(self.node, scope)
        _require_protocol(Headers(scope=scope))
        await receive()
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL, "headers": _cookie(info)})
        await Conversation(self.node, self.turns, self.patience, scope, receive, send).run()


@dataclass
class Conversation:
    """What is said on a connection: who calls is told once, then each subscription lives until one side ends it."""

    node: Node
    turns: Turns
    patience: Patience
    scope: Scope
    receive: Receive
    send: Send
    subscriptions: dict[str, Subscribed] = field(default_factory=dict)
    good_for: float = 0.0

    @property
    def info(self) -> RequestInfo:
        return info_of(self.scope)

    async def run(self) -> None:
        looking = None
        try:
            if await self._begin():
                looking = asyncio.create_task(self._look_again())
                while (message := await self._next()) is not None:
                    await self._take(message)
        except Ended as ended:
            await self._close(ended.code, ended.reason)
        finally:
            tasks = [one.task for one in self.subscriptions.values()]
            for task in (running := [task for task in (looking, *tasks) if task is not None]):
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def say(self, kind: str, **members: Any) -> None:
        text = json_text.dump({"type": kind, **members}).decode()
        await self.send({"type": "websocket.send", "text": text})

    async def look(self) -> None:
        """Looks at the caller again, who is let go where that fails."""
        try:
            self.good_for = await authenticate_again(self.node, self.info)
        except AppError as error:
            await self.let_go(error)
            raise

    async def let_go(self, error: AppError) -> None:
        """Ends the connection. Each subscription is told why, unless clients had better come again with all of them."""
        ended = self._ended(error, Close.UNAUTHORIZED)
        subscriptions, self.subscriptions = self.subscriptions, {}
        for subscribed in subscriptions.values():
            if ended.code is Close.TRY_AGAIN:
                subscribed.cancel()
            else:
                await subscribed.end(error)
        await self._close(ended.code, ended.reason)

    async def _begin(self) -> bool:
        """Whether there was a connection_init before the client left."""
        try:
            async with asyncio.timeout(self.patience.init_seconds):
                while (message := await self._next()) is not None and message["type"] != "connection_init":
                    if message["type"] == "subscribe":
                        raise Ended(Close.UNAUTHORIZED, "Unauthorized: connection_init comes first.")
                    await self._take(message)
                if message is None:
                    return False
                await self._authenticate(message.get("payload"))
        except TimeoutError:
            raise Ended(Close.NO_INIT, "There was no connection_init in time.") from None
        self.scope.get(ALLOW_LONG_MESSAGES, lambda: None)()
        await self.say("connection_ack")
        return True

    async def _authenticate(self, payload: Any) -> None:
        """A token in the payload takes precedence over what the handshake said."""
        try:
            if (token := _token_in(payload)) is not None:
                await authenticate_token(self.node, self.info, token)
            _require_credentials(self.info.actor)
        except AppError as error:
            raise self._ended(error, Close.FORBIDDEN) from None

    async def _look_again(self) -> None:
        """Whether or not anything happens, a credential that has ended ends the connection."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(min(self.patience.looks_seconds, self.good_for))
        except AppError:  # with which the client was let go
            return
        except Exception:
            log.exception("internal")
            await self.let_go(AppError("unavailable"))

    async def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "ping":
            await self.say("pong", **({"payload": message["payload"]} if "payload" in message else {}))
        elif kind == "subscribe":
            await self._subscribe(_id_in(message), message)
        elif kind == "complete":
            if (ended := self.subscriptions.pop(_id_in(message), None)) is not None:
                ended.cancel()
        elif kind == "connection_init":
            raise Ended(Close.TWO_INITS, "Too many initialisation requests.")
        elif kind != "pong":
            raise Ended(Close.INVALID, "Invalid message: the type is unknown.")

    async def _subscribe(self, one: str, message: dict[str, Any]) -> None:
        if one in self.subscriptions:
            raise Ended(Close.ID_TAKEN, f"Subscriber for {one} already exists.")
        if not isinstance(message.get("payload"), dict):
            raise Ended(Close.INVALID, "Invalid message: a payload is an object.")
        began = replace(self.info, request_id=new_request_id(), code=None, began=time.perf_counter())
        subscribed = Subscribed(self.node, self.turns, began, partial(self.say, id=one), self.look, self.let_go)
        if len(self.subscriptions) >= MAX_SUBSCRIPTIONS:
            text = f"The connection has {MAX_SUBSCRIPTIONS} subscriptions. Complete one, or open another connection."
            await subscribed.end(AppError("rate_limited", text, headers={"Retry-After": "1"}))
            return
        self.subscriptions[one] = subscribed
        subscribed.start(message["payload"]).add_done_callback(lambda _: self._forget(one, subscribed))

    def _forget(self, one: str, subscribed: Subscribed) -> None:
        if self.subscriptions.get(one) is subscribed:
            del self.subscriptions[one]

    def _ended(self, error: AppError, code: Close) -> Ended:
        """As the protocol says it, but what is only busy may be tried again."""
        self.info.code = error.code
        busy = error.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
        return Ended(Close.TRY_AGAIN if busy else code, f"{error.code}: {error.message}")

    async def _close(self, code: Close, reason: str) -> None:
        if self.info.code is None:
            self.info.code = "unauthorized" if code is Close.UNAUTHORIZED else "invalid_request"
        await self.send({"type": "websocket.close", "code": int(code), "reason": reason})

    async def _next(self) -> dict[str, Any] | None:
        """The next message; None once the client has gone."""
        received = await self.receive()
        if received["type"] == "websocket.disconnect":
            return None
        message = await _decoded(received)
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Ended(Close.INVALID, "Invalid message: a message is an object with a type.")
        return message


async def _decoded(received: Message) -> Any:
    if (text := received.get("text")) is None:
        raise Ended(Close.INVALID, "Invalid message: messages are text, not binary.")
    try:
        data = text.encode()
        return _decode(data) if len(data) <= MAX_AT_ONCE else await asyncio.to_thread(_decode, data)
    except json_text.BadJson as fault:
        path, what = next(iter(fault.faults.items()))
        raise Ended(Close.INVALID, f"Invalid message: {path and path + ': '}{what}") from None


def _decode(data: bytes) -> Any:
    """The variables in a payload hold what is REST's body, hence three levels more."""
    return json_text.decode(data, max_depth=json_text.MAX_DEPTH + 3)


def _id_in(message: Mapping[str, Any]) -> str:
    one = message.get("id")
    if not isinstance(one, str) or not 0 < len(one) <= MAX_ID:
        raise Ended(Close.INVALID, f"Invalid message: an id is a text of up to {MAX_ID} characters.")
    return one


def _token_in(payload: Any) -> str | None:
    """The token that clients send as `authorization` or `apiKey`, named as they like. What else they say is theirs."""
    if payload is None:
        return None
    if not isinstance(payload, dict):
        raise Ended(Close.INVALID, "Invalid message: a payload is an object.")
    named = {name.lower(): value for name, value in payload.items()}
    if (given := named.get("authorization")) is not None:
        scheme, _, token = str(given).partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AppError("unauthorized", "The `authorization` of connection_init must be `Bearer`, space, token.")
        return token.strip()
    key = named.get("apikey", named.get("x-api-key"))
    return None if key is None else str(key)


def _require_credentials(actor: Actor) -> None:
    if isinstance(actor, Anonymous):
        raise AppError("unauthorized", actor.reason)


def _require_protocol(headers: Headers) -> None:
    """Raises `invalid_request` for a handshake that leads to no conversation that we know."""
    faults = {}
    offered = {one.strip() for header in headers.getlist("sec-websocket-protocol") for one in header.split(",")}
    if SUBPROTOCOL not in offered:
        faults["Sec-WebSocket-Protocol"] = f"Must offer {SUBPROTOCOL}."
    if headers.get("sec-websocket-version") != "13":
        faults["Sec-WebSocket-Version"] = "Must be 13."
    if not _is_key(headers.get("sec-websocket-key", "")):
        faults["Sec-WebSocket-Key"] = f"Must be {_KEY_BYTES} bytes in Base64."
    if faults:
        raise invalid(faults)


def _is_key(text: str) -> bool:
    try:
        return len(b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _cookie(info: RequestInfo) -> list[tuple[bytes, bytes]]:
    return [(b"set-cookie", info.session_cookie)] if info.session_cookie else []
