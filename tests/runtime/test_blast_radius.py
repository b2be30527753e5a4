"""What a change would do is found with the ruleset in memory, for the contexts given or those that are kept."""

from typing import Any

import pytest
from sqlalchemy import Select, select
from sqlmodel import col

from app.domain.errors import AppError
from app.engine.target_ids import EntryChange
from app.main import create_app
from app.models import Environment, Primitive, SpotChecks
from app.services import blast_radius
from app.settings import Settings
from tests.clients import RestApi
from tests.clock import SetClock, now
from tests.conftest import client_of
from tests.factories import Instance, Workspace

JSON = dict[str, Any]
STAFF = [{"if": {"$segment": "staff"}, "value": "ours"}]


def _named(key: str) -> Select[tuple[Primitive]]:
    """The first that had the key."""
    return select(Primitive).where(col(Primitive.key) == key).order_by(col(Primitive.id)).limit(1)


async def of_change(
    instance: Instance, environment_id: str, key: str, wanted: JSON, contexts: list[JSON] | None = None
) -> JSON:
    async with instance.node.unit("req_test") as uow:
        environment = await uow.session.get_one(Environment, environment_id)
        primitive = await uow.session.scalar(_named(key))
        assert primitive is not None
        found = await blast_radius.of_changes(uow, environment, [(primitive, wanted)], contexts)
        assert (
            not found["contexts"] or not uow.session.in_transaction()
        )  # no connection is held while others wait for one
        return found


async def of_delete(instance: Instance, key: str, contexts: list[JSON] | None = None) -> JSON:
    async with instance.node.unit("req_test") as uow:
        primitive = await uow.session.scalar(_named(key))
        assert primitive is not None
        return await blast_radius.of_delete(uow, primitive, contexts)


async def keep(instance: Instance, environment_id: str, contexts: str) -> None:
    async with instance.node.database.writing() as session:
        of = {"environment_id": environment_id, "updated_at": now(), "updated_by": {}}
        session.add(SpotChecks(contexts=contexts, **of))
        await session.commit()


def value_of(radius: JSON, key: str) -> list[tuple[Any, Any]]:
    shown = [one["evaluations"][key] for one in radius["results"]]
    return [(one["live"]["value"], one["proposed"] and one["proposed"]["value"]) for one in shown]


async def test_every_dimension_can_be_tried(instance: Instance, workspace: Workspace) -> None:
    here, version = workspace.environment_id, await workspace.version()
    context: list[JSON] = [{"userId": "u-1"}]
    found = await of_change(instance, here, "checkout", {"killed": True}, context)
    assert value_of(found, "checkout") == [(True, False)]
    assert (found["version"], found["flips"], found["truncated"]) == (version, {"checkout": 1}, False)
    assert found["results"][0]["envId"] == here
    assert found["results"][0]["evaluations"]["checkout"]["proposed"]["reason"] == {"kind": "killed"}
    found = await of_change(instance, here, "limits", {"defaultValue": {"a": 2**64 - 1}}, context)
    assert value_of(found, "limits") == [({"a": 1}, {"a": 2**64 - 1})]
    found = await of_change(instance, here, "banner", {"rules": [{"value": "hello"}]}, context)
    assert (value_of(found, "banner"), found["flips"]) == ([("hello", "hello")], {})
    assert found["results"][0]["evaluations"]["banner"]["proposed"]["reason"]["kind"] == "rule_match"

    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=STAFF)
    for wanted in (
        {"allowList": ["u-1"]},
        {"allowList": EntryChange(frozenset({"u-1"}))},
        {"rules": [{}]},
    ):
        found = await of_change(instance, here, "staff", wanted, context)
        assert (value_of(found, "banner"), found["flips"]) == ([("hello", "ours")], {"banner": 1})
    await workspace.org.editor.make("updateSegmentState", **workspace.staff, allowList=["u-1"])
    for wanted in (
        {"denyList": frozenset({"u-1"})},
        {"allowList": []},
        {"allowList": EntryChange(remove=frozenset({"u-1"}))},
    ):
        assert value_of(await of_change(instance, here, "staff", wanted, context), "banner") == [("ours", "hello")]
    assert (await workspace.evaluated("banner"))["value"] == "hello", "nothing was changed"
    assert (await of_change(instance, here, "banner", {"rules": []}, context))["version"] == await workspace.version()


async def test_contexts_are_those_that_the_environment_keeps_unless_given(
    instance: Instance, workspace: Workspace
) -> None:
    here = workspace.environment_id
    nothing: JSON = {"version": await workspace.version(), "contexts": 0, "results": [], "flips": {}}
    nothing["truncated"] = False
    assert await of_change(instance, here, "checkout", {"killed": True}) == nothing
    await keep(instance, here, '[{"n":18446744073709551615},{}]')
    found = await of_change(instance, here, "checkout", {"killed": True})
    assert [one["context"] for one in found["results"]] == [{"n": 2**64 - 1}, {}]
    assert (found["contexts"], found["flips"]) == (2, {"checkout": 2})
    assert await of_change(instance, here, "checkout", {"killed": True}, []) == nothing


async def test_what_this_server_has_not_heard_of_is_live(
    instance: Instance, workspace: Workspace, settings: Settings, clock: SetClock
) -> None:
    assert (await workspace.evaluated("banner"))["value"] == "hello"
    other = create_app(settings, clock)
    async with other.router.lifespan_context(other):
        theirs = Instance(other, RestApi, client_of)
        await theirs.over(workspace).org.editor.make("updateFlagState", **workspace.banner, defaultValue="new")
        await theirs.close()
    found = await of_change(instance, workspace.environment_id, "banner", {"defaultValue": "newer"}, [{}])
    assert (found["version"], value_of(found, "banner")) == (await workspace.version(), [("new", "newer")])


async def test_an_environment_that_nobody_has_written_to_can_be_tried(instance: Instance, workspace: Workspace) -> None:
    new = await workspace.org.editor.make(
        "createEnvironment", projectId=workspace.project_id, key="staging", name="Staging"
    )
    found = await of_change(instance, new["id"], "banner", {"defaultValue": "new"}, [{}])
    assert (found["version"], value_of(found, "banner")) == (0, [("hello", "new")])


async def test_a_delete_is_tried_in_every_environment(instance: Instance, workspace: Workspace) -> None:
    new = await workspace.org.editor.make(
        "createEnvironment", projectId=workspace.project_id, key="staging", name="Staging"
    )
    await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="qa", name="Questions")
    nothing: JSON = {"version": None, "contexts": 0, "results": [], "flips": {}, "truncated": False}
    assert await of_delete(instance, "banner") == nothing
    await keep(instance, workspace.environment_id, '[{"userId":"u-1"}]')
    await keep(instance, new["id"], "[{},{}]")
    found = await of_delete(instance, "banner")
    assert [one["envId"] for one in found["results"]] == [workspace.environment_id, new["id"], new["id"]]
    assert value_of(found, "banner") == [("hello", None)] * 3
    assert all(one["evaluations"]["banner"]["flips"] for one in found["results"])
    assert (found["version"], found["contexts"], found["flips"]) == (None, 3, {"banner": 3})
    assert (await of_delete(instance, "banner", [{}]))["flips"] == {"banner": 3}
    found = await of_delete(instance, "staff", [{}])
    assert (found["contexts"], found["flips"], found["results"][0]["evaluations"]) == (3, {}, {})


async def test_what_has_gone_meanwhile_is_not_found(instance: Instance, workspace: Workspace) -> None:
    deleted = {"projectId": workspace.project_id, "key": "banner"}
    await workspace.org.owner.make("deleteFlag", **deleted)
    with pytest.raises(AppError) as refused:
        await of_change(instance, workspace.environment_id, "banner", {"killed": True}, [{}])
    assert refused.value.code == "not_found"
    await workspace.org.owner.make("createFlag", **deleted, type="boolean", defaultValue=True)
    with pytest.raises(AppError) as refused:  # the row is the first one's, a string
        await of_change(instance, workspace.environment_id, "banner", {"defaultValue": "x"}, [{}])
    assert refused.value.code == "not_found"
