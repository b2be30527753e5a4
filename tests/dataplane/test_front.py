"""The front answers as the surfaces behind it do, or not at all."""

import json
from http import HTTPStatus
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from app.domain.token_secrets import new_token_secret
from app.http.requests import RequestInfo
from app.jobs.traffic import write_chosen
from app.runtime.rate_limits import MemoryBuckets
from tests.factories import Instance, Workspace

MORE: list[dict[str, Any]] = [{}, {}, {}, {"verboseReason": True}, {"verboseReason": False}, {"asOf": None}, {"no": 1}]
CONTEXTS = [
    {"userId": "u-1", "plan": "pro"},
    {"userId": "u-2", "nested": {"a": [1, 2.5, None]}},
    {},
    {"userId": "ü\0", "n": 1e15},
]
CALLS = ["evaluate", "ruleset", "evaluate", "ruleset", "evaluate/", "ruleset?since=1", "rule%73et"]
OFREP_CALLS = ["", "", "/checkout", "/checkout", "/limits", "/none", "/staff", "/", "/%63heckout", "/a/b", "?x=1", "x"]
OFREP_BODIES = [
    b'{"context":{"targetingKey":"u-1","plan":"pro"}}',
    b'{"context":{"userId":"u-2"}}',
    b'{"context":{"targetingKey":7}}',
    b'{"context":{"targetingKey":null}}',
    b'{"context":[]}',
    b"{}",
    b'{"context":{},"more":1}',
]
KEYS = [None, ["*"], [], ["checkout"], ["checkout", "checkout", "none", "limits"], ["\0"], ["staff"], "checkout", [1]]
ODD_BODIES = [b"", b"[]", b"null", b"{", b'{"context":{},"context":{"plan":"pro"}}', b'{"context":' + b"[" * 200]
RESOURCES = (["*"], ["flag:checkout"], ["limits", "flag:*"], ["config:*"], ["segment:*"], ["check.*"])
HEADERS = [
    {},
    {"If-None-Match": "*"},
    {"If-None-Match": '"other", "another"'},
    {"Accept-Encoding": "gzip, br;q=0.5"},
    {"Accept-Encoding": "gzip;q=0"},
    {"Content-Type": "application/json; charset=utf-8"},
    {"Content-Type": "text/plain"},
    {"Content-Encoding": "gzip"},
    {"X-Reason": "\n"},
    {"X-Break-Glass": "a reason"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "https://shop.example"},
    {"Origin": "https://shop.example", "Cookie": "a=b"},
    {"Transfer-Encoding": "chunked"},
    {"X-Request-Id": "of the caller"},
]


RULES = [
    {"if": {"field": "plan", "$equals": "pro"}, "value": False, "name": "pro", "rolloutPercent": 50},
    {"if": {"$segment": "staff"}, "value": True},
]

HOST = "http://signalbox.test"


class Both:
    """The app with its front, and without, which are asked in turns."""

    def __init__(self, app: Starlette) -> None:
        self.front_answered, self._body = False, b""
        self._app, self._front = app, app.state.front

    async def _with_front(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = self._front.read(scope)
        answer = None if head is None else self._front.answer(head, scope["client"], self._body)
        self.front_answered = isinstance(answer, tuple)
        if answer is None or isinstance(answer, RequestInfo):
            scope["signalbox.request"] = answer
            await self._app(scope, receive, send)
            return
        status, lines, body = answer
        headers = [tuple(line.split(b": ", 1)) for line in lines.removesuffix(b"\r\n").split(b"\r\n")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answers(self, method: str, path: str, **given: Any) -> list[httpx2.Response]:
        """What the front makes of a request, and what the app behind it does."""
        self._body = httpx2.Request(method, f"{HOST}{path}", **given).content
        replies: list[httpx2.Response] = []
        for app in (self._with_front, self._app):
            transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx2.AsyncClient(transport=transport, base_url=HOST) as client:
                replies.append(await client.request(method, path, **given))
        return replies


def shown(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], Any]:
    """All of it but what is another for each request."""
    own = {"x-request-id", "x-ratelimit-remaining"}
    headers = sorted((name, value) for name, value in answer.headers.multi_items() if name not in own)
    if answer.status_code < HTTPStatus.BAD_REQUEST:
        return answer.status_code, headers, answer.content
    return answer.status_code, headers, answer.json() | {"requestId": ""}


@pytest.fixture
async def tokens(instance: Instance, workspace: Workspace) -> list[str]:
    """Of each level that matters, with resources and environments that cover what is asked for, and others."""
    org, instance.node.buckets = workspace.org, MemoryBuckets(lambda: 0)
    here, project = workspace.environment["id"], workspace.project["id"]
    owner = org.owner
    await owner.make("updateFlagState", environmentId=here, key="checkout", rules=RULES)
    elsewhere = (await owner.make("createEnvironment", projectId=project, key="other", name="Other"))["id"]
    scopes: list[dict[str, Any]] = [{"envs": [here]}, {"envs": [elsewhere]}, {"projects": [project]}, {"org": True}]
    asked: list[dict[str, Any]] = [{"environments": scope} for scope in scopes]
    asked += [{"resources": resources, "level": level} for resources in RESOURCES for level in ("client", "observer")]
    asked += [{"actions": ["write"]}, {"approvalRequired": True}, {"ipAllowlist": ["203.0.113.0/24"]}]
    asked += [{"level": "client"}, {"ipAllowlist": ["127.0.0.0/8"]}]
    made = [(await instance.minted(org, **one))["token"] for one in asked]
    other = await instance.workspace(await instance.org("globex"))
    return [*made, (await instance.minted(other.org))["token"], new_token_secret(), "nonsense", ""]


TOKENS = st.integers(0, 60)
BODIES = st.builds(
    lambda context, keys, more: json.dumps(
        {"context": context, **({} if keys is None else {"keys": keys}), **more}
    ).encode(),
    st.sampled_from(CONTEXTS),
    st.sampled_from(KEYS),
    st.sampled_from(MORE),
) | st.sampled_from(ODD_BODIES)
CALLED = st.sampled_from([str, str, str, str.upper, lambda one: one[:-1], lambda one: one + "%2Fx"])


async def compare(both: Both, method: str, path: str, **given: Any) -> None:
    """Asks twice: the second time everything is in memory."""
    for _ in range(2):
        by_front, by_surface = await both.answers(method, path, **given)
        assert shown(by_front) == shown(by_surface)
        left = [answer.headers.get("x-ratelimit-remaining") for answer in (by_front, by_surface)]
        assert left == [None, None] or int(left[0] or 0) - int(left[1] or 0) == 1


def sent_by(token: str, scheme: str, headers: dict[str, str]) -> dict[str, str]:
    sent = {"Content-Type": "application/json", **headers}
    return sent | ({"X-API-Key": token} if scheme == "key" else {"Authorization": f"{scheme} {token}"})


SCHEMES = st.sampled_from(["Bearer", "Bearer", "key", "bearer", "Basic"])


@given(st.data())
async def test_the_front_answers_as_rest_does(
    app: Starlette, workspace: Workspace, tokens: list[str], data: st.DataObject
) -> None:
    called, call = data.draw(CALLED), data.draw(st.sampled_from(CALLS))
    environment = called(data.draw(st.sampled_from(["acme:web:prod", workspace.environment["id"]])))
    headers = sent_by(tokens[data.draw(TOKENS) % len(tokens)], data.draw(SCHEMES), data.draw(st.sampled_from(HEADERS)))
    method = "GET" if call.startswith("rule") else "POST"
    body = {"content": data.draw(BODIES)} if method == "POST" else {}
    await compare(Both(app), method, f"/api/v1/envs/{environment}/{call}", headers=headers, **body)


@given(st.data())
async def test_the_front_answers_as_ofrep_does(
    app: Starlette, workspace: Workspace, tokens: list[str], data: st.DataObject
) -> None:
    environments = [None, None, "acme:web:prod", workspace.environment["id"], workspace.environment["id"].upper(), ""]
    environment, call = data.draw(st.sampled_from(environments)), data.draw(st.sampled_from(OFREP_CALLS))
    headers = sent_by(tokens[data.draw(TOKENS) % len(tokens)], data.draw(SCHEMES), data.draw(st.sampled_from(HEADERS)))
    named = {} if environment is None else {"X-Signalbox-Env": environment}
    body = data.draw(st.sampled_from([*OFREP_BODIES, *ODD_BODIES]))
    path = f"/ofrep/v1/evaluate/flags{call}"
    await compare(Both(app), "POST", path, headers={**headers, **named}, content=body)


async def test_what_a_token_has_left_is_counted_once(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    instance.node.buckets = MemoryBuckets(lambda: 0)
    token = (await instance.minted(workspace.org, rateLimitPerMin=3))["token"]
    path, headers = f"/api/v1/envs/{workspace.environment['id']}/evaluate", {"Authorization": f"Bearer {token}"}
    asked = [{"context": {}}, {"context": {}, "keys": ["checkout"], "verboseReason": True}]  # the front hands on one
    both = Both(app)
    answers = [one for body in asked for one in await both.answers("POST", path, json=body, headers=headers)]
    assert [(one.status_code, one.headers["x-ratelimit-remaining"]) for one in answers] == [
        (200, "2"),
        (200, "1"),
        (200, "0"),
        (429, "0"),
    ]
    refused = (await both.answers("POST", path, json=asked[0], headers=headers))[0]
    assert (refused.status_code, refused.json()["code"]) == (429, "token_rate_limit")


async def test_the_front_counts_evaluations_as_the_surfaces_do(
    app: Starlette, instance: Instance, workspace: Workspace
) -> None:
    both, here, evaluated = Both(app), workspace.environment["id"], instance.node.usage.totals
    token = (await instance.minted(workspace.org))["token"]
    headers = {"Authorization": f"Bearer {token}", "X-Signalbox-Env": here}
    calls: list[tuple[str, dict[str, Any], int]] = [
        (f"/api/v1/envs/{here}/evaluate", {}, 3),
        (f"/api/v1/envs/{here}/evaluate", {"keys": ["banner", "banner", "limits", "none"]}, 2),
        ("/ofrep/v1/evaluate/flags", {}, 3),
        ("/ofrep/v1/evaluate/flags/banner", {}, 1),
        ("/ofrep/v1/evaluate/flags/none", {}, 0),
    ]
    for path, asked, times in calls:
        await both.answers("POST", path, json={"context": {}, **asked}, headers=headers)  # into memory
        before = evaluated().get(here, 0)
        answers = await both.answers("POST", path, json={"context": {}, **asked}, headers=headers)
        assert answers[0].status_code == answers[1].status_code
        assert both.front_answered is (times > 0)
        assert evaluated().get(here, 0) - before == 2 * times
    tag = (await both.answers("POST", calls[2][0], json={"context": {}}, headers=headers))[0].headers["etag"]
    before = evaluated()
    answers = await both.answers("POST", calls[2][0], json={"context": {}}, headers={**headers, "If-None-Match": tag})
    assert [one.status_code for one in answers] == [304, 304]
    assert evaluated() == before


async def test_known_callers_are_answered_from_memory(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    both, here = Both(app), f"/api/v1/envs/{workspace.environment['id']}"
    token = await instance.minted(workspace.org, environments={"envs": [workspace.environment["id"]]})
    sent = {"headers": {"Authorization": f"Bearer {token['token']}"}}
    body = {"context": {"userId": "u-1"}, "keys": ["checkout"]}
    for asked, status in (
        (("POST", f"{here}/evaluate", {"json": body}), 200),
        (("POST", f"{here}/evaluate", {"json": {"context": {}}}), 200),
        (("POST", "/ofrep/v1/evaluate/flags/checkout", {"json": {"context": {"targetingKey": "u-1"}}}), 200),
        (("POST", "/ofrep/v1/evaluate/flags", {"json": {"context": {"targetingKey": "u-1"}}}), 200),
        (("GET", f"{here}/ruleset", {}), 200),
    ):
        method, path, more = asked
        await both.answers(method, path, **sent, **more)
        answers = await both.answers(method, path, **sent, **more)
        assert [answer.status_code for answer in answers] == [status, status]
        assert both.front_answered
    has = {"headers": {**sent["headers"], "If-None-Match": answers[0].headers["etag"]}}
    assert [one.status_code for one in await both.answers("GET", f"{here}/ruleset", **has)] == [304, 304]
    assert both.front_answered


async def test_what_ends_is_refused_at_once(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    both, owner = Both(app), workspace.org.owner
    path, body = f"/api/v1/envs/{workspace.environment['id']}/evaluate", {"context": {}, "keys": ["checkout"]}
    token = await instance.minted(workspace.org)
    sent = {"headers": {"Authorization": f"Bearer {token['token']}"}, "json": body}
    for value in (True, False, True):
        await owner.make(
            "updateFlagState", environmentId=workspace.environment["id"], key="checkout", defaultValue=value
        )
        answers = [await both.answers("POST", path, **sent) for _ in range(2)][1]
        assert [one.json()["evaluations"]["checkout"]["value"] for one in answers] == [value, value]
    await owner.make("revokeApiKey", orgSlug=workspace.org.slug, apiKeyId=token["id"])
    assert [one.status_code for one in await both.answers("POST", path, **sent)] == [401, 401]
    again = await instance.minted(workspace.org)
    sent["headers"] = {"Authorization": f"Bearer {again['token']}"}
    assert [one.status_code for one in await both.answers("POST", path, **sent)] == [200, 200]
    await owner.make("deleteEnvironment", environmentId=workspace.environment["id"], confirm="prod")
    assert [one.status_code for one in await both.answers("POST", path, **sent)] == [404, 404]


async def test_each_evaluation_is_offered_to_the_sample_once(
    app: Starlette, instance: Instance, workspace: Workspace
) -> None:
    both, here = Both(app), workspace.environment["id"]
    await workspace.org.admin.make("setTrafficSample", environmentId=here, size=100, fields=["userId"])
    token = await instance.minted(workspace.org, environments={"envs": [here]})
    sent = {"headers": {"Authorization": f"Bearer {token['token']}"}}
    named, targeted = {"context": {"userId": "u-1", "plan": "pro"}}, {"context": {"targetingKey": "u-1"}}
    calls = (
        (f"/api/v1/envs/{here}/evaluate", named, 4),
        (f"/api/v1/envs/{here}/evaluate", {**named, "keys": ["checkout"]}, 8),
        ("/ofrep/v1/evaluate/flags/checkout", targeted, 12),
        ("/ofrep/v1/evaluate/flags/nothing", targeted, 12),
        ("/ofrep/v1/evaluate/flags", targeted, 16),
    )
    for path, body, offered in calls:
        for _ in range(2):
            answers = await both.answers("POST", path, json=body, **sent)
        assert both.front_answered == ("nothing" not in path)
        assert await sampled(instance, workspace) == [{"userId": "u-1"}] * offered
    has = {"headers": {**sent["headers"], "If-None-Match": answers[0].headers["etag"]}}
    assert [one.status_code for one in await both.answers("POST", path, json=body, **has)] == [304, 304]
    assert len(await sampled(instance, workspace)) == 16, "nothing was evaluated"


async def sampled(instance: Instance, workspace: Workspace) -> list[Any]:
    """The contexts of the sample."""
    await write_chosen(instance.node)
    found = await workspace.org.viewer.make("trafficSample", environmentId=workspace.environment_id)
    return list(found["contexts"])
