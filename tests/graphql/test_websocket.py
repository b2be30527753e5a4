"""The protocol `graphql-transport-ws`: who may connect, what is understood, and how each fault ends."""

from typing import Any

import pytest
from starlette.applications import Starlette

from app.graphql import websocket
from app.graphql.pace import Turns
from app.http.requests import Requests
from app.settings import Settings
from tests.factories import Instance, Workspace
from tests.logged import logged
from tests.sockets import Closed, Refused, Socket, connected, headers_of, speaking

FOLLOW = "subscription($env: ID!) { environmentChanged(envId: $env) { version } }"


async def closing(socket: Socket) -> Closed:
    """How the connection is closed, which is all that is heard."""
    with pytest.raises(Closed) as closed:
        await socket.hear()
    return closed.value


async def test_a_session_and_a_token_speak_for_themselves(
    app: Starlette, instance: Instance, workspace: Workspace
) -> None:
    for caller in (workspace.org.viewer, instance.bearer(workspace.api_key["token"])):
        async with speaking(app, caller) as socket:
            assert socket.headers["x-request-id"].startswith("req_")
            await socket.subscribe("1", FOLLOW, env=workspace.environment_id)
            assert await socket.event() == {"version": 2}
            await socket.say("complete", id="1")
            assert await socket.silent()


@pytest.mark.parametrize("member", ["authorization", "Authorization", "apiKey", "X-API-Key"])
async def test_a_token_may_come_in_connection_init(app: Starlette, workspace: Workspace, member: str) -> None:
    token = workspace.api_key["token"]
    async with connected(app) as socket:
        given = f"Bearer {token}" if member.lower() == "authorization" else token
        await socket.say("connection_init", payload={member: given, "of": "the client"})
        assert await socket.hear() == {"type": "connection_ack"}
        await socket.subscribe("1", FOLLOW, env="acme:web:prod")
        assert await socket.event() == {"version": 2}


async def test_a_token_takes_precedence_over_the_cookie(
    app: Starlette, instance: Instance, workspace: Workspace
) -> None:
    narrow = await instance.minted(workspace.org, actions=["evaluate"])
    async with connected(app, headers_of(workspace.org.owner)) as socket:
        await socket.say("connection_init", payload={"apiKey": narrow["token"]})
        assert await socket.hear() == {"type": "connection_ack"}
        await socket.subscribe("1", FOLLOW, env=workspace.environment_id)
        assert (await socket.error())["code"] == "token_action_denied"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (None, "unauthorized"),
        ({"authorization": "Bearer sbx_unknown"}, "unauthorized"),
        ({"authorization": "Basic YTpi"}, "unauthorized"),
        ({"authorization": 1}, "unauthorized"),
        ({"apiKey": {}}, "unauthorized"),
    ],
)
async def test_who_does_not_say_who_they_are_is_let_go(app: Starlette, payload: Any, code: str) -> None:
    async with connected(app) as socket:
        await socket.say("connection_init", **({} if payload is None else {"payload": payload}))
        closed = await closing(socket)
        assert (closed.code, closed.reason.partition(":")[0]) == (4403, code)


async def test_a_token_is_tied_to_its_networks(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org, ipAllowlist=["192.0.2.0/24"])
    async with connected(app, address="198.51.100.1") as socket:
        await socket.say("connection_init", payload={"apiKey": minted["token"]})
        closed = await closing(socket)
        assert (closed.code, closed.reason.partition(":")[0]) == (4403, "token_ip_denied")
    with pytest.raises(Refused) as refused:
        async with connected(app, {"authorization": f"Bearer {minted['token']}"}, address="198.51.100.1"):
            pass
    assert (refused.value.status, refused.value.code) == (403, "token_ip_denied")
    async with connected(app, {"authorization": f"Bearer {minted['token']}"}, address="192.0.2.7") as socket:
        await socket.say("connection_init")
        assert await socket.hear() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": "Bearer sbx_unknown"}, 401, "unauthorized"),
        ({"authorization": "Basic YTpi"}, 401, "unauthorized"),
        ({"origin": "https://elsewhere.example"}, 403, "forbidden"),
        ({"sec-fetch-site": "cross-site"}, 403, "forbidden"),
        ({"sec-fetch-site": "same-site", "origin": "http://signalbox.test"}, 403, "forbidden"),
        ({"sec-websocket-protocol": "graphql-ws"}, 400, "invalid_request"),
        ({"sec-websocket-protocol": ""}, 400, "invalid_request"),
        ({"sec-websocket-version": "8"}, 400, "invalid_request"),
        ({"sec-websocket-key": "short"}, 400, "invalid_request"),
        ({"sec-websocket-key": "é"}, 400, "invalid_request"),
    ],
)
async def test_a_refused_handshake_has_status_headers_and_envelope(
    app: Starlette, workspace: Workspace, headers: dict[str, str], status: int, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        async with connected(app, {**headers_of(workspace.org.owner), **headers}):
            pass
    told = refused.value
    (error,) = told.errors
    assert (told.status, told.code, error["extensions"]["status"]) == (status, code, status)
    assert (told.headers["x-request-id"], told.headers["cache-control"]) == (
        error["extensions"]["requestId"],
        "no-store",
    )
    assert ("www-authenticate" in told.headers) == (status == 401)
    if code == "invalid_request":
        assert list(error["extensions"]["fields"]) == [next(iter(headers)).title().replace("Websocket", "WebSocket")]


async def test_a_page_that_may_call_with_a_token_may_connect(
    instance: Instance, workspace: Workspace, settings: Settings
) -> None:
    shop = "https://shop.example"
    instance.node.settings = settings.model_copy(update={"cors_origins": shop})
    for origin, headers in ((shop, headers_of(workspace.org.owner)), ("https://shop.example:8443", {})):
        with pytest.raises(Refused) as refused:
            async with connected(instance.app, {"origin": origin, **headers}):
                pass
        assert refused.value.code == "forbidden"
    async with connected(instance.app, {"origin": shop, "sec-fetch-site": "cross-site"}) as socket:
        await socket.say("connection_init", payload={"apiKey": workspace.api_key["token"]})
        assert await socket.hear() == {"type": "connection_ack"}


async def test_our_own_pages_and_programs_connect(app: Starlette, workspace: Workspace) -> None:
    own = {"origin": "http://signalbox.test", "sec-fetch-site": "same-origin"}
    for headers in ({}, own, {"origin": "http://signalbox.test"}):
        async with connected(app, {**headers_of(workspace.org.viewer), **headers}) as socket:
            await socket.say("connection_init")
            assert await socket.hear() == {"type": "connection_ack"}


async def test_a_cookie_of_a_session_that_has_ended_is_cleared(app: Starlette) -> None:
    async with connected(app, {"cookie": "signalbox_session=sbs_ended"}) as socket:
        assert socket.headers["set-cookie"].startswith('signalbox_session="";')
        await socket.say("connection_init")
        assert (await closing(socket)).code == 4403


async def test_the_handshake_and_each_subscription_take_one_request(
    app: Starlette, instance: Instance, workspace: Workspace
) -> None:
    caller = await instance.token(workspace.org, rateLimitPerMin=3)
    async with speaking(app, caller) as socket:
        for one in ("1", "2"):
            await socket.subscribe(one, FOLLOW, env=workspace.environment_id)
            assert await socket.event() == {"version": 2}
        await socket.subscribe("3", FOLLOW, env=workspace.environment_id)
        assert (await socket.error())["code"] == "token_rate_limit"
    with pytest.raises(Refused) as refused:
        async with connected(app, headers_of(caller)):
            pass
    assert (refused.value.status, refused.value.code) == (429, "token_rate_limit")
    assert refused.value.headers["retry-after"] == "20"
    assert refused.value.headers["x-ratelimit-remaining"] == "0"
    async with connected(app) as socket:
        await socket.say("connection_init", payload={"authorization": caller.client.headers["authorization"]})
        assert (await closing(socket)).code == 1013


MESSAGES = {
    "no JSON": ("{", 4400),
    "no object": ("[]", 4400),
    "no type": ('{"id": "1"}', 4400),
    "a type that is no text": ('{"type": 1}', 4400),
    "an unknown type": ('{"type": "start"}', 4400),
    "a key twice": ('{"type": "ping", "type": "ping"}', 4400),
    "too deep": ('{"type": "ping", "payload": ' + "[" * 200 + "]" * 200 + "}", 4400),
    "a second init": ('{"type": "connection_init"}', 4429),
    "no id": ('{"type": "subscribe", "payload": {"query": "{ me }"}}', 4400),
    "an empty id": ('{"type": "subscribe", "id": "", "payload": {}}', 4400),
    "a long id": ('{"type": "subscribe", "id": "%s", "payload": {}}' % ("1" * 129), 4400),
    "an id that is no text": ('{"type": "complete", "id": 1}', 4400),
    "no payload": ('{"type": "subscribe", "id": "1"}', 4400),
    "a payload that is no object": ('{"type": "subscribe", "id": "1", "payload": []}', 4400),
}


@pytest.mark.parametrize(("text", "code"), MESSAGES.values(), ids=MESSAGES)
async def test_what_is_no_message_of_the_protocol_closes_the_connection(
    app: Starlette, workspace: Workspace, text: str, code: int
) -> None:
    async with speaking(app, workspace.org.viewer) as socket:
        await socket.send_text(text)
        assert (await closing(socket)).code == code


async def test_binary_messages_are_none(app: Starlette, workspace: Workspace) -> None:
    async with speaking(app, workspace.org.viewer) as socket:
        await socket.to_app.put({"type": "websocket.receive", "bytes": b'{"type": "ping"}'})
        assert (await closing(socket)).code == 4400


async def test_nothing_is_subscribed_before_the_init(app: Starlette, workspace: Workspace) -> None:
    async with connected(app, headers_of(workspace.org.viewer)) as socket:
        assert await socket.silent()
        await socket.subscribe("1", FOLLOW, env=workspace.environment_id)
        assert (await closing(socket)).code == 4401


async def test_who_says_nothing_is_let_go(instance: Instance, settings: Settings) -> None:
    handshake = websocket.Handshake(instance.node, Turns(), websocket.Patience(init_seconds=0.01))
    async with connected(Requests(handshake, settings)) as socket:
        assert (await closing(socket)).code == 4408


async def test_an_id_is_one_subscription_at_a_time(app: Starlette, workspace: Workspace) -> None:
    async with speaking(app, workspace.org.viewer) as socket:
        for _ in range(2):  # once one is complete, its id is free
            await socket.subscribe("1", FOLLOW, env=workspace.environment_id)
            assert await socket.event() == {"version": 2}
            await socket.say("complete", id="1")
        await socket.say("complete", id="unknown")
        await socket.subscribe("1", FOLLOW, env=workspace.environment_id)
        assert await socket.event() == {"version": 2}
        await socket.subscribe("1", FOLLOW, env=workspace.environment_id)
        assert (await closing(socket)).code == 4409


DOCUMENTS: dict[str, dict[str, Any]] = {
    "a query": {"query": "{ me { actor { name } } }"},
    "a mutation": {"query": "mutation { logout { ok } }"},
    "an unknown field": {"query": "subscription { nothing }"},
    "no syntax": {"query": "subscription {"},
    "no query": {},
    "a query that is no text": {"query": 1},
    "a missing variable": {"query": FOLLOW},
    "a wrong variable": {"query": FOLLOW, "variables": {"env": 1}},
    "an unknown operation": {"query": FOLLOW, "operationName": "Other"},
    "several operations": {"query": "subscription A { __typename } subscription B { __typename }"},
    "two fields": {"query": 'subscription { a: environmentChanged(envId: "a") { version } b: __typename }'},
    "a field left out": {"query": 'subscription { environmentChanged(envId: "a") @skip(if: true) { version } }'},
    "too deep": {"query": "subscription { a " + "{ a " * 40 + "}" * 41},
    "too costly": {
        "query": 'subscription { proposalsChanged(envId: "a") { proposals { environment { project { flags(first: 1000) '
        "{ nodes { states { flag { states { id } } } } } } } } } }"
    },
}


@pytest.mark.parametrize("payload", DOCUMENTS.values(), ids=DOCUMENTS)
async def test_a_document_is_held_to_what_every_document_is(
    app: Starlette, workspace: Workspace, payload: dict[str, Any]
) -> None:
    async with speaking(app, workspace.org.viewer) as socket:
        await socket.say("subscribe", id="1", payload=payload)
        message = await socket.hear()
        assert (message["type"], message["id"]) == ("error", "1")
        for error in message["payload"]:
            extensions = error["extensions"]
            assert (extensions["code"], extensions["status"]) == ("invalid_request", 400)
            assert extensions["fields"]
            assert extensions["requestId"].startswith("req_")
        assert await socket.silent()


async def test_a_connection_has_so_many_subscriptions(app: Starlette, workspace: Workspace) -> None:
    async with speaking(app, workspace.org.viewer) as socket:
        for one in range(websocket.MAX_SUBSCRIPTIONS):
            await socket.subscribe(str(one), FOLLOW, env=workspace.environment_id)
            assert await socket.event() == {"version": 2}
        await socket.subscribe("more", FOLLOW, env=workspace.environment_id)
        assert (await socket.error())["code"] == "rate_limited"
        await socket.say("complete", id="0")
        await socket.subscribe("more", FOLLOW, env=workspace.environment_id)
        assert await socket.event() == {"version": 2}


async def test_an_actor_has_so_many_streams(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    caller = await instance.token(workspace.org)
    async with speaking(app, caller) as one, speaking(app, caller) as other, speaking(app, caller) as third:
        for socket in (one, other):
            for number in range(50):
                await socket.subscribe(str(number), FOLLOW, env=workspace.environment_id)
                await socket.event()
        await third.subscribe("1", FOLLOW, env=workspace.environment_id)
        assert (await third.error())["code"] == "rate_limited"
        await one.say("complete", id="1")
        assert await one.silent()
        await third.subscribe("1", FOLLOW, env=workspace.environment_id)
        assert await third.event() == {"version": 2}


async def test_over_http_a_subscription_is_told_where_to_go(workspace: Workspace) -> None:
    answer = await workspace.org.viewer.client.post("/graphql", json={"query": FOLLOW, "variables": {"env": "a"}})
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "invalid_request"
    assert "WebSocket" in error["message"]
    assert "graphql-transport-ws" in error["message"]


async def test_the_log_has_a_line_for_each_connection_and_each_subscription(
    app: Starlette, instance: Instance, workspace: Workspace, request_lines: list[str]
) -> None:
    caller = instance.bearer(token := workspace.api_key["token"])
    with logged(request_lines) as lines:
        async with speaking(app, caller) as socket:
            await socket.subscribe("1", FOLLOW, env=workspace.environment_id)
            await socket.event()
            await socket.subscribe("2", FOLLOW, env="acme:web:nowhere")
            refused = await socket.error()
    one, other = sorted((line for line in lines if line["event"] == "subscription"), key=lambda line: line["events"])
    assert (one["code"], one["requestId"]) == ("not_found", refused["requestId"])
    assert (other["code"], other["operation"], other["route"]) == (None, "environmentChanged", "/graphql")
    assert other["actor"] == f"token:{workspace.api_key['id']}"
    assert other["ms"] >= 0
    (connection,) = [line for line in lines if line["event"] == "request"]
    assert (connection["route"], connection["status"], connection["method"]) == ("/graphql", 101, "GET")
    assert len({one["requestId"], other["requestId"], connection["requestId"]}) == 3
    assert token not in str(lines)
