"""Segments: who belongs to a group, by rules and lists, and what follows from a change of either."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.models import Environment
from app.store.changeset import ENTRY_OVERHEAD, Commit
from tests.factories import Instance, Workspace

AT = "rules.0.if.$segment"
MANY = 10_000


@pytest.fixture
async def workspace(workspace: Workspace) -> Workspace:
    """One in which somebody belongs to the segment."""
    await workspace.org.editor.make("updateAllowList", **workspace.staff, add=["u-1"])
    return workspace


async def refer(workspace: Workspace, segment: str = "staff") -> None:
    """Makes the flag `banner` "inside" for the segment's members."""
    rules = [{"if": {"$segment": segment}, "value": "inside"}]
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=rules)


async def inside(workspace: Workspace, *people: str, **context: Any) -> list[bool]:
    """Whether each of the people belongs to the segment that `banner` refers to."""
    answers = []
    for person in people:
        asked = {
            "environmentId": workspace.environment_id,
            "context": {"userId": person, **context},
            "keys": ["banner"],
        }
        answers.append(
            (await workspace.org.viewer.make("evaluate", **asked))["evaluations"]["banner"]["value"] == "inside"
        )
    return answers


async def lists(workspace: Workspace, key: str = "staff") -> tuple[list[str], list[str]]:
    """The allow and the deny list, as the ruleset has them."""
    ruleset = await workspace.org.viewer.make("ruleset", environmentId=workspace.environment_id)
    segment = ruleset["segments"][key]
    return segment["allowList"], segment["denyList"]


async def test_rules_and_lists_say_who_belongs(workspace: Workspace) -> None:
    editor = workspace.org.editor
    await refer(workspace)
    assert await inside(workspace, "u-1", "u-2") == [True, False]
    rules = [{"name": "mail", "if": {"field": "email", "$endsWith": "@acme.example"}}]
    written = await editor.make("updateSegmentState", **workspace.staff, rules=rules, denyList=["u-3", "u-3"])
    assert (written["rules"], written["allowListSize"], written["denyListSize"]) == (rules, 1, 1)
    assert await inside(workspace, "u-2", "u-3", email="a@acme.example") == [True, False]
    await editor.make("replaceSegmentState", **workspace.staff, rules=[], allowList=["u-3"], denyList=["u-3"])
    assert await inside(workspace, "u-1", "u-3", email="a@acme.example") == [False, False]
    await editor.make("updateDenyList", **workspace.staff, remove=["u-3"])
    assert await inside(workspace, "u-1", "u-3") == [False, True]


async def test_entries_are_added_and_removed_one_by_one(instance: Instance, workspace: Workspace) -> None:
    editor, version = workspace.org.editor, await workspace.version()
    written = await editor.make("updateAllowList", **workspace.staff, add=["b", "a", "a"], remove=["u-1", "none"])
    assert (written["allowListSize"], written["denyListSize"], written["version"]) == (2, 0, version + 1)
    assert await lists(workspace) == (["a", "b"], [])
    async with instance.unchanged():
        for nothing in ({"add": ["a"], "remove": ["c"]}, {}):
            assert (await editor.make("updateAllowList", **workspace.staff, **nothing))["version"] == version + 1
    await editor.make("updateDenyList", **workspace.staff, add=["a"], reason="Has left")
    assert await lists(workspace) == (["a", "b"], ["a"])
    event = (await instance.audited())[-1]
    assert (event.action, event.resource_type, event.resource_key, event.reason) == (
        "update_state",
        "segment",
        "staff",
        "Has left",
    )
    await editor.make("updateAllowList", **workspace.staff, remove=["a", "b"])
    await editor.make("updateAllowList", **workspace.staff, add=["a"])
    assert await lists(workspace) == (["a"], ["a"])


async def test_a_snapshot_that_is_read_again_has_the_same_lists(instance: Instance, workspace: Workspace) -> None:
    """What commits made of the lists in memory is what the database has."""
    editor = workspace.org.editor
    await lists(workspace)  # which puts them in memory
    await editor.make("updateAllowList", **workspace.staff, add=["a", "b"], remove=["u-1"])
    await editor.make("updateSegmentState", **workspace.staff, denyList=["b", "c"])
    await editor.make("updateDenyList", **workspace.staff, add=["d"], remove=["c"])
    kept = await lists(workspace)
    instance.node.rulesets.take_in(Commit(deleted_environment_ids=(workspace.environment_id,)))
    assert await lists(workspace) == kept == (["a", "b"], ["b", "d"])


@pytest.mark.parametrize("operation", ["createSegment", "updateSegmentState", "replaceSegmentState"])
async def test_wrong_lists_are_refused_entry_by_entry(instance: Instance, workspace: Workspace, operation: str) -> None:
    new = {"projectId": workspace.project_id, "key": "new"}
    named = new if operation == "createSegment" else workspace.staff
    wrong = {
        "rules": [{"value": True}],
        "allowList": ["a", "x" * 501, "b\0"],
        "denyList": [str(n) for n in range(MANY + 1)],
    }
    async with instance.unchanged():
        reply = await workspace.org.editor.do(operation, **named, **wrong)
    assert (reply.code, reply.status) == ("invalid_request", 400)
    assert set(reply.fields) == {"rules.0.value", "allowList.1", "allowList.2", "denyList"}


async def test_entries_that_cannot_be_added_are_refused_one_by_one(instance: Instance, workspace: Workspace) -> None:
    editor = workspace.org.editor
    async with instance.unchanged():
        reply = await editor.do("updateAllowList", **workspace.staff, add=["a", "b\0"], remove=["c", "a"])
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"add.1", "remove.1"})
    full = [f"u-{n}" for n in range(MANY)]
    await editor.make("updateSegmentState", **workspace.staff, allowList=full)
    async with instance.unchanged():
        reply = await editor.do("updateAllowList", **workspace.staff, add=["one-more"])
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"add"})
    await editor.make("updateAllowList", **workspace.staff, add=["one-more"], remove=["u-0"])
    found = (await lists(workspace))[0]
    assert (len(found), "one-more" in found, "u-0" in found) == (MANY, True, False)


async def test_of_many_additions_at_one_moment_none_is_lost(workspace: Workspace) -> None:
    await asyncio.gather(
        *(workspace.org.editor.make("updateAllowList", **workspace.staff, add=[f"n-{n}", "all"]) for n in range(10))
    )
    assert (await lists(workspace))[0] == sorted(["all", "u-1", *(f"n-{n}" for n in range(10))])


@pytest.mark.parametrize("operation", ["updateFlagState", "updateConfigState", "updateSegmentState"])
@pytest.mark.parametrize("to", ["none", "checkout"])
async def test_a_segment_that_is_not_there_is_refused_where_it_is_named(
    instance: Instance, workspace: Workspace, operation: str, to: str
) -> None:
    named = {"updateFlagState": workspace.banner, "updateConfigState": workspace.limits}.get(operation, workspace.staff)
    outcome = {} if operation == "updateSegmentState" else {"value": "x"}
    rules = [{"if": {"$segment": to}, **outcome}]
    async with instance.unchanged():
        reply = await workspace.org.editor.do(operation, **named, rules=rules)
    assert (reply.code, reply.fields) == (
        "invalid_request",
        {AT: f"There is no segment {to!r} in this environment."},
    )


async def test_segments_nest_but_in_no_circle(instance: Instance, workspace: Workspace) -> None:
    editor = workspace.org.editor
    nested = [{"if": {"$not": {"$segment": "staff"}}}]
    await editor.make("createSegment", projectId=workspace.project_id, key="others", rules=nested)
    await refer(workspace, "others")
    assert await inside(workspace, "u-1", "u-2") == [False, True]
    await editor.make("updateAllowList", **workspace.staff, add=["u-2"])
    assert await inside(workspace, "u-2") == [False]
    async with instance.unchanged():
        for to in ("staff", "others"):
            reply = await editor.do("updateSegmentState", **workspace.staff, rules=[{"if": {"$segment": to}}])
            assert reply.fields == {AT: "Creates a reference cycle."}
        reply = await editor.do(
            "updateSegmentState", **workspace.staff, rules=[{"if": {"$flag": "checkout", "$equals": True}}]
        )
        assert set(reply.fields) == {"rules.0.if.$flag"}


@pytest.mark.raises_codes("in_use")
async def test_a_segment_in_use_is_not_deleted(instance: Instance, workspace: Workspace) -> None:
    editor, named = workspace.org.editor, {"projectId": workspace.project_id, "key": "staff"}
    await refer(workspace)
    await editor.make("createSegment", **{**named, "key": "more"}, rules=[{"if": {"$segment": "staff"}}])
    rules = [{"if": {"$segment": "staff"}, "value": 1}]
    await editor.make("updateConfigState", **workspace.limits, rules=rules)
    async with instance.unchanged():
        reply = await editor.do("deleteSegment", **named)
    assert (reply.code, reply.status) == ("in_use", 409)
    assert reply.fields == dict.fromkeys(("flag.banner", "config.limits", "segment.more"), "Refers to it in prod.")
    for operation, one in (("updateFlagState", workspace.banner), ("updateConfigState", workspace.limits)):
        await editor.make(operation, **one, rules=[])
    await editor.make("deleteSegment", **{**named, "key": "more"})
    await editor.make("deleteSegment", **named)
    again = await editor.make("createSegment", **named)
    assert (await workspace.org.viewer.make("segmentState", **workspace.staff))["primitiveId"] == again["id"]
    assert await lists(workspace) == ([], [])


async def test_segments_have_keys_of_their_own(workspace: Workspace) -> None:
    await workspace.org.editor.make("createSegment", projectId=workspace.project_id, key="checkout")
    reply = await workspace.org.editor.do("createSegment", projectId=workspace.project_id, key="staff")
    assert (reply.code, set(reply.fields)) == ("key_collision", {"key"})


async def test_a_copy_of_an_environment_has_the_lists(workspace: Workspace) -> None:
    editor = workspace.org.editor
    await editor.make("updateDenyList", **workspace.staff, add=["x", "y"])
    copy = await editor.make(
        "createEnvironment",
        projectId=workspace.project_id,
        key="copy",
        name="Copy",
        copyFromEnvId=workspace.environment_id,
    )
    state = await editor.make("segmentState", environmentId=copy["id"], key="staff")
    assert (state["allowListSize"], state["denyListSize"], state["version"]) == (1, 2, 1)
    await editor.make("updateDenyList", environmentId=copy["id"], key="staff", remove=["x"])
    ruleset = await editor.make("ruleset", environmentId=copy["id"])
    assert ruleset["segments"]["staff"] == {"rules": [], "allowList": ["u-1"], "denyList": ["y"]}
    assert (await lists(workspace))[1] == ["x", "y"]
    fresh = await editor.make("createEnvironment", projectId=workspace.project_id, key="fresh", name="Fresh")
    state = await editor.make("segmentState", environmentId=fresh["id"], key="staff")
    assert (state["allowListSize"], state["rules"]) == (0, [])


async def test_entries_count_among_what_an_environment_holds(instance: Instance, workspace: Workspace) -> None:
    before = await _bytes(instance)
    await workspace.org.editor.make("updateAllowList", **workspace.staff, add=["four", "é"], remove=["u-1"])
    assert await _bytes(instance) - before == len("four") + len("é".encode()) - len("u-1") + ENTRY_OVERHEAD
    await workspace.org.editor.make("deleteSegment", projectId=workspace.project_id, key="staff")
    assert await _bytes(instance) == before - len("u-1") - ENTRY_OVERHEAD - len("[]")


async def _bytes(instance: Instance) -> int:
    async with instance.node.database.reading() as session:
        return (await session.execute(select(col(Environment.state_bytes)))).scalar_one()


async def test_what_refers_to_something_is_listed_by_environment(instance: Instance, workspace: Workspace) -> None:
    editor, named = workspace.org.editor, {"projectId": workspace.project_id, "key": "staff"}
    assert await editor.make("segmentReferences", **named) == []
    await refer(workspace)
    condition = {"$or": [{"$segment": "staff"}, {"$not": {"$segment": "staff"}}]}
    rules = [{"value": 1}, {"if": condition, "value": 2}, {"if": {"$flag": "banner", "$equals": "x"}, "value": 3}]
    await editor.make("updateConfigState", **workspace.limits, rules=rules)
    copy = await editor.make(
        "createEnvironment",
        projectId=workspace.project_id,
        key="copy",
        name="Copy",
        copyFromEnvId=workspace.environment_id,
    )
    await editor.make("updateFlagState", environmentId=copy["id"], key="banner", rules=[])

    def referrer(kind: str, key: str, environment: str, *paths: str) -> dict[str, Any]:
        ids = {"prod": workspace.environment_id, "copy": copy["id"]}
        where = {"environmentId": ids[environment], "environmentKey": environment}
        return {"resourceType": kind, "resourceKey": key, **where, "paths": list(paths)}

    twice = ("rules.1.if.$or.0.$segment", "rules.1.if.$or.1.$not.$segment")
    everything = [
        referrer("config", "limits", "prod", *twice),
        referrer("flag", "banner", "prod", AT),
        referrer("config", "limits", "copy", *twice),
    ]
    assert await editor.make("segmentReferences", **named) == everything
    parts, cursor = [], {}
    for _ in everything:
        reply = await editor.do("segmentReferences", **named, limit=1, **cursor)
        parts += reply.unwrap()
        cursor = {"cursor": reply.next}
    assert (parts, cursor) == (everything, {"cursor": None})
    banner = {"projectId": workspace.project_id, "key": "banner"}
    assert await editor.make("flagReferences", **banner) == [
        referrer("config", "limits", environment, "rules.2.if.$flag") for environment in ("prod", "copy")
    ]
    assert await editor.make("configReferences", projectId=workspace.project_id, key="limits") == []
    token = await instance.token(
        workspace.org, level="observer", environments={"envs": [copy["id"]]}, resources=["segment:*", "config:*"]
    )
    assert await token.make("segmentReferences", **named) == everything[2:]
    token = await instance.token(workspace.org, level="observer", resources=["segment:*", "flag:*"])
    assert await token.make("segmentReferences", **named) == everything[1:2]


async def test_entries_are_read_in_parts_and_searched(workspace: Workspace) -> None:
    editor, viewer = workspace.org.editor, workspace.org.viewer
    ids = ["Zoe", "anna@acme.example", "bob@ACME.example", "u-10", "u-2", "Éva", "😀", "50%_"]
    await editor.make("updateSegmentState", **workspace.staff, allowList=ids, denyList=["u-10"])
    assert await viewer.make("allowList", **workspace.staff) == sorted(ids)
    assert await viewer.make("denyList", **workspace.staff) == ["u-10"]
    for text, found in (
        ("acme", ["anna@acme.example", "bob@ACME.example"]),
        ("ACME.", ["anna@acme.example", "bob@ACME.example"]),
        ("%_", ["50%_"]),
        ("é", []),
        ("É", ["Éva"]),
    ):
        assert await viewer.make("allowList", **workspace.staff, search=text) == found, text
    parts: list[str] = []
    asked: dict[str, Any] = {"limit": 3, "search": ""}
    while True:
        reply = await viewer.do("allowList", **workspace.staff, **asked)
        parts += reply.unwrap()
        if reply.next is None:
            break
        asked["cursor"] = reply.next
        await editor.make("updateAllowList", **workspace.staff, remove=reply.unwrap())
    assert parts == sorted(ids)


async def test_a_cursor_is_good_for_its_own_list(instance: Instance, workspace: Workspace) -> None:
    await workspace.org.editor.make("updateSegmentState", **workspace.staff, allowList=["a", "b"], denyList=["a", "b"])
    cursor = (await workspace.org.viewer.do("allowList", **workspace.staff, limit=1)).next
    place = "?cursor" if instance.transport == "rest" else "after"
    for operation, more in (("denyList", {}), ("allowList", {"search": "b"})):
        reply = await workspace.org.viewer.do(operation, **workspace.staff, cursor=cursor, **more)
        assert (reply.code, set(reply.fields)) == ("invalid_request", {place})


async def test_single_states_have_their_lists_and_lists_of_states_their_sizes(workspace: Workspace) -> None:
    await workspace.org.editor.make("updateDenyList", **workspace.staff, add=["b", "a"])
    (listed,) = await workspace.org.viewer.make("segmentStates", environmentId=workspace.environment_id)
    single = await workspace.org.viewer.make("segmentState", **workspace.staff)
    assert (listed["allowListSize"], listed["denyListSize"]) == (1, 2)
    assert not {"allowList", "denyList"} & set(listed)
    assert (single["allowList"], single["denyList"]) == (["u-1"], ["a", "b"])


async def test_membership_follows_the_field_that_ids_are_taken_from(workspace: Workspace) -> None:
    await refer(workspace)
    assert await inside(workspace, "u-1") == [True]
    version = await workspace.version()
    await workspace.org.admin.make("updateProject", projectId=workspace.project_id, targetIdField="device")
    assert await workspace.version() == version + 1
    assert await inside(workspace, "u-1") == [False]
    assert await inside(workspace, "u-2", device="u-1") == [True]


async def test_a_new_segment_has_its_lists_in_every_environment(instance: Instance, workspace: Workspace) -> None:
    editor, project = workspace.org.editor, workspace.project_id
    other = await editor.make("createEnvironment", projectId=project, key="dev", name="Dev")
    rules = [{"if": {"$segment": "staff"}}]
    lists_of_new = {"allowList": ["b", "a"], "denyList": ["c"]}
    await editor.make("createSegment", projectId=project, key="new", rules=rules, **lists_of_new)
    for environment in (workspace.environment_id, other["id"]):
        ruleset = await editor.make("ruleset", environmentId=environment)
        assert ruleset["segments"]["new"] == {"rules": rules, "allowList": ["a", "b"], "denyList": ["c"]}
        state = await editor.make("segmentState", environmentId=environment, key="new")
        assert (state["allowList"], state["denyList"]) == (["a", "b"], ["c"])
    found = await editor.make("segmentReferences", projectId=project, key="staff")
    assert [one["environmentKey"] for one in found] == ["prod", "dev"]
    instance.node.rulesets.take_in(Commit(deleted_environment_ids=(other["id"],)))
    assert (await editor.make("ruleset", environmentId=other["id"]))["segments"]["new"]["allowList"] == ["a", "b"]


async def test_a_new_segment_may_have_fewer_entries_the_more_environments_there_are(
    instance: Instance, workspace: Workspace
) -> None:
    for n in range(40):
        await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key=f"e-{n}", name="One")
    named = {"projectId": workspace.project_id, "key": "new"}
    async with instance.unchanged():
        reply = await workspace.org.editor.do("createSegment", **named, denyList=[f"u-{n}" for n in range(9_757)])
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"denyList"})
        assert "9,756 entries" in reply.fields["denyList"]


async def test_in_a_project_without_environments_rules_may_refer_to_what_is_there(workspace: Workspace) -> None:
    editor = workspace.org.editor
    project = (await editor.make("createProject", orgSlug=workspace.org.slug, key="empty", name="Empty"))["id"]
    await editor.make("createSegment", projectId=project, key="there")
    for key, code in (("there", None), ("not-there", "invalid_request")):
        rules = [{"if": {"$segment": key}, "value": True}]
        flag = {"key": f"follows-{key}", "type": "boolean", "defaultValue": False, "rules": rules}
        reply = await editor.do("createFlag", projectId=project, **flag)
        assert (reply.code, set(reply.fields)) == (code, {AT} if code else set())


@pytest.mark.raises_codes("in_use")
async def test_who_may_not_read_what_refers_to_something_is_told_so(instance: Instance, workspace: Workspace) -> None:
    await refer(workspace)
    token = await instance.token(workspace.org, level="admin", resources=["segment:*"])
    reply = await token.do("deleteSegment", projectId=workspace.project_id, key="staff")
    assert (reply.code, reply.fields) == ("in_use", {})
    assert reply.message == "Rules that you may not read still refer to it."
