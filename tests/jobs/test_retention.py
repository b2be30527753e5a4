"""Audit and past states are kept for ever, or for as long as the operator says."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.jobs.housekeeping import housekeeping_job
from app.models import AuditEvent, EnvironmentVersion, State, StateEntry
from app.settings import Settings
from tests.clients import Api
from tests.clock import SetClock
from tests.factories import Instance, Workspace

HELD = (AuditEvent, EnvironmentVersion, State, StateEntry)


@pytest.fixture
def days() -> int | None:
    """For how many days this test's instance keeps the past."""
    return 90


@pytest.fixture
def settings(settings: Settings, days: int | None) -> Settings:
    """Those of the test's instance."""
    return settings.model_copy(update={"audit_days": days})


@pytest.fixture
async def caller(instance: Instance, workspace: Workspace) -> Api:
    """A token, which outlives every session."""
    return instance.bearer(workspace.api_key["token"])


@pytest.fixture
async def past(workspace: Workspace, caller: Api, clock: SetClock) -> Workspace:
    """A workspace with changes of 100 days ago, and one of yesterday."""
    editor = caller
    for entry in ("u-1", "u-2"):
        await editor.make("updateSegmentState", **workspace.staff, allowList=[entry])
    for value in ("a", "b"):
        await editor.make("updateFlagState", **workspace.banner, defaultValue=value)
    clock.ahead += timedelta(days=99)
    await editor.make("updateFlagState", **workspace.banner, defaultValue="c")
    clock.ahead += timedelta(days=1)
    return workspace


async def held(instance: Instance) -> dict[str, int]:
    async with instance.node.database.reading() as session:
        return {
            table.__name__: (await session.execute(select(func.count()).select_from(table))).scalar_one()
            for table in HELD
        }


async def test_what_is_older_goes_and_the_present_stays(instance: Instance, past: Workspace, caller: Api) -> None:
    before: dict[str, Any] = {
        "banner": await caller.make("flagState", **past.banner),
        "staff": await caller.make("segmentState", **past.staff),
    }
    await housekeeping_job(instance.node).run()
    assert {
        "banner": await caller.make("flagState", **past.banner),
        "staff": await caller.make("segmentState", **past.staff),
    } == before
    # The version of 100 days ago was in force until yesterday, so its states stay: "b" of the banner, and all others.
    # Of the events there are yesterday's, and that the workspace's proposal has expired.
    assert await held(instance) == {"AuditEvent": 2, "EnvironmentVersion": 2, "State": 5, "StateEntry": 1}


@pytest.mark.parametrize("days", [None])
async def test_by_default_everything_is_kept(instance: Instance, past: Workspace) -> None:
    assert past
    before = await held(instance)
    await housekeeping_job(instance.node).run()
    assert await held(instance) == {**before, "AuditEvent": before["AuditEvent"] + 1}  # a proposal has expired


async def test_a_history_begins_after_what_is_no_longer_known(instance: Instance, past: Workspace, caller: Api) -> None:
    before = await caller.make("flagHistory", **past.banner)
    assert [one["changes"]["defaultValue"]["to"] for one in before] == ["c", "b", "a", "hello"]
    await housekeeping_job(instance.node).run()
    assert await caller.make("flagHistory", **past.banner) == before[:1]
    assert await caller.make("segmentHistory", **past.staff) == []
    await caller.make("updateSegmentState", **past.staff, allowList=["u-2", "u-3"])
    (change,) = await caller.make("segmentHistory", **past.staff)
    assert change["changes"] == {
        "allowList": {"from": {"add": [], "remove": ["u-3"]}, "to": {"add": ["u-3"], "remove": []}}
    }
