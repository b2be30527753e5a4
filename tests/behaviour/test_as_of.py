"""What was evaluated at an instant of the past."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import col

from app.engine.instants import rfc3339
from app.models import EnvironmentVersion
from tests.clients import Api
from tests.clock import SetClock
from tests.factories import Instance, Workspace

CONTEXT = {"userId": "u-1", "device": "d-1", "plan": "pro"}
TO_STAFF = [{"if": {"$segment": "staff"}, "value": "for staff"}]


async def evaluated(workspace: Workspace, caller: Api | None = None, **asked: Any) -> dict[str, Any]:
    found = await (caller or workspace.org.viewer).make(
        "evaluate", **{"environmentId": workspace.environment_id, "context": CONTEXT, **asked}
    )
    return dict(found)


async def test_it_is_what_was_in_force_then(workspace: Workspace, clock: SetClock) -> None:
    editor, seen = workspace.org.editor, []

    async def look() -> None:
        seen.append((rfc3339(clock.now()), await evaluated(workspace)))

    await look()
    await editor.make("updateFlagState", **workspace.banner, rules=TO_STAFF)
    await look()
    await editor.make("updateAllowList", **workspace.staff, add=["u-1"])
    await look()
    await workspace.org.admin.make("updateProject", projectId=workspace.project_id, targetIdField="device")
    await look()
    await editor.make("updateAllowList", **workspace.staff, add=["d-1"], remove=["u-1"])
    await look()
    await editor.make("killFlag", **workspace.banner)
    await editor.make("createFlag", projectId=workspace.project_id, key="new", type="boolean", defaultValue=True)
    await look()
    await editor.make("updateFlagState", **workspace.banner, rules=[])
    await workspace.org.admin.make("deleteFlag", projectId=workspace.project_id, key="checkout")
    config = {"key": "checkout", "type": "number", "defaultValue": 5}
    await editor.make("createConfig", projectId=workspace.project_id, **config)
    await look()
    values = [found["evaluations"]["banner"]["value"] for _, found in seen]
    assert values == ["hello", "hello", "for staff", "hello", "for staff", "hello", "hello"]
    for at, found in [*seen, *reversed(seen)]:
        assert await evaluated(workspace, asOf=at) == found
    assert await evaluated(workspace, asOf=rfc3339(clock.now() + timedelta(days=9))) == seen[-1][1]


async def test_a_version_is_in_force_from_its_own_instant_on(workspace: Workspace, clock: SetClock) -> None:
    before = await workspace.version()
    clock.stopped_at = clock.now()
    state = await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="bye")
    clock.stopped_at = None
    at = state["updatedAt"]
    assert (await evaluated(workspace, asOf=at))["version"] == before + 1
    assert (await evaluated(workspace, asOf=at.replace("Z", "9Z")))["version"] == before + 1
    earlier = rfc3339(clock.now() - timedelta(days=1))
    assert (
        await workspace.org.viewer.do("evaluate", environmentId=workspace.environment_id, context={}, asOf=earlier)
    ).code == "ruleset_not_cached"


@pytest.mark.raises_codes("ruleset_not_cached")
async def test_before_the_first_version_there_was_none(workspace: Workspace) -> None:
    asked = {"environmentId": workspace.environment_id, "context": {}}
    for at in ("1999-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "2020-01-01t00:00:00.5+01:00"):
        assert (await workspace.org.viewer.do("evaluate", **asked, asOf=at)).code == "ruleset_not_cached"
    new = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="new", name="New")
    for at in ("2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        reply = await workspace.org.viewer.do("evaluate", environmentId=new["id"], context={}, asOf=at)
        assert reply.code == "ruleset_not_cached"


@pytest.mark.raises_codes("invalid_request")
async def test_what_is_older_than_what_is_kept_is_refused(
    instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    at = rfc3339(clock.now())
    await workspace.org.editor.make("killFlag", **workspace.banner)
    kept = await workspace.version()
    async with instance.node.database.writing() as session:
        older = col(EnvironmentVersion.version) < kept
        await session.execute(delete(EnvironmentVersion).where(older))
        await session.commit()
    asked = {"environmentId": workspace.environment_id, "context": {}}
    reply = await workspace.org.viewer.do("evaluate", **asked, asOf=at)
    assert (reply.code, list(reply.fields)) == ("invalid_request", ["asOf"])
    assert (await evaluated(workspace, asOf=rfc3339(clock.now())))["version"] == kept


@pytest.mark.raises_codes("invalid_request")
@pytest.mark.parametrize("at", ["", "now", "2026-11-30", "2026-11-30T12:00:00", "2026-13-01T00:00:00Z", 5])
async def test_what_is_no_instant_is_refused(workspace: Workspace, at: Any) -> None:
    asked = {"environmentId": workspace.environment_id, "context": {}}
    reply = await workspace.org.viewer.do("evaluate", **asked, asOf=at)
    assert (reply.code, list(reply.fields)) == ("invalid_request", ["asOf"])


@pytest.mark.raises_codes("token_action_denied")
async def test_the_past_is_for_those_who_may_read(instance: Instance, workspace: Workspace, clock: SetClock) -> None:
    at = rfc3339(clock.now())
    client = await instance.token(workspace.org, level="client", resources=["banner"])
    asked = {"environmentId": workspace.environment_id, "context": {}}
    assert (await client.do("evaluate", **asked, asOf=at)).code == "token_action_denied"
    reader = await instance.token(workspace.org, level="observer", resources=["banner"])
    assert list((await evaluated(workspace, reader, asOf=at))["evaluations"]) == ["banner"]


@pytest.mark.parametrize("seed", range(2))
async def test_at_every_version_it_equals_what_was_answered_then(
    workspace: Workspace, clock: SetClock, seed: int
) -> None:
    """Whatever is written: flags, configs and segments made, changed, deleted and made again."""
    random, seen = Random(seed), []
    writer = Writer(workspace, random)
    for _ in range(25):
        await writer.write()
        seen.append((rfc3339(clock.now()), await evaluated(workspace)))
    random.shuffle(seen)
    for at, found in seen:
        assert await evaluated(workspace, asOf=at) == found


class Writer:
    """Writes at random."""

    def __init__(self, workspace: Workspace, random: Random) -> None:
        self.workspace, self.random = workspace, random

    async def write(self) -> None:
        """One write, which may be refused."""
        workspace, random = self.workspace, self.random
        editor, key = workspace.org.editor, random.choice(["f", "g", "h"])
        named = {"environmentId": workspace.environment_id, "key": key}
        match random.randrange(7):
            case 0:
                await workspace.org.admin.do("deleteFlag", projectId=workspace.project_id, key=key)
            case 1 | 2:
                of_type = random.choice([("string", "x"), ("boolean", True)])
                made = {"key": key, "type": of_type[0], "defaultValue": of_type[1]}
                await editor.do("createFlag", projectId=workspace.project_id, **made)
            case 3:
                other = random.choice(["f", "g", "h", "banner"])
                of_plan = {"field": "plan", "$in": ["pro"]}
                condition = random.choice([{"$segment": "staff"}, {"$flag": other, "$exists": True}, of_plan])
                rules = [{"if": condition, "value": random.choice(["y", False])}]
                await editor.do("updateFlagState", **named, rules=rules)
            case 4:
                ids = random.sample(["u-1", "d-1", "u-2"], 2)
                change = {"add": ids[:1], "remove": ids[1:]}
                await editor.make(random.choice(["updateAllowList", "updateDenyList"]), **workspace.staff, **change)
            case 5:
                await editor.do(random.choice(["killFlag", "restoreFlag"]), **named)
            case _:
                field = random.choice(["userId", "device"])
                changed = {"projectId": workspace.project_id, "targetIdField": field}
                await workspace.org.admin.make("updateProject", **changed)
