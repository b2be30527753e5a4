"""How many previews an actor may have at once, how long each may be, and what ends one."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.rest.app import PREFIX
from tests.clients import Api
from tests.documents import DOCUMENTS
from tests.factories import Instance, Workspace

DRAFTS = {"flags": {"banner": {"defaultValue": "bye"}}}


class Gate:
    """Takes the place of the thread that previews are made in: nothing is begun until it is opened."""

    def __init__(self, instance: Instance) -> None:
        self._off_loop = instance.node.off_loop
        self._opened = asyncio.Event()
        self._arrived = asyncio.Semaphore(0)
        instance.node.host = replace(instance.node.host, off_loop=self)

    async def __call__(self, work: Callable[[], Any]) -> Any:
        self._arrived.release()
        await self._opened.wait()
        return await self._off_loop(work)

    async def arrival(self) -> None:
        """Waits until one preview more is at the gate."""
        await self._arrived.acquire()

    def open(self) -> None:
        self._opened.set()


def request(instance: Instance, workspace: Workspace, *contexts: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path and the body of a preview."""
    body: dict[str, Any] = {"spotCheck": list(contexts), "ruleset": DRAFTS}
    if instance.transport == "rest":
        return f"{PREFIX}/envs/{workspace.environment_id}/evaluate/preview", body
    variables = {"input": {"environmentId": workspace.environment_id, **body}}
    return "/graphql", {"query": DOCUMENTS["preview"], "variables": variables}


def begun(instance: Instance, workspace: Workspace, caller: Api) -> "asyncio.Task[Any]":
    path, body = request(instance, workspace, {})
    return asyncio.create_task(caller.client.post(path, json=body))


@pytest.mark.all_pairs
async def test_an_actor_has_two_previews_at_once(instance: Instance, workspace: Workspace) -> None:
    gate, viewer = Gate(instance), workspace.org.viewer
    running = []
    for _ in range(2):
        running.append(begun(instance, workspace, viewer))
        await gate.arrival()
    refused = await begun(instance, workspace, viewer)
    error = refused.json() if instance.transport == "rest" else refused.json()["errors"][0]["extensions"]
    assert (error["code"], refused.headers["retry-after"]) == ("rate_limited", "1")
    of_another = begun(instance, workspace, workspace.org.editor)
    await gate.arrival()
    gate.open()
    for answer in await asyncio.gather(*running, of_another):
        assert answer.status_code == 200
        assert "errors" not in answer.json()
    assert (await viewer.do("preview", **_asked(workspace))).code is None


@pytest.mark.all_pairs
async def test_a_client_that_goes_away_ends_its_preview(instance: Instance, workspace: Workspace) -> None:
    gate = Gate(instance)
    secret = (await instance.minted(workspace.org))["token"]
    gone = [asyncio.Event() for _ in range(2)]
    leaving = []
    for event in gone:
        leaving.append(asyncio.create_task(_called(instance, workspace, secret, event)))
        await gate.arrival()
    caller = instance.bearer(secret)
    assert (await caller.do("preview", **_asked(workspace))).code == "rate_limited"
    gone[0].set()
    await leaving[0]
    again = begun(instance, workspace, caller)
    await gate.arrival()
    gate.open()
    assert (await again).status_code == 200
    await leaving[1]


def _asked(workspace: Workspace) -> dict[str, Any]:
    return {"environmentId": workspace.environment_id, "spotCheck": [{}], "ruleset": DRAFTS}


async def _called(instance: Instance, workspace: Workspace, secret: str, gone: asyncio.Event) -> None:
    """A call of the app by a client that goes away when it is told to."""
    path, body = request(instance, workspace, {})
    sent = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive() -> dict[str, Any]:
        if sent:
            return sent.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        """Nobody reads it."""

    named = {"host": "localhost", "authorization": f"Bearer {secret}", "content-type": "application/json"}
    headers = [(name.encode(), value.encode()) for name, value in named.items()]
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": path}
    scope |= {"raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers}
    await instance.app({**scope, "client": ("127.0.0.1", 1), "server": ("localhost", 80)}, receive, send)


async def test_a_body_may_be_longer_than_others(instance: Instance, workspace: Workspace) -> None:
    contexts = [{"userId": f"u-{n}", "text": "x" * 15_000} for n in range(1_000)]
    if instance.transport == "graphql":
        contexts = contexts[:60]
    path, body = request(instance, workspace, *contexts)
    answer = (await workspace.org.viewer.client.post(path, json=body)).json()
    found = answer["data"]["preview"] if instance.transport == "graphql" else answer
    assert found["flips"] == {"banner": len(contexts)}
    assert [result["context"] for result in found["results"]] == contexts
    assert found["truncated"] is False


@pytest.mark.raises_codes("invalid_request", on="rest")
async def test_a_body_has_a_limit(instance: Instance, workspace: Workspace) -> None:
    path = f"{PREFIX}/envs/{workspace.environment_id}/evaluate/preview"
    answer = await workspace.org.viewer.client.post(path, json={"x": "x" * 17_000_000})
    assert (answer.status_code, answer.json()["fields"]) == (400, {"body": "The body is larger than 16384 KiB."})
    assert (await instance.anonymous().client.post(path, json={"x": "x" * 20_000})).status_code == 401


async def test_what_has_no_room_is_left_out_and_counted(instance: Instance, workspace: Workspace) -> None:
    value = "v" * 60_000
    drafts = {"flags": {"banner": {"defaultValue": value}}}
    contexts = [{"userId": f"u-{n}"} for n in range(600 if instance.transport == "rest" else 60)]
    asked = {"environmentId": workspace.environment_id, "spotCheck": contexts, "ruleset": drafts}
    found = await workspace.org.viewer.make("preview", **asked)
    assert found["truncated"] is True
    assert 0 < len(found["results"]) < len(contexts)
    assert [result["context"] for result in found["results"]] == contexts[: len(found["results"])]
    assert found["flips"] == {"banner": len(contexts)}
