"""OpenFeature's remote evaluation protocol, as its clients ask: at the root, with one token and nothing else."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from app.domain.errors import AppError
from app.main import create_app
from app.rest.app import as_the_surface_asked
from app.runtime.rate_limits import MemoryBuckets
from app.settings import Settings
from tests.clock import SetClock
from tests.conftest import client_of
from tests.factories import Instance, Workspace

FLAGS = "/ofrep/v1/evaluate/flags"
RULES = [
    {"name": "internal", "if": {"field": "plan", "$equals": "pro"}, "value": "for pros"},
    {"if": {"field": "plan", "$equals": "trial"}, "rolloutPercent": 100, "value": "for trials"},
    {
        "if": {"field": "plan", "$equals": "free"},
        "split": [{"value": "blue", "percent": 100, "name": "sea"}, {"value": "red", "percent": 0}],
    },
]


@dataclass(frozen=True, slots=True)
class Caller:
    """A program with a token."""

    client: httpx2.AsyncClient
    environment: str | None = None

    async def post(self, path: str = "", body: Any = None, **headers: str) -> httpx2.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {} if self.environment is None else {"X-Signalbox-Env": self.environment}
        return await self.client.post(FLAGS + path, json=body or {}, headers={**named, **sent})

    async def one(self, key: str, **context: Any) -> dict[str, Any]:
        answer = await self.post(f"/{key}", {"context": context})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def all(self, **context: Any) -> dict[str, dict[str, Any]]:
        answer = await self.post("", {"context": context})
        assert answer.status_code == 200, answer.text
        return {one["key"]: one for one in answer.json()["flags"]}


@pytest.fixture
async def caller(instance: Instance, workspace: Workspace) -> Caller:
    """With what a public browser may hold."""
    scope = {"environments": {"envs": [workspace.environment_id]}, "level": "client"}
    return Caller((await instance.token(workspace.org, **scope)).client)


async def test_one_key_and_all_keys_are_answered_alike(workspace: Workspace, caller: Caller) -> None:
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=RULES)
    default = {"reason": "DEFAULT"}
    expected = {
        "checkout": {"key": "checkout", "value": True, "variant": "true", **default},
        "banner": {"key": "banner", "value": "for pros", "variant": "for pros", "reason": "TARGETING_MATCH"},
        "limits": {"key": "limits", "value": {"a": 1}, "variant": '{"a":1}', **default},
    }
    assert await caller.all(plan="pro") == expected
    assert {key: await caller.one(key, plan="pro") for key in expected} == expected


@pytest.mark.parametrize(
    ("context", "value", "reason", "variant"),
    [
        ({}, "hello", "DEFAULT", "hello"),
        ({"plan": "pro"}, "for pros", "TARGETING_MATCH", "for pros"),
        ({"plan": "trial", "targetingKey": "u-1"}, "for trials", "SPLIT", "for trials"),
        ({"plan": "trial"}, "hello", "DEFAULT", "hello"),  # without an id no percentage admits
        ({"plan": "free", "targetingKey": "u-1"}, "blue", "SPLIT", "sea"),
    ],
)
async def test_reasons_and_variants(
    workspace: Workspace, caller: Caller, context: dict[str, Any], value: str, reason: str, variant: str
) -> None:
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=RULES)
    found = await caller.one("banner", **context)
    assert (found["value"], found["reason"], found["variant"]) == (value, reason, variant)
    assert "internal" not in str(found)  # a client may not see the names of rules


async def test_a_killed_flag_is_disabled_and_has_its_killed_value(workspace: Workspace, caller: Caller) -> None:
    for flag in (workspace.checkout, workspace.banner):
        await workspace.org.editor.make("killFlag", **flag)
    killed = {key: (one["value"], one["reason"], one["variant"]) for key, one in (await caller.all()).items()}
    assert killed["checkout"] == (False, "DISABLED", "false")
    assert killed["banner"] == ("hello", "DISABLED", "hello")


@pytest.mark.parametrize(
    ("config_type", "value", "sent"),
    [
        ("number", 1, "1.0"),
        ("number", 12.5, "12.5"),
        ("number", -(2**63), "-9.223372036854776e+18"),
        ("boolean", False, "false"),
        ("string", "1", '"1"'),
        ("json", 1, "1"),
        ("json", None, "null"),
        ("json", [1, {"b": 1.5}], '[1,{"b":1.5}]'),
    ],
)
async def test_values_keep_their_type(
    workspace: Workspace, caller: Caller, config_type: str, value: Any, sent: str
) -> None:
    made = {"projectId": workspace.project_id, "key": "made", "type": config_type, "defaultValue": value}
    await workspace.org.editor.make("createConfig", **made)
    text = (await caller.post("/made")).text
    assert f'"value":{sent},' in text
    assert f'{{"key":"made","value":{sent},' in (await caller.post()).text


async def test_the_targeting_key_is_the_target_id_unless_the_context_has_one(
    workspace: Workspace, caller: Caller
) -> None:
    rules = [
        {"if": {"$segment": "staff"}, "value": "staff"},
        {"if": {"field": "targetingKey", "$equals": "u-2"}, "value": "second"},
    ]
    await workspace.org.editor.make("updateSegmentState", **workspace.staff, allowList=["u-1"])
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=rules)
    for context, value in (
        ({"targetingKey": "u-1"}, "staff"),
        ({"targetingKey": "u-1", "userId": "u-3"}, "hello"),
        ({"targetingKey": "u-1", "userId": None}, "hello"),
        ({"targetingKey": "u-2"}, "second"),
        ({"targetingKey": "u-2", "userId": "u-1"}, "staff"),
    ):
        assert (await caller.one("banner", **context))["value"] == value, context
        assert (await caller.all(**context))["banner"]["value"] == value, context


async def test_a_target_id_field_with_a_dot_takes_the_targeting_key(workspace: Workspace, caller: Caller) -> None:
    await workspace.org.owner.make("updateProject", projectId=workspace.project_id, targetIdField="user.id")
    await workspace.org.editor.make("updateSegmentState", **workspace.staff, allowList=["u-1"])
    await workspace.org.editor.make(
        "updateFlagState", **workspace.banner, rules=[{"if": {"$segment": "staff"}, "value": "staff"}]
    )
    assert (await caller.one("banner", targetingKey="u-1", user={"name": "Ada"}))["value"] == "staff"
    assert (await caller.one("banner", targetingKey="u-1", user={"id": "u-2"}))["value"] == "hello"


async def test_the_answer_for_all_keys_tells_the_version(workspace: Workspace, caller: Caller) -> None:
    answer = (await caller.post()).json()
    assert answer["metadata"] == {"environmentId": workspace.environment_id, "version": await workspace.version()}
    assert all(set(one) == {"key", "value", "reason", "variant"} for one in answer["flags"])


async def test_a_token_gets_the_keys_that_it_covers(instance: Instance, workspace: Workspace) -> None:
    scope = {"environments": {"envs": [workspace.environment_id]}, "resources": ["flag:*"]}
    caller = Caller((await instance.token(workspace.org, **scope)).client)
    assert set(await caller.all()) == {"checkout", "banner"}
    await refused(await caller.post("/limits"), 404, "not_found", "FLAG_NOT_FOUND", "limits")
    narrow = Caller((await instance.token(workspace.org, **scope | {"resources": ["checkout"]})).client)
    for key in ("banner", "none"):  # whether it exists or not
        await refused(await narrow.post(f"/{key}"), 403, "token_resource_out_of_scope", "GENERAL", key)


# Which environment


async def test_a_header_names_the_environment_by_id_or_name(instance: Instance, workspace: Workspace) -> None:
    for client in ((await instance.token(workspace.org)).client, workspace.org.viewer.client):
        for environment in (workspace.environment_id, workspace.environment_id.upper(), "acme:web:prod"):
            assert (await Caller(client, environment).one("banner"))["value"] == "hello"
            assert set(await Caller(client, environment).all()) == {"checkout", "banner", "limits"}


@pytest.mark.parametrize("path", ["", "/banner"])
async def test_without_one_environment_the_header_is_asked_for(
    instance: Instance, workspace: Workspace, path: str
) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    for scope in (
        {"org": True},
        {"projects": [workspace.project_id]},
        {"envs": [workspace.environment_id, dev["id"]]},
    ):
        token = await instance.token(workspace.org, environments=scope)
        refused = (await Caller(token.client).post(path)).json()
        assert (refused["code"], list(refused["fields"])) == ("invalid_request", ["X-Signalbox-Env"])
        assert "org:project:environment" in refused["errorDetails"]
        assert refused["errorCode"] == "GENERAL"
    assert (await Caller(workspace.org.viewer.client).post(path)).json()["code"] == "invalid_request"


async def test_a_header_beyond_the_tokens_scope_is_refused(workspace: Workspace, caller: Caller) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    refused = await Caller(caller.client, dev["id"]).post("/banner")
    assert (refused.status_code, refused.json()["code"]) == (403, "token_env_out_of_scope")


# Refusals


async def refused(answer: httpx2.Response, status: int, code: str, error_code: str, key: str | None) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"], body["errorCode"]) == (status, code, error_code), answer.text
    assert body.get("key") == key
    assert body["errorDetails"].startswith(body["message"][:20])
    assert body["requestId"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    return body


@pytest.mark.parametrize(
    ("body", "error_code", "field"),
    [
        (b"{", "PARSE_ERROR", "body"),
        (b"[]", "PARSE_ERROR", "body"),
        (b'{"flags":[]}', "PARSE_ERROR", "flags"),
        (b'{"context":[]}', "INVALID_CONTEXT", "context"),
        (b'{"context":null}', "INVALID_CONTEXT", "context"),
        (b'{"context":{"a":1e400}}', "INVALID_CONTEXT", "context.a"),
        (b'{"context":{"targetingKey":7}}', "INVALID_CONTEXT", "context.targetingKey"),
        (b'{"context":{"targetingKey":null}}', "TARGETING_KEY_MISSING", "context.targetingKey"),
        (b'{"context":{"a":"' + b"x" * 65536 + b'"}}', "INVALID_CONTEXT", "context"),
    ],
)
@pytest.mark.parametrize("key", [None, "banner"])
async def test_what_is_wrong_is_told_in_both_forms(
    caller: Caller, key: str | None, body: bytes, error_code: str, field: str
) -> None:
    path = FLAGS if key is None else f"{FLAGS}/{key}"
    answer = await caller.client.post(path, content=body, headers={"Content-Type": "application/json"})
    told = await refused(answer, 400, "invalid_request", error_code, key)
    assert list(told["fields"]) == [field]
    assert told["fields"][field] in told["errorDetails"]


async def test_a_key_that_is_not_there_is_not_found(caller: Caller) -> None:
    for key in ("none", "staff", "BANNER", "a b", "x" * 300, "a/b", "banner/", "*"):
        await refused(await caller.post(f"/{key}"), 404, "not_found", "FLAG_NOT_FOUND", key)
    await refused(await caller.post("/a%2Fb"), 404, "not_found", "FLAG_NOT_FOUND", "a/b")
    await refused(await caller.post("/none", {"context": 1}), 404, "not_found", "FLAG_NOT_FOUND", "none")


async def test_a_path_or_a_method_that_is_not_there(caller: Caller) -> None:
    await refused(await caller.client.post("/ofrep/v1/nothing"), 404, "not_found", "GENERAL", None)
    await refused(await caller.client.post(f"{FLAGS}/"), 404, "not_found", "GENERAL", None)
    for path, key in ((FLAGS, None), (f"{FLAGS}/banner", "banner")):
        answer = await caller.client.get(path)
        await refused(answer, 405, "method_not_allowed", "GENERAL", key)
        assert answer.headers["allow"] == "OPTIONS, POST"


async def test_an_unknown_environment_or_parameter(workspace: Workspace, caller: Caller) -> None:
    viewer = workspace.org.viewer.client
    await refused(await Caller(viewer, "acme:web:none").post(), 404, "not_found", "GENERAL", None)
    told = await refused(await caller.post("?a=1"), 400, "invalid_request", "GENERAL", None)
    assert list(told["fields"]) == ["?a"]


async def test_callers_who_may_not(instance: Instance, workspace: Workspace) -> None:
    for client in (instance.anonymous().client, instance.bearer("sbx_unknown").client):
        answer = await Caller(client, workspace.environment_id).post("/banner")
        await refused(answer, 401, "unauthorized", "GENERAL", "banner")
        assert answer.headers["www-authenticate"] == "Bearer"
    scope = {"environments": {"envs": [workspace.environment_id]}}
    near = (await instance.minted(workspace.org, **scope, ipAllowlist=["10.0.0.0/8"]))["token"]
    await refused(await Caller(instance.bearer(near).client).post(), 403, "token_ip_denied", "GENERAL", None)
    writer = await instance.token(workspace.org, **scope, actions=["write"])
    await refused(await Caller(writer.client).post(), 403, "token_action_denied", "GENERAL", None)


async def test_the_other_header_for_tokens_does_too(instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org, environments={"envs": [workspace.environment_id]})
    caller = Caller(instance.anonymous().client)
    assert (await caller.post("/banner", X_API_Key=minted["token"])).status_code == 200


async def test_a_limit_is_told_in_whole_seconds(instance: Instance, workspace: Workspace) -> None:
    at = 0
    instance.node.buckets = MemoryBuckets(lambda: at)
    scope = {"environments": {"envs": [workspace.environment_id]}, "rateLimitPerMin": 60}
    caller = Caller((await instance.token(workspace.org, **scope)).client)
    answers = [await caller.post("/banner") for _ in range(61)]
    assert {one.status_code for one in answers[:-1]} == {200}
    assert answers[0].headers["x-ratelimit-remaining"] == "59"
    await refused(answers[-1], 429, "token_rate_limit", "GENERAL", "banner")
    assert answers[-1].headers["retry-after"] == "1"


@pytest.mark.parametrize("path", ["", "/banner"])
async def test_before_the_first_write_there_is_nothing_to_evaluate(workspace: Workspace, path: str) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    answer = await Caller(workspace.org.viewer.client, dev["id"]).post(path)
    await refused(answer, 503, "ruleset_not_cached", "GENERAL", path[1:] or None)
    assert answer.headers["retry-after"] == "1"


async def test_what_goes_wrong_inside_is_hidden_in_both_forms(
    instance: Instance, workspace: Workspace, caller: Caller
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("secret")

    instance.node.rulesets.load = broken  # type: ignore[assignment]
    instance.node.rulesets._snapshots.clear()
    told = await refused(await caller.post("/banner"), 500, "internal", "GENERAL", "banner")
    assert "secret" not in str(told)


async def test_a_page_of_another_origin_cannot_use_the_cookie(workspace: Workspace) -> None:
    answer = await Caller(workspace.org.viewer.client, workspace.environment_id).post(Sec_Fetch_Site="cross-site")
    await refused(answer, 403, "forbidden", "GENERAL", None)


# Tags


async def test_all_keys_have_a_tag_that_is_known_before_they_are_evaluated(
    workspace: Workspace, caller: Caller
) -> None:
    body = {"context": {"targetingKey": "u-1"}}
    first = await caller.post("", body)
    tag = first.headers["etag"]
    headers = {"cache-control": "private, no-cache", "vary": "Authorization, X-API-Key, Cookie", "etag": tag}
    for has in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await caller.post("", body, If_None_Match=has)
        assert (again.status_code, again.content) == (304, b""), has
        for answer in (first, again):
            assert {name: answer.headers[name] for name in headers} == headers
        assert "x-ratelimit-remaining" in again.headers
    assert (await caller.post("", body, If_None_Match='"other"')).status_code == 200
    await workspace.org.editor.make("killFlag", **workspace.banner)
    changed = await caller.post("", body, If_None_Match=tag)
    assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)
    assert changed.json()["metadata"]["version"] == first.json()["metadata"]["version"] + 1


async def test_a_tag_is_of_one_body_one_token_and_one_environment(instance: Instance, workspace: Workspace) -> None:
    copy = {"projectId": workspace.project_id, "copyFromEnvId": workspace.environment_id}
    dev = await workspace.org.editor.make("createEnvironment", **copy, key="dev", name="Dev")
    tokens = [(await instance.token(workspace.org)).client for _ in range(2)]
    tags = {
        (await Caller(client, environment).post("", body)).headers["etag"]
        for client in (*tokens, workspace.org.viewer.client)
        for environment in (workspace.environment_id, dev["id"])
        for body in ({"context": {}}, {"context": {"a": 1}})
    }
    assert len(tags) == 3 * 2 * 2


async def test_a_faulty_body_is_refused_whatever_tag_comes_with_it(caller: Caller) -> None:
    await refused(
        await caller.post("", {"context": 1}, If_None_Match="*"), 400, "invalid_request", "INVALID_CONTEXT", None
    )


async def test_the_tag_survives_a_restart(
    workspace: Workspace, caller: Caller, instance: Instance, clock: SetClock
) -> None:
    await workspace.org.editor.make("killFlag", **workspace.banner)
    tag = (await caller.post()).headers["etag"]
    instance.node.rulesets._snapshots.clear()
    assert (await caller.post("", If_None_Match=tag)).status_code == 304


# The version that an answer must not be older than


@pytest.mark.parametrize("path", ["", "/banner"])
async def test_a_version_is_waited_for(workspace: Workspace, caller: Caller, clock: SetClock, path: str) -> None:
    version = await workspace.version()
    assert (await caller.post(path, X_Signalbox_Min_Version=str(version))).status_code == 200
    waiting = asyncio.create_task(caller.post(path, X_Signalbox_Min_Version=f" {version + 1} "))
    await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="new")
    assert '"new"' in (await waiting).text
    clock.patient = False
    for later in (version + 2, 10**50):
        for asked in (path, "/made-by-then"):
            answer = await caller.post(asked, X_Signalbox_Min_Version=str(later))
            await refused(answer, 503, "unavailable", "GENERAL", asked[1:] or None)
            assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("text", ["", "x", "-1", "1.0", "1, 2", "\u0661"])
async def test_what_is_no_version_is_refused_at_the_header(caller: Caller, text: str) -> None:
    headers = {"X-Signalbox-Min-Version": text.encode()}
    answer = await caller.client.post(f"{FLAGS}/banner", json={}, headers=headers)
    told = await refused(answer, 400, "invalid_request", "GENERAL", "banner")
    assert list(told["fields"]) == ["X-Signalbox-Min-Version"]


async def test_what_an_event_has_clients_send_changes_nothing(caller: Caller) -> None:
    path = "?flagConfigEtag=%22x%22&flagConfigLastModified=1771622898"
    answers = [await caller.post(asked) for asked in ("", path)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["etag"] == answers[1].headers["etag"]
    told = await refused(await caller.post(f"{path}&x=1"), 400, "invalid_request", "GENERAL", None)
    assert list(told["fields"]) == ["?x"]
    told = await refused(await caller.post("", {"flagConfigEtag": "x"}), 400, "invalid_request", "PARSE_ERROR", None)
    assert list(told["fields"]) == ["flagConfigEtag"]


async def test_it_is_below_the_path_of_the_base_url(settings: Settings, workspace: Workspace) -> None:
    app = create_app(settings.model_copy(update={"base_url": "https://example.com/shop"}))
    async with app.router.lifespan_context(app):
        scope = {"environments": {"envs": [workspace.environment_id]}}
        cookie = workspace.org.admin.client.cookies["signalbox_session"]
        below = client_of(app)
        minted = await below.post(
            "/shop/api/v1/orgs/acme/api-keys",
            json={"name": "sdk", "level": "client", "resources": ["*"], **scope},
            headers={"Cookie": f"__Secure-signalbox_session={cookie}"},
        )
        headers = {"X-API-Key": minted.json()["token"]}
        found = await below.post(f"/shop{FLAGS}/banner", json={}, headers=headers)
        assert found.json()["value"] == "hello"
        answer = await below.post(f"/shop{FLAGS}/none", json={}, headers=headers)
        await refused(answer, 404, "not_found", "FLAG_NOT_FOUND", "none")
        await below.aclose()


async def test_of_a_field_given_twice_the_last_counts(workspace: Workspace, caller: Caller) -> None:
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=RULES)
    body, sent = b'{"context":{"plan":"free","plan":"pro"}}', {"Content-Type": "application/json"}
    for path in (FLAGS, f"{FLAGS}/banner"):
        assert "for pros" in (await caller.client.post(path, content=body, headers=sent)).text


@pytest.mark.parametrize(
    ("base_path", "path", "members"),
    [
        ("", f"{FLAGS}/banner", {"key", "errorCode", "errorDetails"}),
        ("/shop", f"/shop{FLAGS}/banner", {"key", "errorCode", "errorDetails"}),
        ("/shop", f"/shop{FLAGS}", {"errorCode", "errorDetails"}),
        ("/shop", f"{FLAGS}/banner", set()),  # is not below the base path
        ("", f"/shop{FLAGS}/banner", set()),
        ("/ofrep/v1", "/ofrep/v1/api/v1/auth/me", set()),
        ("", f"/ofrep/v1/nothing{FLAGS}/banner", {"errorCode", "errorDetails"}),
        ("", f"/api/v1/projects{FLAGS}/banner", set()),
    ],
)
async def test_who_is_refused_before_anything_is_routed_is_told_in_the_same_form(
    base_path: str, path: str, members: set[str]
) -> None:
    refusing = as_the_surface_asked(base_path)(AppError("unavailable"), "req_0123456789abcdef")
    transport = httpx2.ASGITransport(app=refusing)
    async with httpx2.AsyncClient(transport=transport, base_url="http://signalbox.test") as client:
        answer = await client.post(path)
    assert answer.status_code == 503
    assert set(answer.json()) == {"code", "message", "requestId"} | members
