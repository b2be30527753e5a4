"""A shop whose server the clients ask: an environment with a flag or config of each type, and tokens."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser

from tests import npm, pypi
from tests.openfeature.clients import HERE, Client, InPage, Program, pages, program
from tests.processes import Served, owner_of, serving
from tests.servers import free_port
from tests.web.conftest import browser, chromium  # noqa: F401 - fixtures

PRIMITIVES: dict[str, list[dict[str, Any]]] = {
    "flags": [
        {"key": "checkout", "type": "boolean", "defaultValue": True},
        {"key": "banner", "type": "string", "defaultValue": "hello"},
    ],
    "configs": [
        {"key": "greeting", "type": "string", "defaultValue": "hi"},
        {"key": "limit", "type": "number", "defaultValue": 50},
        {"key": "open", "type": "boolean", "defaultValue": True},
        {"key": "options", "type": "json", "defaultValue": {"pages": 4, "wallets": ["card"]}},
    ],
}


@dataclass(frozen=True, slots=True)
class Shop:
    """`origin` is that of its own pages. `empty_id` is an environment that nobody has written to."""

    served: Served
    owner: httpx2.Client
    origin: str
    site: Path
    environment_id: str
    empty_id: str

    @property
    def url(self) -> str:
        return self.served.url

    def headers(self, environment_id: str | None = None, **asked: Any) -> dict[str, str]:
        """Those that a client sends for a new token of one environment."""
        body = {"name": "sdk", "level": "client", "resources": ["*"], "rateLimitPerMin": 60_000, **asked}
        body["environments"] = {"envs": [environment_id or self.environment_id]}
        made = self.owner.post("/api/v1/orgs/acme/api-keys", json=body)
        return {"Authorization": f"Bearer {made.raise_for_status().json()['token']}"}

    def change(self, key: str, **change: Any) -> None:
        """Changes the state of a flag."""
        self.owner.patch(f"/api/v1/envs/{self.environment_id}/flags/{key}", json=change).raise_for_status()

    @contextmanager
    def answering(self, status: int) -> Iterator[None]:
        """Fails unless the server answers with the status meanwhile."""
        before = len(self.served.log)
        yield
        self.served.wait_for_log(f"status={status}", before)

    def kill(self, key: str, *, killed: bool) -> None:
        """Kills a flag, or restores it."""
        action = "kill" if killed else "restore"
        self.owner.post(f"/api/v1/envs/{self.environment_id}/flags/{key}/{action}").raise_for_status()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder, site, port = tmp_path_factory.mktemp("shop"), tmp_path_factory.mktemp("site"), free_port()
    origin = f"http://127.0.0.1:{port}"
    with (
        serving(folder, SIGNALBOX_CORS_ORIGINS=origin) as served,
        owner_of(served) as owner,
        pages(site, port),
    ):

        def made(path: str, **body: Any) -> str:
            return str(owner.post(f"/api/v1/{path}", json=body).raise_for_status().json()["id"])

        project = made("orgs/acme/projects", key="web", name="Web shop")
        production = made(f"projects/{project}/environments", key="production", name="Production")
        for kind, bodies in PRIMITIVES.items():
            for body in bodies:
                made(f"projects/{project}/{kind}", **body)
        empty = made(f"projects/{project}/environments", key="empty", name="Empty")
        yield Shop(served, owner, origin, site, production, empty)


@pytest.fixture(scope="module")
def packages(request: pytest.FixtureRequest) -> Path:
    """The folder with those from npm."""
    return npm.installed(request.config.cache)


@pytest.fixture(scope="module")
def python_client(request: pytest.FixtureRequest) -> Iterator[Program]:
    programs = pypi.environment("openfeature.lock", request.config.cache)
    with program([str(programs / "python"), "client.py"], HERE) as client:
        yield client


@pytest.fixture(scope="module")
def node_client(packages: Path) -> Iterator[Program]:
    shutil.copy(HERE / "client.mjs", packages)
    with program(["node", "client.mjs"], packages) as client:
        yield client


@pytest.fixture(scope="module")
def site(packages: Path, shop: Shop) -> str:
    """The address of a page with the client for browsers."""
    return page_with("client.browser.mjs", (HERE / "client.browser.mjs").read_text("utf-8"), packages, shop)


@pytest.fixture
def web_client(site: str, browser: Browser) -> InPage:  # noqa: F811
    page = browser.new_context().new_page()
    page.goto(site)
    return InPage(page)


def page_with(name: str, script: str, packages: Path, shop: Shop) -> str:
    """The address of a page of the shop's with the script and the packages that it imports."""
    shutil.copy(HERE / "bundle.mjs", packages)
    (packages / name).write_text(script, "utf-8")
    npm.output(["node", "bundle.mjs", name, str(shop.site / f"{name}.js")], packages)
    page = f'<!doctype html><div id="root"></div><script src="{name}.js"></script>'
    (shop.site / f"{name}.html").write_text(page, "utf-8")
    return f"{shop.origin}/{name}.html"


@pytest.fixture(params=["python", "node", "web"])
def client(request: pytest.FixtureRequest) -> Client:
    """Each client in turn."""
    found: Client = request.getfixturevalue(f"{request.param}_client")
    return found
