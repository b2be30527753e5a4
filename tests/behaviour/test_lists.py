"""Lists: in parts, stable while things come and go, and filtered."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from app.settings import Settings
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


OTHERS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "projects": [("projects", {"orgSlug": "second"}), ("projects", {"key": "web"})],
    "environments": [("environments", {"projectId": ""}), ("environments", {"key": "prod"})],
    "flags": [
        ("flags", {"projectId": ""}),
        ("environments", {}),
        *(("flags", chosen) for chosen in ({"type": "boolean"}, {"search": "e"}, {"key": "banner"})),
    ],
    "flagStates": [("flagStates", {"type": "boolean"}), ("flagStates", {"search": "e"})],
}


@pytest.mark.parametrize("name", LISTS)
async def test_a_cursor_is_good_for_its_own_list_and_filter_alone(
    instance: Instance, workspace: Workspace, name: str
) -> None:
    owner = workspace.org.owner
    await owner.make("createOrg", slug="second", name="Second")
    other = await owner.make("createProject", orgSlug="acme", key="other", name="Other")
    for key in ("x", "y"):
        await grow(workspace, name, key)
    parent = LISTS[name](workspace)
    own = await owner.do(name, limit=1, **parent)
    assert own.next is not None
    (await owner.do(name, limit=2, cursor=own.next, **parent)).unwrap()
    for listed, asked in OTHERS[name]:
        elsewhere = {one: value or other["id"] for one, value in asked.items()}
        reply = await owner.do(listed, cursor=own.next, **{**parent, **elsewhere})
        place = "?cursor" if instance.transport == "rest" else "after"
        assert (reply.code, list(reply.fields)) == ("invalid_request", [place]), (listed, asked)
    filtered = await owner.do(name, limit=1, search="e", **parent) if name.startswith("flag") else own
    if name.startswith("flag"):
        (await owner.do(name, cursor=filtered.next, search="e", **parent)).unwrap()
        assert (await owner.do(name, cursor=filtered.next, **parent)).code == "invalid_request"
    named = {"orgSlug": "acme", "projectId": "acme:web", "environmentId": "acme:web:prod"}
    rest = await owner.make(name, cursor=own.next, **{one: named[one] for one in parent})
    assert own.unwrap()[0]["key"] not in [one["key"] for one in rest]


async def test_rest_takes_cursor_and_not_what_relay_calls_it(workspace: Workspace) -> None:
    client, path = workspace.org.viewer.client, f"/api/v1/projects/{workspace.project_id}/flags"
    cursor = re.search(r"cursor=([^&>]+)", (await client.get(path, params={"limit": 1})).headers["link"])
    assert cursor is not None
    for name in ("after", "before", "first", "last"):
        refused = await client.get(path, params={name: cursor[1]})
        assert (refused.status_code, list(refused.json()["fields"])) == (400, [f"?{name}"])


@pytest.mark.parametrize("base", ["http://signalbox.test", "http://signalbox.test/api/v1"])
async def test_the_link_can_be_followed_from_any_base(workspace: Workspace, base: str) -> None:
    client = workspace.org.viewer.client
    client.base_url = base
    first = await client.get(
        f"{'/api/v1' if base.endswith('test') else ''}/projects/{workspace.project_id}/flags?limit=1"
    )
    second = await client.get(first.url.join(first.links["next"]["url"]))
    assert [one["key"] for one in second.json()] == ["banner"]


class TestWithABaseUrl:
    """An instance that knows its address."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"base_url": "http://flags.example.com"})

    @pytest.mark.parametrize("instance", ["rest"], indirect=True)
    async def test_the_link_is_absolute(self, workspace: Workspace) -> None:
        path = f"/api/v1/projects/{workspace.project_id}/flags"
        first = await workspace.org.viewer.client.get(f"{path}?limit=1")
        assert first.links["next"]["url"].startswith(f"http://flags.example.com{path}?limit=1&cursor=")


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
