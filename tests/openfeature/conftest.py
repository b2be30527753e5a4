"""A shop whose server the clients ask: an environment with a flag or config of each type, and tokens.

A worker has one of everything; only Chromium is started for each module.
"""

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
class Site:
    """Pages of an origin of their own, with the packages from npm for what they load."""

    origin: str
    folder: Path
    packages: Path

    def page(self, name: str, script: str) -> str:
        """The address of a page with the script, which is bundled with what it imports."""
        shutil.copy(HERE / "bundle.mjs", self.packages)
        (self.packages / name).write_text(script, "utf-8")
        npm.output(["node", "bundle.mjs", name, str(self.folder / f"{name}.js")], self.packages)
        text = f'<!doctype html><body><div id="root"></div><script type="module" src="{name}.js"></script>'
        (self.folder / f"{name}.html").write_text(text, "utf-8")
        return f"{self.origin}/{name}.html"


@dataclass(frozen=True, slots=True)
class Shop:
    """`empty_id` is an environment that nobody has written to."""

    served: Served
    owner: httpx2.Client
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


@pytest.fixture(scope="session")
def packages(request: pytest.FixtureRequest) -> Path:
    """The folder with those from npm."""
    return npm.installed(request.config.cache)


@pytest.fixture(scope="session")
def site(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    with pages(folder) as origin:
        yield Site(origin, folder, packages)


@pytest.fixture(scope="session")
def shop(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("shop")
    with serving(folder, SIGNALBOX_CORS_ORIGINS=site.origin) as served, owner_of(served) as owner:

        def made(path: str, **body: Any) -> str:
            return str(owner.post(f"/api/v1/{path}", json=body).raise_for_status().json()["id"])

        project = made("orgs/acme/projects", key="web", name="Web shop")
        production = made(f"projects/{project}/environments", key="production", name="Production")
        for kind, bodies in PRIMITIVES.items():
            for body in bodies:
                made(f"projects/{project}/{kind}", **body)
        empty = made(f"projects/{project}/environments", key="empty", name="Empty")
        yield Shop(served, owner, production, empty)


@pytest.fixture(scope="session")
def python_client(request: pytest.FixtureRequest) -> Iterator[Program]:
    programs = pypi.environment("openfeature.lock", request.config.cache)
    with program([str(programs / "python"), "client.py"], HERE) as client:
        yield client


@pytest.fixture(scope="session")
def node_client(packages: Path) -> Iterator[Program]:
    shutil.copy(HERE / "client.mjs", packages)
    with program(["node", "client.mjs"], packages) as client:
        yield client


@pytest.fixture(scope="session")
def client_page(site: Site) -> str:
    """The address of a page with the client for browsers."""
    return site.page("client.browser.mjs", (HERE / "client.browser.mjs").read_text("utf-8"))


@pytest.fixture
def web_client(client_page: str, browser: Browser) -> InPage:  # noqa: F811
    page = browser.new_context().new_page()
    page.goto(client_page)
    return InPage(page)


@pytest.fixture(params=["python", "node", "web"])
def client(request: pytest.FixtureRequest) -> Client:
    """Each client in turn."""
    found: Client = request.getfixturevalue(f"{request.param}_client")
    return found
