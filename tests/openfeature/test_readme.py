"""The README's chapter about SDKs holds: each of its programs is run, as it stands there, with the stock packages."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests import npm, pypi
from tests.docs.readme import BASE_URL, CUT, README, between, blocks, require_shown
from tests.openfeature.conftest import Site
from tests.processes import bash, serving

CHAPTER = between(README, "## Connect an SDK\n", "## ")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the lines before the programs have left: the variables that these read, and what the lines of curl print."""

    endpoint: str
    headers: str
    by_curl: str
    site: Site

    def page(self, section: str, language: str) -> str:
        """The address of a page with the section's program, in which what stands for others is replaced."""
        (script,) = blocks(between(CHAPTER, f"### {section}\n", "### "), language)
        for stands, given in (("http://127.0.0.1:8000", self.endpoint), ("sbx_…", self.headers.partition("=")[2])):
            assert stands in script
            script = script.replace(stands, given)
        return self.site.page(f"{section.lower()}.{language}", script)


@pytest.fixture(scope="module")
def prepared(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    tour, folder = between(README, "## A first tour\n", "## "), tmp_path_factory.mktemp("readme")
    lines = [
        *blocks(between(tour, "\n", "### "), "sh"),
        *blocks(between(tour, "### Over REST\n", "### "), "sh"),
        *blocks(between(CHAPTER, "\n", "### "), "sh"),
        f"echo {CUT}",
        *blocks(between(CHAPTER, "### curl\n", "### "), "sh"),
        f'echo {CUT}echo "$OFREP_ENDPOINT $OFREP_HEADERS"',
    ]
    with serving(folder, SIGNALBOX_CORS_ORIGINS=site.origin) as served:
        printed = bash("".join(lines).replace(BASE_URL, f"SIGNALBOX={served.url}\n"), folder)
        by_curl, variables = printed.split(CUT)[1:]
        yield Prepared(*variables.split(), by_curl, site)


def said(program: str) -> str:
    """What the program prints, by the comment at its end."""
    return re.search(r"(?:#|//) (\w+)\n$", program)[1]


def test_python(prepared: Prepared, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    programs = pypi.environment("openfeature.lock", request.config.cache)
    (program,) = blocks(between(CHAPTER, "### Python\n", "### "), "python")
    (tmp_path / "program.py").write_text(program, "utf-8")
    variables = {"OFREP_ENDPOINT": prepared.endpoint, "OFREP_HEADERS": prepared.headers}
    printed = pypi.output([str(programs / "python"), "program.py"], tmp_path, **variables)
    assert printed.strip() == said(program)


def test_node(prepared: Prepared, packages: Path) -> None:
    (program,) = blocks(between(CHAPTER, "### Node\n", "### "), "js")
    (packages / "readme.mjs").write_text(program, "utf-8")
    variables = {"OFREP_ENDPOINT": prepared.endpoint, "OFREP_HEADERS": prepared.headers}
    assert npm.output(["node", "readme.mjs"], packages, **variables).strip() == said(program)


@pytest.mark.parametrize(("section", "language"), [("Browser", "js"), ("React", "jsx")])
def test_in_a_page(prepared: Prepared, browser: Browser, section: str, language: str) -> None:
    page = browser.new_page()
    page.goto(prepared.page(section, language))
    expect(page.get_by_text("The new checkout is on.")).to_be_visible()


def test_curl(prepared: Prepared) -> None:
    require_shown([prepared.by_curl], between(CHAPTER, "### curl\n", "### "))


def test_what_it_installs_is_what_is_tested() -> None:
    installed = set(re.findall(r"^(?:pip|npm) install (.+)$", CHAPTER, re.MULTILINE))
    pinned = {*re.findall(r"^([\w-]+)==", (pypi.HERE / "openfeature.lock").read_text("utf-8"), re.MULTILINE)}
    pinned |= set(json.loads((npm.HERE / "package.json").read_text("utf-8"))["dependencies"])
    assert len(installed) == 4
    assert {name for names in installed for name in names.split()} <= pinned
