"""What the store promises to the services, on both databases."""

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from tests.clients import RestApi
from tests.conftest import client_of
from tests.factories import Instance


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    name: str = request.param
    return name


@pytest.fixture
async def instance(app: Starlette) -> AsyncIterator[Instance]:
    """An instance to look behind."""
    made = Instance(app, RestApi, client_of)
    yield made
    await made.close()
