"""The server as a process: what it prints, what it logs, and how it stops."""

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.processes import TOP, Served, bash, command, environment, owner_of, serving


def test_the_line_that_it_greets_with_claims_the_instance(server: Served) -> None:
    line = re.search(r"curl -c jar .*?}'", server.greeting, re.DOTALL)[0]
    assert json.loads(bash(line.replace("curl", "curl -sS"), server.folder))["org"]["slug"] == "acme"
    assert json.loads(bash(f"curl -sS -b jar {server.url}/api/v1/auth/me", server.folder))["email"] == "you@example.com"


def test_the_lines_of_the_demo_work(tmp_path: Path) -> None:
    with serving(tmp_path, "--demo") as served:
        assert "claim" not in served.greeting
        evaluate, look_around = re.findall(r"curl .*?}'", served.greeting, re.DOTALL)
        evaluations = json.loads(bash(evaluate, tmp_path).partition("\n")[0] or bash(evaluate, tmp_path))["evaluations"]
        assert {key: found["value"] for key, found in evaluations.items()} == {
            "express-checkout": False,
            "banner-text": "Free delivery this week",
            "legacy-search": False,
        }
        assert json.loads(bash(look_around, tmp_path))["data"]["orgs"]["nodes"][0]["slug"] == "demo"
        link = re.search(r"http\S+/auth/link\S+", served.greeting)[0]
        assert httpx2.get(link).headers["location"] == "/app/"
    with serving(tmp_path, "--demo") as served:
        assert served.greeting.count("--demo: this instance is not empty, so it is served as it is.") == 1
        assert "curl" not in served.greeting


def test_logs_are_json_with_the_request_id_on_every_request(tmp_path: Path) -> None:
    with serving(tmp_path, SIGNALBOX_LOG_FORMAT="json") as served:
        answer = httpx2.get(f"{served.url}/api/v1/errors?secret=hush", headers={"X-Request-Id": "mine"})
        served.stop()
        lines = [json.loads(line) for line in served.log.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["requestId"], line["callerRequestId"], line["route"], line["status"]) for line in requests] == [
        (answer.headers["x-request-id"], "mine", "/errors", 200)
    ]
    assert "hush" not in served.log
    assert [line["event"] for line in lines[-2:]] == ["stopping", "stopped"]


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_in_the_log_holds_no_values(log_format: str) -> None:
    program = (
        "import structlog\n"
        "from app.middleware import logs\n"
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


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_finished_before_it_stops(server: Served, how: signal.Signals) -> None:
    with owner_of(server) as owner:
        cookie = f"signalbox_session={owner.cookies['signalbox_session']}"
    begun = http.client.HTTPConnection(urlsplit(server.url).netloc)
    body = json.dumps({"key": "last", "name": "The last write"}).encode()
    begun.putrequest("POST", "/api/v1/orgs/acme/projects")
    for name, value in {
        "Cookie": cookie,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Expect": "100-continue",
    }.items():
        begun.putheader(name, value)
    begun.endheaders()
    assert begun.sock.recv(4096).startswith(b"HTTP/1.1 100")  # it is being read, and so in flight

    server.process.send_signal(how)
    _wait_until_refused(server.url)
    begun.send(body)
    assert begun.getresponse().status == 201
    begun.close()
    server.process.wait(20)
    assert "Traceback" not in server.log
    with serving(server.folder) as again, httpx2.Client(base_url=again.url, headers={"Cookie": cookie}) as owner:
        assert [project["key"] for project in owner.get("/api/v1/orgs/acme/projects").json()] == ["last"]


def _wait_until_refused(url: str) -> None:
    address = urlsplit(url)
    while True:
        try:
            socket.create_connection((address.hostname, address.port), timeout=20).close()
        except ConnectionRefusedError:
            return
