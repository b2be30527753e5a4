"""The headers that every answer has, whichever surface makes it."""

import httpx2
import pytest
from starlette.applications import Starlette

from app.settings import Settings
from tests.conftest import CLAIM_CODE, client_of
from tests.factories import Instance

CLAIM = {"email": "ada@example.com", "orgName": "Acme", "orgSlug": "acme", "claimCode": CLAIM_CODE}
API_CSP = "default-src 'none'; frame-ancestors 'none'"
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PAGES = ["/app/signin", "/app/claim", "/docs", "/docs/errors", "/graphql", "/app/nowhere"]
OTHERS = [
    "/",
    "/app/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/nowhere",
    "/static/app.css",
    "/static/nothing",
    "/auth/link?t=x",
    "/api/v1/errors",
    "/api/v1/openapi.json",
    "/api/v1/orgs",
    "/api/v1/nowhere",
    "/graphql?query={__typename}",
    "/graphql?query={",
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PURGE"])
@pytest.mark.parametrize("address", PAGES + OTHERS)
async def test_every_answer_has_them(app: Starlette, address: str, method: str) -> None:
    async with client_of(app) as client:
        headers = {"Accept": "text/html" if address in PAGES else "application/json"}
        answer = await client.request(method, address, headers=headers)
    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    assert answer.headers["x-request-id"].startswith("req_")
    assert "strict-transport-security" not in answer.headers
    if address in PAGES and method in {"GET", "HEAD"}:
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    elif address not in PAGES and not address.startswith("/auth/"):
        assert answer.headers["content-security-policy"] == API_CSP
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_no_cache_keeps_what_sets_a_cookie(instance: Instance) -> None:
    client = instance.anonymous().client
    mutation = "mutation($input: InstallClaimInput!) { installClaim(input: $input) { me { email } } }"
    answers = [
        await client.post("/graphql", json={"query": mutation, "variables": {"input": CLAIM}}),
        await client.post("/app/sign-out"),
        await client.post("/app/signin", data={"email": "ada@example.com"}, headers={"Accept": "text/html"}),
        await client.get("/api/v1/errors", headers={"Cookie": "signalbox_session=ended"}),
        await client.get("/static/app.css", headers={"Cookie": "signalbox_session=ended"}),
        await client.get("/api/v1/auth/me", headers={"Cookie": "signalbox_session=ended"}),
    ]
    assert [answer.headers.get_list("cache-control") for answer in answers if "set-cookie" in answer.headers] == [
        ["no-store"] for answer in answers if "/static/" not in str(answer.url)
    ]


class TestBehindHttps:
    """An instance that people reach over https."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """Its address says so."""
        return settings.model_copy(update={"base_url": "https://flags.example.com"})

    @pytest.mark.parametrize("address", ["/app/signin", "/api/v1/orgs", "/nowhere"])
    async def test_browsers_are_told_never_to_come_without_tls(self, client: httpx2.AsyncClient, address: str) -> None:
        assert (await client.get(address)).headers["strict-transport-security"] == "max-age=31536000"
