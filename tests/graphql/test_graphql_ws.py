"""The stock client for subscriptions, npm's `graphql-ws`, against a real server; and the README's program."""

import json
import re
import select
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import npm
from tests.docs.readme import BASE_URL, CUT, README, between, blocks
from tests.processes import PATIENCE, Served, bash, environment, owner_of, serving
from tests.servers import free_port

FOLLOW = "subscription($id: ID!) { environmentChanged(envId: $id) { version changed { flags } } }"
CHAPTER = between(README, "## Subscriptions\n", "## ")


class Program:
    """A program of node's that prints lines."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def line(self) -> str:
        """The next that it prints."""
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], PATIENCE)[0], "the program prints nothing"
        return self._process.stdout.readline().rstrip("\n")

    def told(self, kind: str) -> Any:
        """The next of the kind that `follow.mjs` tells."""
        while kind not in (line := json.loads(self.line())):
            assert "error" not in line, line
        return line[kind]

    def version(self) -> int:
        return int(self.told("next")["data"]["environmentChanged"]["version"])

    def ended(self) -> int:
        """Its exit code."""
        return self._process.wait(PATIENCE)


@contextmanager
def running(command: Sequence[str], folder: Path, **variables: str) -> Iterator[Program]:
    with subprocess.Popen(
        command, cwd=folder, env=environment(**variables), stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


@pytest.fixture
def packages(request: pytest.FixtureRequest) -> Path:
    """Where the packages from npm are, and the program that follows."""
    folder = npm.installed(request.config.cache)
    (folder / "follow.mjs").write_text((npm.HERE / "follow.mjs").read_text("utf-8"), "utf-8")
    return folder


@contextmanager
def following(packages: Path, served: Served, params: dict[str, str]) -> Iterator[Program]:
    url = f"{served.url.replace('http', 'ws')}/graphql"
    variables = json.dumps({"id": "acme:web:production"})
    with running(["node", "follow.mjs", url, json.dumps(params), FOLLOW, variables], packages) as program:
        yield program


def prepare(owner: httpx2.Client) -> dict[str, Any]:
    """A project with an environment, a flag and a token."""
    owner.post("/api/v1/orgs/acme/projects", json={"key": "web", "name": "Web"}).raise_for_status()
    made = {"key": "production", "name": "Production"}
    owner.post("/api/v1/projects/acme:web/environments", json=made).raise_for_status()
    flag = {"key": "checkout", "type": "boolean", "defaultValue": False}
    owner.post("/api/v1/projects/acme:web/flags", json=flag).raise_for_status()
    token = {"name": "ci", "level": "observer", "environments": {"org": True}, "resources": ["*"]}
    return dict(owner.post("/api/v1/orgs/acme/api-keys", json=token).json())


def change(owner: httpx2.Client, *, value: bool) -> None:
    path = "/api/v1/envs/acme:web:production/flags/checkout"
    owner.patch(path, json={"defaultValue": value}).raise_for_status()


def test_the_client_follows_through_a_restart_until_its_token_is_revoked(packages: Path, tmp_path: Path) -> None:
    port = str(free_port())
    with serving(tmp_path, "--port", port) as served, owner_of(served) as owner:
        token = prepare(owner)
        cookies = owner.cookies
        with following(packages, served, {"authorization": f"Bearer {token['token']}"}) as program:
            assert program.version() == 1
            change(owner, value=True)
            event = program.told("next")["data"]["environmentChanged"]
            assert event == {"version": 2, "changed": {"flags": ["checkout"]}}
            served.stop()
            assert program.told("closed") == 1001
            with serving(tmp_path, "--port", port) as again, httpx2.Client(base_url=again.url, cookies=cookies) as back:
                assert program.version() == 2
                change(back, value=False)
                assert program.version() == 3
                back.delete(f"/api/v1/orgs/acme/api-keys/{token['id']}").raise_for_status()
                (error,) = program.told("error")
                assert error["extensions"]["code"] == "unauthorized"
                assert program.told("closed") == 4401


def test_the_client_is_told_why_it_is_let_go(packages: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as served, following(packages, served, {"apiKey": "sbx_unknown"}) as program:
        assert program.told("closed") == 4403


def test_the_readmes_program_follows(packages: Path, tmp_path: Path) -> None:
    tour = between(README, "## A first tour\n", "## ")
    lines = [
        *blocks(between(tour, "\n", "### "), "sh"),
        *blocks(between(tour, "### Over REST\n", "### "), "sh"),
        *blocks(between(CHAPTER, "\n", "```js"), "sh")[:1],
    ]
    (program,) = blocks(CHAPTER, "js")
    (packages / "readme-follow.mjs").write_text(program, "utf-8")
    with serving(tmp_path) as served:
        variables = f"echo {CUT}declare -p SIGNALBOX PRODUCTION SIGNALBOX_TOKEN; declare -f call field\n"
        here = f"SIGNALBOX={served.url}\n"
        kept = bash("".join([*lines, variables]).replace(BASE_URL, here), tmp_path).split(CUT)[1]
        token = re.search(r'SIGNALBOX_TOKEN="([^"]+)"', kept)[1]
        assert "ws://127.0.0.1:8000" in program
        address = served.url.replace("http", "ws")
        (packages / "readme-follow.mjs").write_text(program.replace("ws://127.0.0.1:8000", address), "utf-8")
        with running(["node", "readme-follow.mjs"], packages, SIGNALBOX_TOKEN=token) as follower:
            assert re.fullmatch(r"version \d+", follower.line())
            bash(kept + blocks(CHAPTER, "sh")[-1], tmp_path)
            assert re.fullmatch(r"version \d+: new-checkout", follower.line())
            assert follower.ended() == 0


def test_what_the_chapter_installs_is_what_is_tested() -> None:
    (installed,) = re.findall(r"^npm install (.+)$", CHAPTER, re.MULTILINE)
    assert set(installed.split()) <= set(json.loads((npm.HERE / "package.json").read_text("utf-8"))["dependencies"])
