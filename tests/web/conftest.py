"""A real server for each test, and a real browser for each module."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Request, expect, sync_playwright

from tests.processes import Served, serving

CHROMIUM = Path("/usr/bin/chromium")
expect.set_options(timeout=20_000)
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Watch:
    """Where a browser went, and what it complained about."""

    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> BrowserContext:
        """Watches all pages of the context."""
        context.on("request", self._note)
        context.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        context.on("weberror", lambda fault: self.complaints.append(str(fault.error)))
        return context

    def _note(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"}:
            self.hosts.add(address.netloc)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """A server on an empty instance."""
    with serving(tmp_path) as served:
        yield served


@pytest.fixture
def claim_link(server: Served) -> str:
    """The link that the first start prints."""
    return re.search(r"http\S+/app/claim\?code=\S+", server.greeting)[0]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium. Where it is missing the test is skipped, in CI it fails.

    One for a module and not for a worker: while Playwright is at work its loop runs, and other modules have loops of
    their own.
    """
    if not CHROMIUM.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"{CHROMIUM} IS MISSING: the pages are not tested in a browser. apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The module's Chromium, in which nothing is left over from another test: every page has a context."""
    yield chromium
    for context in chromium.contexts:
        context.close()
