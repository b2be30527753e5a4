"""What only REST has to promise."""

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from app.settings import Settings
from tests.clients import RestApi
from tests.conftest import client_of
from tests.factories import Instance


@pytest.fixture(params=["", "https://shop.example"])
def settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Whose pages may call."""
    return settings.model_copy(update={"cors_origins": request.param})


@pytest.fixture
async def instance(app: Starlette) -> AsyncIterator[Instance]:
    """The instance as its people see it over REST."""
    made = Instance(app, RestApi, client_of)
    yield made
    await made.close()
