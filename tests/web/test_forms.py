"""Forms as they are posted, without a browser between."""

import httpx2
import pytest
from starlette.applications import Starlette

from tests.clients import RestApi
from tests.conftest import client_of
from tests.factories import Instance, Workspace


@pytest.fixture
def instance(app: Starlette) -> Instance:
    """The instance; pages are neither REST nor GraphQL."""
    return Instance(app, RestApi, client_of)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"rateLimitPerMin": "9" * 60_000}, "rateLimitPerMin"),
        ({"rateLimitPerMin": "many"}, "rateLimitPerMin"),
        ({"days": "9" * 60_000}, "expiresInSeconds"),
        ({"days": "9" * 10}, "expiresInSeconds"),
        ({"days": "soon"}, "expiresInSeconds"),
    ],
    ids=lambda one: str(one)[:30],
)
async def test_what_is_no_number_for_a_token_is_told_at_its_field(
    workspace: Workspace, typed: dict[str, str], field: str
) -> None:
    form = {"name": "ci", "level": "client", "scope": "org", "resources": "*", "rateLimitPerMin": "60", "days": "7"}
    path = f"/app/orgs/{workspace.org.slug}/tokens"
    client = workspace.org.owner.client
    refused = await client.post(path, data=form | typed)
    assert (refused.status_code, field in refused.text.partition('role="alert"')[2].partition("</ul>")[0]) == (
        400,
        True,
    )
    minted = await client.post(path, data=form | {"days": ""})
    assert (minted.status_code, "ci is created." in minted.text) == (200, True)


async def test_a_claim_that_is_refused_says_why(instance: Instance, client: httpx2.AsyncClient) -> None:
    form = {"orgName": "Acme", "orgSlug": "No Slug", "email": "ada@example.com", "claimCode": "wrong"}
    refused = await client.post("/app/claim", data=form)
    assert refused.status_code == 400
    assert '<a href="#orgSlug">Slug</a>' in refused.text
    assert 'value="No Slug"' in refused.text
    await instance.org()
