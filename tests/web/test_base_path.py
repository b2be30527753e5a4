"""Below a path: with a base URL that has one, everything is served, linked and redirected below it."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest
from starlette.applications import Starlette

from app.settings import Settings
from app.web import pages
from tests.clients import Api, GraphQLApi, RestApi
from tests.conftest import CLAIM_CODE
from tests.mailbox import delivered, in_outbox

BASE = "https://example.com/flags"
ADDRESSES = {"href", "src", "action", "formaction", "data-base"}
NOWHERE = f"{BASE}/nowhere"
NOT_YET = ("/sign-out", "/remove", "/end", "/app/account")  # forms that end the session of the crawl


class Addresses(HTMLParser):
    """Collects what a page leads to: all addresses, and the forms with their fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.found += [value for name, value in attributes.items() if name in ADDRESSES and not value.startswith("#")]
        if "href" in attributes or "src" in attributes:
            self.links.append(attributes.get("href") or attributes["src"])
        if tag == "form":
            self.forms.append((attributes["action"], {}))
        if tag == "input" and self.forms and "name" in attributes:
            self.forms[-1][1][attributes["name"]] = attributes.get("value", "")


async def stays_inside(response: httpx2.Response) -> None:
    """Fails for an answer that leads out of the base path: by a redirect, a link, a form, a script or a cookie."""
    await response.aread()
    led = [response.headers["location"]] if "location" in response.headers else []
    led += re.findall(r"<([^>]*)>", response.headers.get("link", ""))
    if response.headers.get("content-type", "").startswith("text/html"):
        led += Addresses(response.text).found
    inside = [address == "/flags" or urljoin(BASE, address).startswith(f"{BASE}/") for address in led]
    assert all(inside), (response.request.url, led)
    for header in response.headers.get_list("set-cookie"):
        assert {cookie["path"] for cookie in SimpleCookie(header).values()} == {"/flags"}, header


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"base_url": BASE})


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who keeps cookies as browsers do, and never leaves the base path."""
    transport = httpx2.ASGITransport(app=app)
    hooks = {"response": [stays_inside]}
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, event_hooks=hooks) as client:
        yield client


@pytest.fixture
async def owner(client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """The owner, who has claimed the instance on its page."""
    form = {"email": "ada@acme.example", "orgName": "Acme", "orgSlug": "acme", "claimCode": CLAIM_CODE}
    claimed = await client.post("/app/claim", data=form)
    assert (claimed.status_code, claimed.headers["location"]) == (303, "/flags/app/")
    return client


async def test_no_page_leads_out(owner: httpx2.AsyncClient, settings: Settings, app: Starlette) -> None:
    api = RestApi(owner)
    await api.make("createInvitation", orgSlug="acme", email="bob@acme.example", role="editor")
    token = {"name": "ci", "level": "client", "environments": {"org": True}, "resources": ["*"]}
    await api.make("createApiKey", orgSlug="acme", **token)
    await delivered(app.state.node.database)
    mailed = [mail.link for mail in in_outbox(settings.outbox)]
    assert all(link.startswith(f"{BASE}/") for link in mailed)

    waiting, seen, forms = [BASE, f"{BASE}/app/signin", NOWHERE, *mailed], set[str](), dict[str, dict[str, str]]()
    while waiting:
        address = urlsplit(waiting.pop())._replace(fragment="").geturl()
        if address in seen:
            continue
        seen.add(address)
        got = await owner.get(address, headers={"Accept": "text/html"})
        assert got.status_code in ({404} if address == NOWHERE else {200, 303}), address
        if "location" in got.headers:
            waiting.append(urljoin(address, got.headers["location"]))
        if got.headers.get("content-type", "").startswith("text/html"):
            page = Addresses(got.text)
            waiting += [urljoin(address, link) for link in page.links]
            forms |= {urljoin(address, action): fields for action, fields in page.forms}
    expected = {"", "/app/account", "/app/orgs/acme/members", "/app/orgs/acme/tokens", "/docs", "/docs/errors"}
    assert seen > {BASE + path for path in {*expected, "/graphql", "/api/v1/openapi.json"}}
    assert len(forms) > len(expected)

    for action, fields in sorted(forms.items(), key=lambda form: form[0].endswith(NOT_YET)):
        posted = await owner.post(action, data=fields, headers={"Accept": "text/html"})
        assert posted.status_code != 404, action


async def test_scripts_get_their_addresses_from_the_page() -> None:
    for script in (pages.HERE / "static").glob("*.js"):
        assert not re.findall(r"[\"'`=(]/(?:app|api|auth|docs|graphql|static)\b", _code(script)), script.name


def _code(script: Path) -> str:
    """The script without what stands in comments."""
    return re.sub(r"^\s*//.*$", "", script.read_text("utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("transport", [RestApi, GraphQLApi])
async def test_the_api_works_below_the_path(transport: type[Api], owner: httpx2.AsyncClient) -> None:
    api = transport(owner)
    project = await api.make("createProject", orgSlug="acme", key="web", name="Web")
    environment = await api.make("createEnvironment", projectId=project["id"], key="prod", name="Production")
    for key in ("one", "two"):
        await api.make("createFlag", projectId=project["id"], key=key, type="boolean", defaultValue=True)
    first = await api.do("flags", projectId=project["id"], limit=1)
    assert first.next is not None
    evaluated = await api.make("evaluate", environmentId=environment["id"], context={})
    assert set(evaluated["evaluations"]) == {"one", "two"}


async def test_addresses_that_rest_gives_are_there(owner: httpx2.AsyncClient) -> None:
    made = await owner.post("/api/v1/orgs/acme/projects", json={"key": "web", "name": "Web"})
    assert (await owner.get(urljoin(BASE, made.headers["location"]))).json() == made.json()
    await owner.post("/api/v1/orgs/acme/projects", json={"key": "app", "name": "App"})
    first = await owner.get("/api/v1/orgs/acme/projects", params={"limit": 1})
    assert first.links["next"]["url"].startswith(f"{BASE}/api/v1/orgs/acme/projects?")
    second = await owner.get(first.links["next"]["url"])
    assert [one["key"] for one in [*first.json(), *second.json()]] == ["web", "app"]
    document = (await owner.get("/api/v1/openapi.json")).json()
    assert document["servers"] == [{"url": "/flags"}]
    assert "](/flags/docs/errors)" in document["info"]["description"]


@pytest.mark.parametrize("path", ["/", "/app/", "/graphql", "/api/v1/errors", "/flagship", "/flags2/app/", "/static/x"])
async def test_what_is_outside_is_not_found(path: str, client: httpx2.AsyncClient) -> None:
    got = await client.get(f"https://example.com{path}")
    assert (got.status_code, got.json()["code"]) == (404, "not_found")
    shown = await client.get(f"https://example.com{path}", headers={"Accept": "text/html"})
    assert (shown.status_code, "/flags/app/" in Addresses(shown.text).found) == (404, True)


@pytest.mark.parametrize("probe", ["/healthz", "/readyz"])
async def test_probes_answer_at_the_root_as_well(probe: str, client: httpx2.AsyncClient) -> None:
    for address in (f"https://example.com{probe}", BASE + probe):
        assert (await client.get(address)).json() == {"status": "ok"}


async def test_metrics_answer_at_the_root_as_well(client: httpx2.AsyncClient) -> None:
    for address in ("https://example.com/metrics", f"{BASE}/metrics"):
        assert (await client.get(address)).status_code == 404  # what they tell takes a token here
        assert (await client.get(address)).json()["message"] == "There is no such path."


async def test_pointers_from_near_misses_stay_inside(client: httpx2.AsyncClient) -> None:
    told = await client.get("/graphiql")
    assert told.json()["message"] == "There is no such path. Did you mean /flags/graphql?"
    told = await client.get("/api/v1/orgs/")
    assert told.json()["message"] == "There is no such path. Did you mean /flags/api/v1/orgs?"
    sent = await client.get("/docs/", headers={"Accept": "text/html"})
    assert sent.headers["location"] == "/flags/docs"
