"""What only GraphQL has is tried over GraphQL."""

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from tests.clients import GraphQLApi
from tests.conftest import client_of
from tests.factories import Instance


@pytest.fixture
async def instance(app: Starlette) -> AsyncIterator[Instance]:
    """The instance as its people see it over GraphQL."""
    made = Instance(app, GraphQLApi, client_of)
    yield made
    await made.close()
