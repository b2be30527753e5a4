"""Of two faults in one request the one that is checked first is reported, whichever they are, on each transport."""

import json
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import pytest

from tests.clients import GraphQLApi
from tests.documents import DOCUMENTS
from tests.factories import Instance, Workspace

UNKNOWN = "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"


@dataclass(frozen=True, slots=True)
class Ask:
    """A change of a flag's state: all that can be wrong with the request."""

    environment_id: str
    caller: str = "editor"
    method: str = ""
    path: str = ""
    site: str = "same-origin"
    content: bytes | None = None
    value: Any = "changed"
    rules: Any = None
    if_match: str = "*"


# In the order in which they are checked.
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "route": ("not_found", {"path": "/api/v1/nothing"}),
    "method": ("method_not_allowed", {"method": "PURGE"}),
    "authentication": ("unauthorized", {"caller": "unknown"}),
    "origin": ("forbidden", {"site": "cross-site"}),
    "syntax": ("invalid_request", {"content": b"{"}),
    "size": ("invalid_request", {"content": b" " * (1024 * 1024 + 1)}),
    "ids": ("not_found", {"environment_id": UNKNOWN}),
    "role": ("insufficient_role", {"caller": "viewer"}),
    "body": ("invalid_request", {"value": 1}),
    "precondition": ("precondition_failed", {"if_match": '"stale"'}),
    "content": ("approval_not_supported", {"rules": [{"value": "also"}]}),
}
PAIRS = [
    (first, second)
    for first, second in combinations(FAULTS, 2)
    if FAULTS[first][1].keys().isdisjoint(FAULTS[second][1])
]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=[f"{first} and {second}" for first, second in PAIRS])
async def test_the_first_of_two_faults_is_told(
    instance: Instance, workspace: Workspace, first: str, second: str
) -> None:
    await instance.protect(workspace.environment_id)
    ask = Ask(workspace.environment_id)
    async with instance.unchanged():
        assert await reported(instance, workspace, replace(ask, **FAULTS[first][1])) == FAULTS[first][0]
        assert await reported(instance, workspace, replace(ask, **FAULTS[second][1])) == FAULTS[second][0]
        assert (
            await reported(instance, workspace, replace(ask, **FAULTS[first][1], **FAULTS[second][1]))
            == FAULTS[first][0]
        )


async def reported(instance: Instance, workspace: Workspace, ask: Ask) -> str:
    """The code that the request is refused with."""
    callers = {"editor": workspace.org.editor, "viewer": workspace.org.viewer}
    caller = callers.get(ask.caller) or instance.bearer("sbx_unknown")
    given = {"defaultValue": ask.value, **({} if ask.rules is None else {"rules": ask.rules})}
    headers = {"Sec-Fetch-Site": ask.site, "Content-Type": "application/json"}
    if isinstance(caller, GraphQLApi):
        where = {"environmentId": ask.environment_id, "key": "banner", "ifMatch": ask.if_match}
        body: Any = {"query": DOCUMENTS["updateFlagState"], "variables": {"input": {**where, **given}}}
        method, path = ask.method or "POST", ask.path or "/graphql"
    else:
        headers["If-Match"], body = ask.if_match, given
        method, path = ask.method or "PATCH", ask.path or f"/api/v1/envs/{ask.environment_id}/flags/banner"
    content = json.dumps(body).encode() if ask.content is None else ask.content
    answer = (await caller.client.request(method, path, content=content, headers=headers)).json()
    return str(answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer["code"])
