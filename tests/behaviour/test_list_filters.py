"""Lists of flags, configs and segments: narrowed down by what people know of them, and in several orders."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.clients import Api
from tests.factories import Instance, Workspace

SORTS = ["created", "-created", "key", "-key", "updated", "-updated"]
OLD = {"flag": ["checkout", "banner"], "config": ["limits"], "segment": ["staff"]}
NEW: dict[str, dict[str, Any]] = {
    "flag": {"type": "boolean", "defaultValue": False},
    "config": {"type": "boolean", "defaultValue": False},
    "segment": {},
}
RULE = {"if": {"field": "plan", "$equals": "pro"}}


@dataclass(frozen=True, slots=True)
class Lists:
    """What a workspace has of one kind: the oldest, and `pay.b`, `pay.a`, `pay-z` and `a_first`."""

    workspace: Workspace
    noun: str
    of_states: bool

    @property
    def name(self) -> str:
        return f"{self.noun}States" if self.of_states else f"{self.noun}s"

    @property
    def parent(self) -> dict[str, str]:
        """What names the list."""
        project, environment = (
            {"projectId": self.workspace.project_id},
            {"environmentId": self.workspace.environment_id},
        )
        return environment if self.of_states else project

    @property
    def old(self) -> list[str]:
        return OLD[self.noun]

    def operation(self, verb: str, noun: str = "") -> str:
        return f"{verb}{self.noun.capitalize()}{noun}"

    async def make(self, key: str, **members: Any) -> None:
        new = {"projectId": self.workspace.project_id, "key": key, **NEW[self.noun], **members}
        await self.workspace.org.editor.make(self.operation("create"), **new)

    async def update(self, key: str, **members: Any) -> None:
        """Changes an identity."""
        changed = {"projectId": self.workspace.project_id, "key": key, **members}
        await self.workspace.org.editor.make(self.operation("update"), **changed)

    async def update_rules(self, key: str, *rules: dict[str, Any]) -> None:
        """Changes a state."""
        valued = [rule if self.noun == "segment" else {**rule, "value": True} for rule in rules]
        changed = {"environmentId": self.workspace.environment_id, "key": key, "rules": valued}
        await self.workspace.org.editor.make(self.operation("update", "State"), **changed)

    async def delete(self, key: str) -> None:
        await self.workspace.org.admin.do(self.operation("delete"), projectId=self.workspace.project_id, key=key)

    async def keys(self, caller: Api | None = None, **asked: Any) -> list[str]:
        found = await (caller or self.workspace.org.viewer).make(self.name, **{**self.parent, **asked})
        return [one["key"] for one in found]

    async def keys_in_parts(self, **asked: Any) -> list[str]:
        """All keys of a list, read one by one."""
        found, cursor = [], None
        while True:
            more = {"cursor": cursor} if cursor else {}
            reply = await self.workspace.org.viewer.do(self.name, limit=1, **self.parent, **asked, **more)
            found += [one["key"] for one in reply.unwrap()]
            if (cursor := reply.next) is None:
                return found


@pytest.fixture(params=["flag", "config", "segment"])
def noun(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(params=[False, True], ids=["identities", "states"])
def of_states(request: pytest.FixtureRequest) -> bool:
    found: bool = request.param
    return found


@pytest.fixture
async def lists(workspace: Workspace, noun: str, of_states: bool) -> Lists:
    lists = Lists(workspace, noun, of_states)
    editor = (await workspace.org.editor.make("me"))["actor"]["id"]
    await lists.make("pay.b", name="Bezahlung für Straße 5", tags=["web", "pay"], maintainerId=editor)
    await lists.make("pay.a", description="STRASSE in été", tags=["pay"])
    await lists.make("pay-z", tags=["web", "pay", "x"], maintainerId=editor)
    await lists.make("a_first", name="100% _off_")
    return lists


CHOICES: list[tuple[dict[str, Any], list[str]]] = [
    ({"prefix": "pay"}, ["pay.b", "pay.a", "pay-z"]),
    ({"prefix": "pay."}, ["pay.b", "pay.a"]),
    ({"prefix": "PAY"}, []),
    ({"prefix": "%"}, []),
    ({"prefix": "~"}, []),
    ({"prefix": "a_first"}, ["a_first"]),
    ({"key": "pay.b", "prefix": "a"}, []),
    ({"tag": ["pay"]}, ["pay.b", "pay.a", "pay-z"]),
    ({"tag": ["web", "pay"]}, ["pay.b", "pay-z"]),
    ({"tag": ["pay", "web", "x", "x"]}, ["pay-z"]),
    ({"tag": ["pay", "none"]}, []),
    ({"tag": ["Pay"]}, []),
    ({"search": "strasse"}, ["pay.b", "pay.a"]),
    ({"search": "STRAßE"}, ["pay.b", "pay.a"]),
    ({"search": "E\u0301TE\u0301"}, ["pay.a"]),
    ({"search": "FÜR"}, ["pay.b"]),
    ({"search": "0% _OFF"}, ["a_first"]),
    ({"search": "pay.bbez"}, []),
    ({"search": "pay", "tag": ["web"], "prefix": "pay-"}, ["pay-z"]),
    ({"tag": ["pay"], "sort": "key"}, ["pay-z", "pay.a", "pay.b"]),
    ({"tag": ["pay"], "sort": "-key"}, ["pay.b", "pay.a", "pay-z"]),
    ({"tag": ["pay"], "sort": "-created"}, ["pay-z", "pay.a", "pay.b"]),
]


async def test_what_is_chosen_is_listed(lists: Lists) -> None:
    for chosen, expected in CHOICES:
        assert await lists.keys(**chosen) == expected, chosen
        assert await lists.keys_in_parts(**chosen) == expected, chosen
    everything = [*lists.old, "pay.b", "pay.a", "pay-z", "a_first"]
    assert await lists.keys(prefix="") == everything
    assert await lists.keys_in_parts(sort="key") == sorted(everything)
    if lists.noun != "segment":
        typed = [] if lists.noun == "config" else ["checkout"]
        assert await lists.keys(type="boolean") == [*typed, "pay.b", "pay.a", "pay-z", "a_first"]
        assert await lists.keys(type="boolean", sort="-key", tag=["x"]) == ["pay-z"]


async def test_those_of_a_maintainer(instance: Instance, lists: Lists) -> None:
    org = lists.workspace.org
    editor = (await org.editor.make("me"))["actor"]["id"]
    assert await lists.keys(maintainerId=editor.upper()) == ["pay.b", "pay-z"]
    assert await lists.keys(maintainerId=editor, tag=["x"]) == ["pay-z"]
    stranger, _ = await instance.person("stranger")
    for nobody in (stranger.id, "x", lists.workspace.guest_id):
        assert await lists.keys(maintainerId=nobody) == []
    await org.owner.make("removeMember", orgSlug=org.slug, userId=editor)
    assert await lists.keys(maintainerId=editor) == []


async def test_by_the_last_change_of_what_is_listed(lists: Lists) -> None:
    await lists.update("pay.a", description="Changed.")
    changed = ["pay.a"]
    if lists.of_states:
        await lists.update_rules("pay.b", RULE)
        changed = ["pay.b"]
    new = [key for key in ("pay.b", "pay.a", "pay-z", "a_first") if key not in changed]
    assert await lists.keys(sort="updated") == [*lists.old, *new, *changed]
    assert await lists.keys_in_parts(sort="-updated") == [*lists.old, *new, *changed][::-1]


@pytest.mark.parametrize("of_states", [True], indirect=True)
async def test_by_what_a_state_comes_to(lists: Lists) -> None:
    editor, off = lists.workspace.org.editor, [] if lists.noun == "segment" else ["pay.a", "a_first"]
    disabled = {**RULE, "disabled": True}
    await lists.update_rules("pay.b", RULE)
    await lists.update_rules("pay.a", disabled)
    await lists.update_rules("pay-z", disabled, RULE)
    assert await lists.keys(state="rules", sort="-key") == ["pay.b", "pay-z"]
    assert await lists.keys(state="off") == off
    assert await lists.keys(state="on") == (["checkout"] if lists.noun == "flag" else [])
    if lists.noun == "flag":
        named = {"environmentId": lists.workspace.environment_id, "key": "pay-z"}
        await editor.make("killFlag", **named)
        assert (await lists.keys(state="killed"), await lists.keys(state="rules")) == (["pay-z"], ["pay.b"])
        await editor.make("restoreFlag", **named)
    assert await lists.keys(state="killed") == []
    new = {"projectId": lists.workspace.project_id, "name": "New"}
    fresh = await editor.make("createEnvironment", key="fresh", **new)
    copied = await editor.make("createEnvironment", key="copied", copyFromEnvId=lists.workspace.environment_id, **new)
    assert await lists.keys(environmentId=fresh["id"], state="rules") == []
    assert await lists.keys(environmentId=fresh["id"], state="off") == (
        [] if not off else ["pay.b", "pay.a", "pay-z", "a_first"]
    )
    assert await lists.keys(environmentId=copied["id"], state="rules") == ["pay.b", "pay-z"]


@pytest.mark.parametrize("of_states", [True], indirect=True)
async def test_by_who_changed_a_state_last(instance: Instance, lists: Lists) -> None:
    minted = await instance.minted(lists.workspace.org)
    named = {"environmentId": lists.workspace.environment_id, "key": "pay.a", "rules": []}
    owner = (await lists.workspace.org.owner.make("me"))["actor"]["id"]
    await lists.update_rules("pay.a", RULE)
    assert await lists.keys(updatedBy=minted["id"]) == []
    await instance.bearer(minted["token"]).make(lists.operation("update", "State"), **named)
    assert await lists.keys(updatedBy=minted["id"].upper()) == ["pay.a"]
    assert await lists.keys(updatedBy=owner) == lists.old
    assert await lists.keys(updatedBy=lists.workspace.guest_id) == []


@pytest.mark.parametrize("noun", ["flag"], indirect=True)
@pytest.mark.parametrize("sort", SORTS)
async def test_an_order_is_stable_while_things_come_and_go(lists: Lists, sort: str) -> None:
    whole = await lists.keys(sort=sort)
    first = await lists.workspace.org.viewer.do(lists.name, limit=3, sort=sort, **lists.parent)
    await lists.delete(whole[2])
    await lists.delete(whole[4])
    await lists.make("m")
    rest = await lists.keys(cursor=first.next, sort=sort)
    assert [key for key in rest if key != "m"] == [whole[3], whole[5]]
    behind = {"created": True, "key": whole[2] < "m", "-key": whole[2] > "m", "updated": True}
    assert ("m" in rest) == behind.get(sort, False)


async def test_a_cursor_is_good_for_its_own_order_and_filter_alone(instance: Instance, lists: Lists) -> None:
    place = "?cursor" if instance.transport == "rest" else "after"
    viewer = lists.workspace.org.viewer
    own = await viewer.do(lists.name, limit=1, sort="key", tag=["web", "pay"], **lists.parent)
    assert await lists.keys(cursor=own.next, sort="key", tag=["pay", "web"]) == ["pay.b"]
    for others in (
        {"tag": ["web", "pay"]},
        {"sort": "-key", "tag": ["web", "pay"]},
        {"sort": "updated", "tag": ["web", "pay"]},
        {"sort": "key", "tag": ["web"]},
        {"sort": "key"},
        {"sort": "key", "tag": ["web", "pay"], "prefix": "pay"},
    ):
        reply = await viewer.do(lists.name, cursor=own.next, **others, **lists.parent)
        assert (reply.code, list(reply.fields)) == ("invalid_request", [place]), others


@pytest.mark.parametrize("noun", ["flag"], indirect=True)
@pytest.mark.parametrize("fault", [{"sort": "age"}, {"tag": ["x"] * 21}, {"prefix": "\0"}, {"tag": ["ok", "\0"]}])
async def test_a_filter_with_a_fault_is_refused(lists: Lists, fault: dict[str, Any]) -> None:
    reply = await lists.workspace.org.viewer.do(lists.name, **fault, **lists.parent)
    assert (reply.code, reply.status, len(reply.fields)) == ("invalid_request", 400, 1)


@pytest.mark.parametrize("instance", ["rest"], indirect=True)
@pytest.mark.parametrize("of_states", [False], indirect=True)
async def test_only_tags_are_repeated(instance: Instance, lists: Lists) -> None:
    client, path = lists.workspace.org.viewer.client, f"/api/v1/projects/{lists.workspace.project_id}/{lists.noun}s"
    first = await client.get(f"{path}?tag=pay&tag=web&limit=1&sort=key")
    assert [one["key"] for one in first.json()] == ["pay-z"]
    second = await client.get(first.links["next"]["url"])
    assert [one["key"] for one in second.json()] == ["pay.b"]
    refused = await client.get(f"{path}?sort=key&sort=key&prefix=a&prefix=b&state=on&updatedBy=x&tag=a")
    assert list(refused.json()["fields"]) == ["?sort", "?prefix", "?state", "?updatedBy"]


async def test_a_token_finds_nothing_beyond_its_resources(instance: Instance, lists: Lists) -> None:
    token = await instance.token(lists.workspace.org, resources=["pay.*"])
    for chosen in ({}, {"prefix": "pay"}, {"tag": ["pay"]}, {"sort": "-key"}, {"search": "pay"}):
        assert sorted(await lists.keys(token, **chosen)) == ["pay.a", "pay.b"]
    assert await lists.keys(token, prefix="pay-") == []
