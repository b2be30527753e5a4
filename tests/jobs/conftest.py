"""A node that no worker works on, on each database in turn."""

from collections.abc import AsyncIterator

import pytest

from app.main import open_node
from app.runtime.node import Node
from app.settings import Settings
from tests.clock import SetClock


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    name: str = request.param
    return name


@pytest.fixture
async def node(settings: Settings, clock: SetClock) -> AsyncIterator[Node]:
    """What a process holds, without a worker of its own."""
    node = await open_node(settings, clock)
    yield node
    await node.close()
