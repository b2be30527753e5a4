"""Lists: in parts, stable while things come and go, and filtered."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.factories import Instance, Org, Workspace

Parent = Callable[[Workspace], dict[str, Any]]
LISTS: dict[str, Parent] = {
    "projects": lambda workspace: {"orgSlug": workspace.org.slug},
    "environments": lambda workspace: {"projectId": workspace.project_id},
    "flags": lambda workspace: {"projectId": workspace.project_id},
    "flagStates": lambda workspace: {"environmentId": workspace.environment_id},
}


async def grow(workspace: Workspace, name: str, key: str) -> None:
    if name == "projects":
        await workspace.org.editor.make("createProject", orgSlug=workspace.org.slug, key=key, name=key)
    elif name == "environments":
        await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key=key, name=key)
    else:
        await workspace.org.editor.make(
            "createFlag", projectId=workspace.project_id, key=key, type="boolean", defaultValue=True
        )


async def parts(caller: Any, name: str, limit: int, **arguments: Any) -> list[list[str]]:
    found, cursor = [], None
    while True:
        reply = await caller.do(name, limit=limit, **arguments, **({"cursor": cursor} if cursor else {}))
        found.append([one["key"] for one in reply.unwrap()])
        if (cursor := reply.next) is None:
            return found


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_in_parts_is_the_whole_list(workspace: Workspace, name: str) -> None:
    for key in ("z", "m", "a"):
        await grow(workspace, name, key)
    whole = [one["key"] for one in await workspace.org.viewer.make(name, **LISTS[name](workspace))]
    assert whole[-3:] == ["z", "m", "a"]  # newest last, whatever the key
    for limit in (1, 2, len(whole) - 1, len(whole), 1000):
        found = await parts(workspace.org.viewer, name, limit, **LISTS[name](workspace))
        assert sum(found, []) == whole  # noqa: RUF017
        assert all(len(part) == limit for part in found[:-1])
        assert 0 < len(found[-1]) <= limit


@pytest.mark.parametrize("name", LISTS)
async def test_what_is_made_while_reading_comes_at_the_end(workspace: Workspace, name: str) -> None:
    await grow(workspace, name, "second")
    first = await workspace.org.viewer.do(name, limit=1, **LISTS[name](workspace))
    await grow(workspace, name, "late")
    rest = await workspace.org.viewer.make(name, cursor=first.next, **LISTS[name](workspace))
    assert [one["key"] for one in rest][-1] == "late"
    assert first.unwrap()[0]["key"] not in [one["key"] for one in rest]


async def test_a_cursor_survives_the_deletion_of_what_it_stands_on(workspace: Workspace) -> None:
    first = await workspace.org.viewer.do("flags", projectId=workspace.project_id, limit=1)
    await workspace.org.admin.do("deleteFlag", projectId=workspace.project_id, key=first.unwrap()[0]["key"])
    rest = await workspace.org.viewer.make("flags", projectId=workspace.project_id, cursor=first.next)
    assert [one["key"] for one in rest] == ["banner"]


async def test_orgs_are_listed_in_parts(instance: Instance, org: Org) -> None:
    await org.viewer.make("createOrg", slug="second", name="Second")
    first = await org.viewer.do("orgs", limit=1)
    assert [one["slug"] for one in first.unwrap()] == ["acme"]
    second = await org.viewer.do("orgs", limit=1, cursor=first.next)
    assert ([one["slug"] for one in second.unwrap()], second.next) == (["second"], None)


@pytest.mark.parametrize("cursor", ["", "x", "ImFiYyI.forged", "\u0000", "ä" * 300])
async def test_a_cursor_that_no_list_gave_is_a_fault(workspace: Workspace, cursor: str) -> None:
    for name, parent in LISTS.items():
        reply = await workspace.org.viewer.do(name, cursor=cursor, **parent(workspace))
        assert (reply.code, reply.status, len(reply.fields)) == ("invalid_request", 400, 1), name


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_limit_out_of_bounds_is_a_fault(workspace: Workspace, limit: int) -> None:
    for name, parent in LISTS.items():
        reply = await workspace.org.viewer.do(name, limit=limit, **parent(workspace))
        assert (reply.code, reply.status, len(reply.fields)) == ("invalid_request", 400, 1), name


@pytest.mark.parametrize("name", ["flags", "flagStates"])
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"key": "banner"}, ["banner"]),
        ({"key": "Banner"}, []),
        ({"key": "none"}, []),
        ({"type": "boolean"}, ["checkout", "dark.mode"]),
        ({"type": "string"}, ["banner"]),
        ({"search": "MODE"}, ["dark.mode"]),
        ({"search": "straße"}, ["dark.mode"]),
        ({"search": "STRASSENSPERRE"}, []),
        ({"search": "ÉTÉ"}, ["dark.mode"]),
        ({"search": "%"}, ["dark.mode"]),
        ({"search": "_"}, []),
        ({"search": "b", "type": "boolean"}, []),
        ({"search": "e"}, ["checkout", "banner", "dark.mode"]),
    ],
)
async def test_flags_are_filtered(workspace: Workspace, name: str, chosen: dict[str, Any], expected: list[str]) -> None:
    await workspace.org.editor.make(
        "createFlag",
        projectId=workspace.project_id,
        key="dark.mode",
        type="boolean",
        defaultValue=False,
        description="100% for the Straße in été.",
    )
    found = await workspace.org.viewer.make(name, **chosen, **LISTS[name](workspace))
    assert [one["key"] for one in found] == expected


@pytest.mark.parametrize("name", ["projects", "environments"])
async def test_a_list_by_key_has_the_one_or_none(workspace: Workspace, name: str) -> None:
    await grow(workspace, name, "other")
    for key, expected in (("other", ["other"]), ("none", []), ("\u0000", [])):
        found = await workspace.org.viewer.do(name, key=key, **LISTS[name](workspace))
        assert found.code == "invalid_request" if key == "\u0000" else [one["key"] for one in found.data] == expected


@pytest.mark.parametrize("chosen", [{"search": "x" * 2001}, {"type": "number"}, {"search": "\u0000"}])
async def test_a_filter_with_a_fault_is_refused(workspace: Workspace, chosen: dict[str, Any]) -> None:
    for name in ("flags", "flagStates"):
        reply = await workspace.org.viewer.do(name, **chosen, **LISTS[name](workspace))
        assert (reply.code, reply.status) == ("invalid_request", 400), name
