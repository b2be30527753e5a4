"""Pages of other origins, named in `SIGNALBOX_CORS_ORIGINS`: they call with tokens, never with cookies."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.processes import Served, owner_of, serving

SHOP, EVIL = "https://shop.example", "https://evil.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("origins")
    with serving(folder, SIGNALBOX_CORS_ORIGINS=f"{SHOP}, https://other.example") as served:
        yield served


def preflight(server: Served, origin: str, headers: str = "authorization, content-type") -> httpx2.Response:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers}
    return httpx2.options(f"{server.url}/api/v1/envs/x/evaluate", headers={"Origin": origin, **asked})


def test_a_named_origin_may_ask_with_a_token(server: Served) -> None:
    granted = preflight(server, SHOP).headers
    assert granted["access-control-allow-origin"] == SHOP
    assert "POST" in granted["access-control-allow-methods"]
    assert "authorization" in granted["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in granted
    answer = httpx2.get(f"{server.url}/api/v1/errors", headers={"Origin": SHOP})
    assert answer.headers["access-control-allow-origin"] == SHOP
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"} <= set(exposed)


@pytest.mark.parametrize(
    "header",
    [
        "x-request-id",
        "x-signalbox-env",
        "x-signalbox-min-version",
        "traceparent",
        "tracestate",
        "baggage",
        "if-match",
        "x-api-key",
        "x-reason",
    ],
)
def test_a_page_may_send_what_callers_and_their_tracing_send(server: Served, header: str) -> None:
    granted = preflight(server, SHOP, f"authorization,{header}").headers
    assert granted["access-control-allow-origin"] == SHOP
    assert header in granted["access-control-allow-headers"].lower()


def test_another_origin_is_granted_nothing(server: Served) -> None:
    for response in (preflight(server, EVIL), preflight(server, SHOP, "x-strange")):
        assert response.status_code == 204
        assert "access-control-allow-origin" not in response.headers
    answer = httpx2.get(f"{server.url}/api/v1/errors", headers={"Origin": EVIL})
    assert "access-control-allow-origin" not in answer.headers


def test_a_cookie_from_a_named_origin_changes_nothing(server: Served) -> None:
    with owner_of(server) as owner:
        refused = owner.post("/api/v1/orgs", json={"slug": "x", "name": "X"}, headers={"Origin": SHOP})
        assert refused.json()["code"] == "forbidden"
