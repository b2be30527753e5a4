"""Reading the audit: the list with its filters, and one event."""

from datetime import timedelta
from typing import Any

import pytest

from tests.clock import SetClock
from tests.factories import Instance, Workspace


async def listed(workspace: Workspace, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await workspace.org.viewer.make("auditEvents", slug=workspace.org.slug, **asked)
    return found


async def test_a_change_is_listed_with_who_did_it_and_why(workspace: Workspace) -> None:
    reply = await workspace.org.editor.do("killFlag", **workspace.checkout, reason="It burns.")
    newest, *_ = await listed(workspace)
    editor = (await workspace.org.editor.make("me"))["actor"]
    assert newest == {
        "id": newest["id"],
        "at": newest["at"],
        "requestId": reply.request_id,
        "actor": editor,
        "approvers": [],
        "action": "kill",
        "resourceType": "flag",
        "resourceId": newest["resourceId"],
        "resourceKey": "checkout",
        "projectId": workspace.project_id,
        "versions": [{"envId": workspace.environment_id, "version": 3}],
        "reason": "It burns.",
    }
    assert await workspace.org.viewer.make("auditEvent", eventId=newest["id"]) == {
        **newest,
        "previousValue": {"defaultValue": True, "rules": [], "killed": False},
        "newValue": {"defaultValue": True, "rules": [], "killed": True},
        "diff": [{"op": "replace", "path": "/killed", "value": True}],
    }


async def test_an_event_shows_what_was_and_became(workspace: Workspace) -> None:
    org = workspace.org
    await org.editor.make("updateAllowList", **workspace.staff, add=["u-1", "u-2"])
    await org.editor.make("updateSegmentState", **workspace.staff, allowList=["u-2"], rules=[{"if": {"$and": []}}])
    await org.editor.make("deleteSegment", projectId=workspace.project_id, key="staff")
    await org.admin.make("updateEnvironment", environmentId=workspace.environment_id, name="Live")
    renamed, deleted, changed, *_ = [
        await org.viewer.make("auditEvent", eventId=one["id"]) for one in (await listed(workspace))[:3]
    ]
    before = {"rules": [], "allowList": ["u-1", "u-2"], "denyList": []}
    after = {"rules": [{"if": {"$and": []}}], "allowList": ["u-2"], "denyList": []}
    assert (changed["previousValue"], changed["newValue"]) == (before, after)
    assert {one["path"] for one in changed["diff"]} == {"/rules/0", "/allowList/0"}
    assert (deleted["previousValue"], deleted["newValue"]) == (after, None)
    assert (renamed["previousValue"], renamed["newValue"]) == ({"name": "Production"}, {"name": "Live"})
    assert renamed["diff"] == [{"op": "replace", "path": "/name", "value": "Live"}]


async def test_it_is_narrowed_by_each_filter(workspace: Workspace, clock: SetClock) -> None:
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    clock.ahead += timedelta(hours=1)
    await workspace.org.owner.make("updateConfigState", **workspace.limits, defaultValue=2)
    config, kill, *_ = await listed(workspace)
    assert [config["action"], kill["action"]] == ["update_state", "kill"]
    editor, owner = [(await of.make("me"))["actor"]["id"] for of in (workspace.org.editor, workspace.org.owner)]
    for asked, wanted in (
        ({"resourceType": "config", "action": "update_state"}, [config]),
        ({"resourceKey": "checkout", "actorId": editor}, [kill]),
        ({"actorId": editor}, [kill]),
        ({"action": "kill", "actorId": owner}, []),
        ({"since": config["at"]}, [config]),
        ({"since": kill["at"], "until": config["at"]}, [kill]),
        ({"since": "0000-03-02t09:00:00z", "action": "kill"}, [kill]),
        ({"envId": "acme:web:prod", "actorId": editor}, [kill]),
        ({"envId": "acme:web:nowhere"}, []),
        ({"resourceType": "nothing"}, []),
    ):
        assert await listed(workspace, **asked) == wanted, asked
    assert len(await listed(workspace, envId=workspace.environment_id)) == 4  # two flags were made before


async def test_it_is_paged_from_the_newest_on(workspace: Workspace) -> None:
    everything = await listed(workspace)
    first = await workspace.org.viewer.do("auditEvents", slug=workspace.org.slug, limit=2)
    second = await workspace.org.viewer.do("auditEvents", slug=workspace.org.slug, limit=2, cursor=first.next)
    assert first.data + second.data == everything[:4]


@pytest.mark.raises_codes("invalid_request")
@pytest.mark.parametrize("wrong", ["yesterday", "2026-03-02", "2026-03-02T09:00:00", "0000-02-30T09:00:00Z"])
async def test_an_instant_is_one(workspace: Workspace, wrong: str) -> None:
    reply = await workspace.org.viewer.do("auditEvents", slug=workspace.org.slug, since=wrong)
    assert (reply.code, [name.lstrip("?") for name in reply.fields]) == ("invalid_request", ["since"])


@pytest.mark.raises_codes("token_resource_out_of_scope", "token_env_out_of_scope")
async def test_a_token_reads_all_or_nothing(instance: Instance, workspace: Workspace) -> None:
    some = await instance.token(workspace.org, resources=["checkout"])
    one = await instance.token(workspace.org, environments={"envs": [workspace.environment_id]})
    whole = await instance.token(workspace.org)
    asked = {"slug": workspace.org.slug}
    assert (await some.do("auditEvents", **asked)).code == "token_resource_out_of_scope"
    assert (await one.do("auditEvents", **asked)).code == "token_env_out_of_scope"
    assert (await whole.do("auditEvents", **asked)).data


@pytest.mark.raises_codes("not_found")
async def test_anothers_event_is_none(instance: Instance, workspace: Workspace) -> None:
    event, *_ = await listed(workspace)
    other = await instance.org("other")
    for event_id in (event["id"], "x", "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"):
        assert (await other.owner.do("auditEvent", eventId=event_id)).code == "not_found"


async def test_an_environment_is_called_alike_in_every_list(instance: Instance, workspace: Workspace) -> None:
    if instance.transport == "rest":
        pytest.skip("lists below other things are GraphQL's")
    document = """query($project: ID!, $environment: ID!, $env: ID!) {
      org(slug: "acme") { auditEvents(envId: $env, action: "kill") { nodes { id } } }
      project(id: $project) { auditEvents(envId: $env, action: "kill") { nodes { id } } }
      environment(id: $environment) { auditEvents(envId: $env, action: "kill") { nodes { id } } }
      flag(projectId: $project, key: "checkout") { auditEvents(envId: $env, action: "kill") { nodes { id } } }
    }"""
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    viewer: Any = workspace.org.viewer
    for env, number in (
        (workspace.environment_id.upper(), 1),
        ("acme:web:prod", 1),
        ("ACME:web:prod", 0),
        ("acme:web:none", 0),
        ("other:web:prod", 0),
    ):
        asked = {"project": workspace.project_id, "environment": workspace.environment_id, "env": env}
        data = (await viewer.run(document, asked))["data"]
        assert {name: len(one["auditEvents"]["nodes"]) for name, one in data.items()} == dict.fromkeys(data, number), (
            env
        )
