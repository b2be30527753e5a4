"""What changed a flag, config or segment in an environment, itself or from outside."""

from random import Random
from typing import Any

import pytest

from tests.clients import GraphQLApi
from tests.factories import Instance, Workspace

LISTS = ("allowList", "denyList")
ON_STAFF = [{"if": {"$segment": "staff"}, "value": "hi"}]


def lines(found: Any) -> list[tuple[int, str | None, dict[str, Any]]]:
    return [(one["version"], one.get("causedBy", {}).get("key"), one["changes"]) for one in found]


async def history(workspace: Workspace, kind: str = "flag", **named: Any) -> Any:
    return await workspace.org.viewer.make(f"{kind}History", **(named or workspace.banner))


async def test_its_own_changes_have_what_was_and_became(workspace: Workspace) -> None:
    editor, first = workspace.org.editor, await workspace.version()
    await editor.make("updateFlagState", **workspace.banner, defaultValue="bye", reason="Why not")
    await editor.make("updateFlagState", **workspace.limits | {"key": "checkout"}, defaultValue=False)
    await editor.make("killFlag", **workspace.banner)
    await editor.make("updateFlagState", **workspace.banner, defaultValue="bye")  # changes nothing
    killed, changed, made = await history(workspace)
    assert (killed["version"], killed["changes"]) == (first + 3, {"killed": {"from": False, "to": True}})
    assert (changed["version"], changed["changes"]) == (first + 1, {"defaultValue": {"from": "hello", "to": "bye"}})
    assert (changed["action"], changed["reason"], killed["reason"]) == ("update_state", "Why not", None)
    assert changed["requestId"].startswith("req_")
    assert changed["actor"]["kind"] == "member"
    assert made["changes"] == {
        "defaultValue": {"from": None, "to": "hello"},
        "rules": {"from": None, "to": []},
        "killed": {"from": None, "to": False},
    }
    assert not any("causedBy" in one and one["causedBy"] for one in (killed, changed, made))


async def test_lists_show_what_they_got_and_lost(workspace: Workspace) -> None:
    editor = workspace.org.editor
    await editor.make("updateAllowList", **workspace.staff, add=["b", "a"])
    await editor.make("updateAllowList", **workspace.staff, add=["c"], remove=["a"])
    await editor.make("updateDenyList", **workspace.staff, add=[f"u-{number:03}" for number in range(60)])
    many, swapped, added, made = await history(workspace, "segment", **workspace.staff)
    assert swapped["changes"] == {
        "allowList": {"from": {"add": ["a"], "remove": ["c"]}, "to": {"add": ["c"], "remove": ["a"]}}
    }
    assert added["changes"]["allowList"]["to"] == {"add": ["a", "b"], "remove": []}
    first = [f"u-{number:03}" for number in range(50)]
    assert many["changes"]["denyList"]["to"] == {"add": first, "remove": [], "truncated": True}
    assert made["changes"]["allowList"] == {"from": None, "to": {"add": [], "remove": []}}


async def test_what_it_rests_on_changes_it_from_outside(workspace: Workspace) -> None:
    editor, project = workspace.org.editor, workspace.project_id
    await editor.make("createSegment", projectId=project, key="inner")
    inner = {"environmentId": workspace.environment_id, "key": "inner"}
    await editor.make("updateAllowList", **workspace.staff, add=["before"])
    start = await workspace.version()
    await editor.make("updateFlagState", **workspace.banner, rules=ON_STAFF)
    await editor.make("updateAllowList", **inner, add=["not yet"])
    await editor.make("updateSegmentState", **workspace.staff, rules=[{"if": {"$segment": "inner"}}])
    await editor.make("updateAllowList", **inner, add=["now"])
    await editor.make("updateSegmentState", **workspace.staff, rules=[])
    await editor.make("updateAllowList", **inner, add=["no more"])
    await editor.make("updateFlagState", **workspace.banner, rules=[])
    await editor.make("updateAllowList", **workspace.staff, add=["after"])
    found = await history(workspace)
    assert [one[:2] for one in lines(found)][:-1] == [
        (start + 7, None),
        (start + 5, "staff"),
        (start + 4, "inner"),
        (start + 3, "staff"),
        (start + 1, None),
    ]
    assert found[2]["causedBy"] == {"resourceType": "segment", "key": "inner"}
    assert found[2]["changes"]["allowList"]["to"] == {"add": ["now"], "remove": []}
    assert found[1]["action"] == "update_state"


async def test_a_prerequisite_changes_it_from_outside(workspace: Workspace) -> None:
    editor = workspace.org.editor
    rules = [{"if": {"$flag": "banner", "$equals": "bye"}, "value": {"b": 1}}]
    await editor.make("updateConfigState", **workspace.limits, rules=rules)
    await editor.make("updateFlagState", **workspace.banner, defaultValue="bye")
    found = await history(workspace, "config", **workspace.limits)
    assert found[0]["causedBy"] == {"resourceType": "flag", "key": "banner"}
    assert found[0]["changes"] == {"defaultValue": {"from": "hello", "to": "bye"}}


async def test_a_token_does_not_learn_of_causes_that_it_may_not_read(instance: Instance, workspace: Workspace) -> None:
    editor = workspace.org.editor
    await editor.make("updateFlagState", **workspace.banner, rules=ON_STAFF)
    await editor.make("updateAllowList", **workspace.staff, add=["secret"])
    token = await instance.token(workspace.org, level="observer", resources=["flag:*"])
    found = await token.make("flagHistory", **workspace.banner)
    assert [one for _, one, _ in lines(found)] == [None, None]
    assert "secret" not in str(found)
    assert found == (await history(workspace))[1:]


async def test_it_comes_in_parts(workspace: Workspace) -> None:
    editor = workspace.org.editor
    await editor.make("updateFlagState", **workspace.banner, rules=ON_STAFF)
    for number in range(6):
        await editor.make("updateAllowList", **workspace.staff, add=[f"u-{number}"])
        await editor.make("updateFlagState", **workspace.limits | {"key": "checkout"}, defaultValue=bool(number % 2))
    whole = await history(workspace)
    assert len(whole) == 8
    for limit in (1, 3, 8):
        parts, cursor = [], {}
        while True:
            reply = await workspace.org.viewer.do("flagHistory", **workspace.banner, limit=limit, **cursor)
            assert len(reply.unwrap()) <= limit
            parts += reply.unwrap()
            if reply.next is None:
                break
            cursor = {"cursor": reply.next}
        assert parts == whole


@pytest.mark.raises_codes("invalid_request", "not_found")
async def test_what_a_list_refuses_it_refuses(workspace: Workspace) -> None:
    for asked in ({"cursor": "nonsense"}, {"limit": 0}, {"limit": 1001}):
        assert (await workspace.org.viewer.do("flagHistory", **workspace.banner, **asked)).code == "invalid_request"
    missing = {**workspace.banner, "key": "missing"}
    assert (await workspace.org.viewer.do("flagHistory", **missing)).code == "not_found"


async def test_the_same_key_made_again_begins_anew(workspace: Workspace) -> None:
    await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="bye")
    await workspace.org.admin.make("deleteFlag", projectId=workspace.project_id, key="banner")
    again = {"key": "banner", "type": "string", "defaultValue": "again"}
    await workspace.org.editor.make("createFlag", projectId=workspace.project_id, **again)
    (made,) = await history(workspace)
    assert made["changes"]["defaultValue"] == {"from": None, "to": "again"}
    assert made["action"] == "create_primitive"


async def test_a_copied_environment_begins_with_what_was_copied(workspace: Workspace) -> None:
    editor = workspace.org.editor
    await editor.make("updateFlagState", **workspace.banner, rules=ON_STAFF)
    asked = {"projectId": workspace.project_id, "copyFromEnvId": workspace.environment_id}
    copy = await editor.make("createEnvironment", **asked, key="copy", name="Copy")
    (made,) = await history(workspace, environmentId="acme:web:copy", key="banner")
    assert (made["version"], made["changes"]["rules"]) == (1, {"from": None, "to": ON_STAFF})
    await editor.make("updateAllowList", environmentId=copy["id"], key="staff", add=["u-1"])
    newest, _ = await history(workspace, environmentId=copy["id"], key="banner")
    assert newest["causedBy"]["key"] == "staff"


async def test_histories_below_a_list_are_each_their_own(workspace: Workspace) -> None:
    editor = workspace.org.editor
    await editor.make("updateFlagState", **workspace.banner, rules=ON_STAFF)
    await editor.make("updateAllowList", **workspace.staff, add=["u-1"])
    document = """query($project: ID!, $environment: ID!) { flags(projectId: $project) { nodes { key
      newest: history(environmentId: $environment, first: 1) {
        totalCount nodes { version causedBy { key } } pageInfo { hasNextPage } }
      oldest: history(environmentId: $environment, last: 1) { totalCount nodes { version } } } } }"""
    graphql = GraphQLApi(workspace.org.viewer.client)
    variables = {"project": workspace.project_id, "environment": workspace.environment_id}
    found = await graphql.run(document, variables)
    by_key = {one["key"]: one for one in found["data"]["flags"]["nodes"]}
    version = await workspace.version()
    newest = by_key["banner"]["newest"]
    assert newest["nodes"] == [{"version": version, "causedBy": {"key": "staff"}}]
    assert (newest["totalCount"], newest["pageInfo"]) == (3, {"hasNextPage": True})
    whole = await history(workspace)
    assert by_key["banner"]["oldest"] == {"totalCount": 3, "nodes": [{"version": whole[-1]["version"]}]}
    assert by_key["checkout"]["newest"]["totalCount"] == 1


@pytest.mark.parametrize("seed", range(5))
async def test_all_changes_together_come_to_the_state(workspace: Workspace, seed: int) -> None:
    random, editor = Random(seed), workspace.org.editor
    for _ in range(4):
        lists = {name: random.sample("abcd", random.randrange(4)) for name in random.sample(LISTS, 1)}
        await editor.make("updateSegmentState", **workspace.staff, **lists)
        rules = [{"if": {"field": "plan", "$equals": random.choice("xy")}}]
        await editor.make("updateSegmentState", **workspace.staff, rules=random.choice([[], rules]))
    state: dict[str, Any] = {name: set() for name in LISTS}
    for _, _, changes in reversed(lines(await history(workspace, "segment", **workspace.staff))):
        for name, change in changes.items():
            if name in LISTS:
                state[name] = state[name] - set(change["to"]["remove"]) | set(change["to"]["add"])
            else:
                assert state.get(name) == change["from"]
                state[name] = change["to"]
    viewer = workspace.org.viewer
    assert state == {
        "rules": (await viewer.make("segmentState", **workspace.staff))["rules"],
        **{name: set(await viewer.make(name, **workspace.staff)) for name in LISTS},
    }


async def test_what_a_page_has_no_room_for_is_on_the_next(workspace: Workspace) -> None:
    editor = workspace.org.editor
    await editor.make("createConfig", projectId=workspace.project_id, key="long", type="string", defaultValue="")
    named = {"environmentId": workspace.environment_id, "key": "long"}
    for number in range(75):
        await editor.make("updateConfigState", **named, defaultValue=f"{number} {'x' * 60_000}")
    found: list[str] = []
    reply = await workspace.org.viewer.do("configHistory", **named, limit=100)
    pages = 1
    while True:
        found += [one["changes"]["defaultValue"]["to"].partition(" ")[0] for one in reply.unwrap()]
        if reply.next is None:
            break
        reply = await workspace.org.viewer.do("configHistory", **named, limit=100, cursor=reply.next)
        pages += 1
    assert (found, pages) == ([*(str(number) for number in reversed(range(75))), ""], 2)
