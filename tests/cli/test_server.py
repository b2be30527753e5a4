"""The server as a process: what it prints, what it logs, and how it stops."""

import http.client
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from app.cli import demo
from app.store import instance as stored_instance
from tests.factories import Instance, Workspace
from tests.processes import TOP, bash, environment, owner_of, serving


def test_the_line_that_it_greets_with_claims_the_instance(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        line = re.search(r"curl -c jar .*?}'", served.greeting, re.DOTALL)[0]
        assert json.loads(bash(f"{line} -sS", tmp_path))["org"]["slug"] == "acme"
        assert json.loads(bash(f"curl -sS -b jar {served.url}/api/v1/auth/me", tmp_path))["email"] == "you@example.com"


def test_the_lines_of_the_demo_work(tmp_path: Path) -> None:
    with serving(tmp_path, "--demo") as served:
        assert "claim" not in served.greeting
        evaluate, ask, look_at_proposals, look_around = re.findall(r"curl .*?}'", served.greeting, re.DOTALL)
        evaluations = json.loads(bash(f"{evaluate} -sS", tmp_path))["evaluations"]
        resolutions = json.loads(bash(f"{ask} -sS", tmp_path))["flags"]
        values = {key: found["value"] for key, found in evaluations.items()}
        assert (
            {one["key"]: one["value"] for one in resolutions}
            == values
            == {
                "express-checkout": True,
                "banner-text": "Free delivery this week",
                "legacy-search": False,
                "support-email": "help@demo.example",
                "free-delivery-from": 0,
                "guest-orders": True,
                "checkout-options": {"pages": 1, "wallets": ["card", "transfer"]},
            }
        )
        assert evaluations["express-checkout"]["reason"]["ruleName"] == "early access"
        waiting = json.loads(bash(f"{look_at_proposals} -sS", tmp_path))["data"]["proposals"]["nodes"]
        assert [(one["kind"], one["actor"]["name"]) for one in waiting] == [
            ("DELETE_CONFIG", "agent"),
            ("RESTORE_FLAG", "Grace"),
            ("SET_DENY_LIST_SEGMENT", "Grace"),
            ("SET_DEFAULT_VALUE_CONFIG", "Grace"),
            ("SET_RULES_FLAG", "agent"),
            ("SET_DEFAULT_VALUE_FLAG", "Grace"),
        ]
        looks = look_at_proposals.replace("viewerCan", "reviews(first: 9) { nodes { verdict } } viewerCannot { code }")
        found = json.loads(bash(f"{looks} -sS", tmp_path))["data"]["proposals"]["nodes"]
        assert [[one["verdict"] for one in proposal["reviews"]["nodes"]] for proposal in found] == [
            *([], [], ["REQUEST_CHANGES"], ["APPROVE"], [], [])
        ]
        assert [{one["code"] for one in proposal["viewerCannot"]} for proposal in found] == [
            *({"forbidden"}, set(), set(), set(), {"forbidden"}, {"version_drift"})
        ], "the agent's are the owner's own"
        reached = look_at_proposals.replace("viewerCan", "blastRadius")
        found = json.loads(bash(f"{reached} -sS", tmp_path))["data"]["proposals"]["nodes"]
        assert {proposal["blastRadius"]["sampled"]["contexts"] for proposal in found} == {50}
        assert 0.5 < found[4]["blastRadius"]["sampled"]["share"] < 1, "of who was seen in the last day"
        org = json.loads(bash(f"{look_around} -sS", tmp_path))["data"]["orgs"]["nodes"][0]
        assert org["slug"] == "demo"
        assert [one["key"] for one in org["projects"]["nodes"][0]["segments"]["nodes"]] == ["staff", "early-access"]
        link = re.search(r"http\S+/auth/link\S+", served.greeting)[0]
        assert httpx2.get(link).headers["location"] == "/app/"


def test_the_demo_shows_the_way_in_again(tmp_path: Path) -> None:
    with serving(tmp_path, "--demo") as served:
        served.stop()
    with serving(tmp_path, "--demo") as served:
        assert demo.OWNER["email"] in served.greeting
        sign_in, evaluate, ask, look_around = re.findall(
            r"curl .*?[^\\\n]'$", served.greeting, re.DOTALL | re.MULTILINE
        )
        bash(sign_in, tmp_path)
        assert json.loads(bash(f"{ask} -sS", tmp_path))["flags"][0]["value"] is True
        evaluations = json.loads(bash(f"{evaluate} -sS", tmp_path))["evaluations"]
        assert evaluations["express-checkout"]["value"] is True
        assert json.loads(bash(f"{look_around} -sS", tmp_path))["data"]["orgs"]["nodes"][0]["slug"] == "demo"


async def test_the_demo_leaves_an_instance_alone_that_others_filled(instance: Instance, workspace: Workspace) -> None:
    async with instance.node.unit("req_test") as uow:
        await uow.begin_write()
        (await stored_instance.get(uow.session)).claimed_at = uow.now
    async with instance.unchanged():
        assert (await demo.fill(instance.node)).startswith("  --demo is ignored: this instance is not empty")
    assert await workspace.version() == workspace.environment["version"]


def test_logs_are_json_with_the_request_id_on_every_request(tmp_path: Path) -> None:
    with serving(tmp_path, SIGNALBOX_LOG_FORMAT="json") as served:
        answer = httpx2.get(f"{served.url}/api/v1/errors?secret=hush", headers={"X-Request-Id": "mine"})
        served.stop()
        lines = [json.loads(line) for line in served.log.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["requestId"], line["callerRequestId"], line["route"], line["status"]) for line in requests] == [
        (answer.headers["x-request-id"], "mine", "/api/v1/errors", answer.status_code)
    ]
    assert "hush" not in served.log
    assert [line["event"] for line in lines[-2:]] == ["stopping", "stopped"]


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_in_the_log_holds_no_values(log_format: str) -> None:
    program = (
        "import structlog\n"
        "from app.http import logs\n"
        "from app.settings import LogFormat\n"
        f"logs.configure(LogFormat('{log_format}'))\n"
        "def fail(secret): raise RuntimeError('boom')\n"
        "try: fail('sbs_' + 'hush')\n"
        "except RuntimeError: structlog.get_logger().error('internal', exc_info=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), cwd=TOP, capture_output=True, text=True, check=True
    )
    assert "boom" in done.stderr
    assert "sbs_hush" not in done.stderr


def test_a_request_in_flight_is_finished_before_it_stops(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        with owner_of(served) as owner:
            cookie = f"signalbox_session={owner.cookies['signalbox_session']}"
        body = json.dumps({"key": "last", "name": "The last write"}).encode()
        begun = _begin("/api/v1/orgs/acme/projects", served.url, cookie, len(body))
        served.process.send_signal(signal.SIGTERM)
        served.wait_for_log("stopping")
        begun.send(body)
        assert begun.getresponse().status == 201
        begun.close()
        served.process.wait(20)
        assert "Traceback" not in served.log
    with serving(tmp_path) as again:
        projects = httpx2.get(f"{again.url}/api/v1/orgs/acme/projects", headers={"Cookie": cookie}).json()
        assert [project["key"] for project in projects] == ["last"]


def _begin(path: str, url: str, cookie: str, length: int) -> http.client.HTTPConnection:
    """A request whose body is still to come, while the server reads it already."""
    begun = http.client.HTTPConnection(urlsplit(url).netloc)
    begun.putrequest("POST", path)
    begun.putheader("Cookie", cookie)
    begun.putheader("Content-Type", "application/json")
    begun.putheader("Content-Length", str(length))
    begun.putheader("Expect", "100-continue")
    begun.endheaders()
    assert begun.sock.recv(4096).startswith(b"HTTP/1.1 100")
    return begun
