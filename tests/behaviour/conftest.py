"""What callers are promised holds on both databases."""

import pytest

from tests.factories import Workspace

OF_SEGMENT = [{"if": {"$segment": "staff"}, "value": True}]
OF_FLAG = [{"if": {"$flag": "checkout", "$equals": True}, "value": "x"}]


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    name: str = request.param
    return name


@pytest.fixture
async def dev(workspace: Workspace) -> str:
    """What `another_environment` makes."""
    return await another_environment(workspace)


async def another_environment(workspace: Workspace) -> str:
    """A copy of the workspace's, in which everything was changed but whether the banner is killed."""
    editor = workspace.org.editor
    asked = {"projectId": workspace.project_id, "copyFromEnvId": workspace.environment_id}
    dev = str((await editor.make("createEnvironment", **asked, key="dev", name="Development"))["id"])
    await editor.make("updateSegmentState", environmentId=dev, key="staff", rules=[{}], allowList=["u-1", "u-2"])
    await editor.make("updateFlagState", environmentId=dev, key="checkout", defaultValue=False, rules=OF_SEGMENT)
    await editor.make("updateFlagState", environmentId=dev, key="banner", defaultValue="moin", rules=OF_FLAG)
    await editor.make("updateConfigState", environmentId=dev, key="limits", defaultValue={"a": 2})
    await editor.make("killFlag", environmentId=dev, key="checkout")
    await editor.make("updateSegmentState", **workspace.staff, allowList=["u-2", "u-3"], denyList=["u-9"])
    return dev
