"""Near misses: what is no path of ours points to the one that was probably meant, and nothing else does."""

import httpx2
import pytest

from app.rest.app import PREFIX, TABLE

PAGE = {"Accept": "text/html"}
MEANT = {
    "/docs/": "/docs",
    "/docs/errors//": "/docs/errors",
    "/app/signin/": "/app/signin",
    "/graphiql": "/graphql",
    "/graphiql/": "/graphql",
    "/graphql/": "/graphql",
    "/openapi.json": f"{PREFIX}/openapi.json",
    "/app/sign-in": "/app/signin",
    "/app/sign-up": "/app/signup",
}


@pytest.mark.parametrize("path", MEANT)
async def test_a_browser_is_sent_on_and_others_are_told(client: httpx2.AsyncClient, path: str) -> None:
    sent = await client.get(path, headers=PAGE)
    assert (sent.status_code, sent.headers["location"]) == (303, MEANT[path])
    for method in ("GET", "POST"):
        told = await client.request(method, path)
        assert (told.status_code, told.json()["code"]) == (404, "not_found")
        assert told.json()["message"] == f"There is no such path. Did you mean {MEANT[path]}?"


@pytest.mark.parametrize("query", ["?t=sbl_x", "?next=/app/orgs/acme/members%3Fcursor%3Dx&a=%2B+%C3%A4", "?"])
async def test_a_browser_keeps_what_it_asked_with(client: httpx2.AsyncClient, query: str) -> None:
    for path, meant in (("/auth/link/", "/auth/link"), ("/app/sign-in", "/app/signin")):
        sent = await client.get(path + query, headers=PAGE)
        assert (sent.status_code, sent.headers["location"]) == (303, meant + query.removesuffix("?"))


async def test_an_organisations_address_leads_to_its_page(client: httpx2.AsyncClient) -> None:
    sent = await client.get("/app/orgs/acme", headers=PAGE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/app/orgs/acme/members")


@pytest.mark.parametrize("path", sorted({endpoint.address for endpoint in TABLE}))
async def test_a_slash_at_the_end_of_a_rest_path_is_pointed_out(client: httpx2.AsyncClient, path: str) -> None:
    asked = path.replace("{", "").replace("}", "")
    for method, headers in (("GET", {}), ("GET", PAGE), ("DELETE", {})):
        told = await client.request(method, f"{asked}/", headers=headers)
        assert (told.status_code, told.json()["code"]) == (404, "not_found")
        assert told.json()["message"] == f"There is no such path. Did you mean {asked}?"


@pytest.mark.parametrize("path", ["/nowhere/", "//evil.example/", "/", f"{PREFIX}/nowhere/", f"{PREFIX}/", "/docs/x"])
async def test_what_is_near_nothing_gets_no_pointer(client: httpx2.AsyncClient, path: str) -> None:
    got = await client.get(f"http://signalbox.test{path}")
    assert got.status_code in ({303} if path == "/" else {404})
    assert path == "/" or got.json()["message"] == "There is no such path."
