"""What is wrong with a change that somebody proposes by hand, and in which order it is told."""

from datetime import datetime
from typing import Any

import pytest

from tests.factories import Instance, Workspace

UNKNOWN = "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"
OFF = {"kind": "set_default_value_flag", "resourceKey": "checkout", "diff": {"defaultValue": False}}
KILL = {"envId": "acme:web:prod", "kind": "kill_flag", "resourceKey": "checkout", "diff": {}}
DELETE = {"kind": "delete_flag", "resourceKey": "checkout", "diff": {}}


@pytest.mark.raises_codes("not_found")
@pytest.mark.parametrize(
    "wrong",
    [
        {**OFF, "envId": UNKNOWN},
        {**OFF, "envId": "acme:web:none"},
        {**OFF, "envId": "acme:web:prod", "resourceKey": "none"},
        {**OFF, "envId": "acme:web:prod", "projectId": UNKNOWN},
        {**DELETE, "projectId": UNKNOWN},
        {**DELETE, "projectId": "acme:web", "resourceKey": "none"},
    ],
)
async def test_what_is_not_there_is_told_before_the_role(
    instance: Instance, workspace: Workspace, wrong: dict[str, Any]
) -> None:
    async with instance.unchanged():
        for caller in (workspace.org.viewer, workspace.org.owner):
            reply = await caller.do("createProposal", **{**wrong, "expiresInSeconds": 1})
            assert (reply.code, reply.status) == ("not_found", 404)


@pytest.mark.raises_codes("insufficient_role")
async def test_the_role_is_told_before_the_body(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        reply = await workspace.org.viewer.do("createProposal", envId="acme:web:prod", **{**OFF, "diff": {"x": 1}})
        assert reply.code == "insufficient_role"


@pytest.mark.raises_codes("token_resource_out_of_scope", "token_env_out_of_scope")
async def test_a_token_is_tested_on_the_key_that_it_asks_for(instance: Instance, workspace: Workspace) -> None:
    narrow = await instance.token(workspace.org, level="proposer", resources=["flag:banner", "none"])
    single = await instance.token(workspace.org, level="proposer", environments={"envs": ["acme:web:prod"]})
    async with instance.unchanged():
        for key in ("checkout", "nothing"):
            reply = await narrow.do("createProposal", envId="acme:web:prod", **{**OFF, "resourceKey": key, "diff": {}})
            assert reply.code == "token_resource_out_of_scope"
        reply = await narrow.do("createProposal", envId="acme:web:prod", **{**OFF, "resourceKey": "none"})
        assert reply.code == "not_found"
        reply = await single.do("createProposal", projectId="acme:web", **DELETE)
        assert reply.code == "token_env_out_of_scope"


@pytest.mark.raises_codes("invalid_request")
@pytest.mark.parametrize(
    ("wrong", "faults"),
    [
        (OFF, {"envId"}),
        ({**OFF, "projectId": "acme:web"}, {"envId", "projectId"}),
        ({**OFF, "envId": "acme:web:prod", "projectId": "acme:web"}, {"projectId"}),
        ({**DELETE, "envId": "acme:web:prod"}, {"envId", "projectId"}),
        ({**DELETE, "projectId": "acme:web", "diff": {"x": 1}}, {"diff.x"}),
        ({**OFF, "envId": "acme:web:prod", "diff": {}}, {"diff.defaultValue"}),
        (
            {**OFF, "envId": "acme:web:prod", "diff": {"defaultValue": 1, "rules": []}},
            {"diff.defaultValue", "diff.rules"},
        ),
        ({**OFF, "envId": "acme:web:prod", "diff": {"defaultValue": True}}, {"diff"}),
        (
            {**OFF, "envId": "acme:web:prod", "diff": {"defaultValue": 1}, "expiresInSeconds": 59},
            {"diff.defaultValue", "expiresInSeconds"},
        ),
        ({**KILL, "expiresInSeconds": 2_592_001, "spotCheck": [{}] * 101}, {"expiresInSeconds", "spotCheck"}),
        ({**KILL, "spotCheck": [{}, 1, {"a": "x" * 65_536}]}, {"spotCheck.1", "spotCheck.2"}),
        (
            {**OFF, "envId": "acme:web:prod", "kind": "set_rules_flag", "diff": {"rules": [{"value": 1}]}},
            {"diff.rules.0.value"},
        ),
    ],
)
async def test_all_that_is_wrong_is_told_where_it_stands(
    instance: Instance, workspace: Workspace, wrong: dict[str, Any], faults: set[str]
) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do("createProposal", **wrong)
        assert (reply.code, reply.status) == ("invalid_request", 400)
        assert set(reply.fields) == faults


@pytest.mark.parametrize(
    ("asked", "seconds"), [({}, 604_800), ({"expiresInSeconds": 60}, 60), ({"expiresInSeconds": 2_592_000}, 2_592_000)]
)
async def test_how_long_it_waits(workspace: Workspace, asked: dict[str, Any], seconds: int) -> None:
    made = await workspace.org.editor.make("createProposal", **KILL, **asked)
    created, expires = (datetime.fromisoformat(made[name]) for name in ("createdAt", "expiresAt"))
    assert (expires - created).total_seconds() == seconds
