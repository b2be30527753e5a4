"""A real server process: what it has counted outlives it, however it ends."""

import signal
import threading
import time
from pathlib import Path

import httpx2

from tests.processes import owner_of, serving

PATIENCE = 30
LOST_AT_MOST_SECONDS = 10


def made(owner: httpx2.Client) -> str:
    """The id of an environment with one flag."""
    project = owner.post("/api/v1/orgs/acme/projects", json={"key": "web", "name": "Web"}).json()["id"]
    where = f"/api/v1/projects/{project}"
    environment = owner.post(f"{where}/environments", json={"key": "prod", "name": "P"}).json()["id"]
    owner.post(f"{where}/flags", json={"key": "new", "type": "boolean", "defaultValue": True}).raise_for_status()
    return str(environment)


def evaluate(client: httpx2.Client, environment: str, times: int) -> None:
    for _ in range(times):
        asked = client.post(f"/api/v1/envs/{environment}/evaluate", json={"context": {}}, timeout=PATIENCE)
        asked.raise_for_status()


def counted(client: httpx2.Client, environment: str) -> int:
    (found,) = client.get(f"/api/v1/envs/{environment}/usage").json()
    return int(found["total"])


def test_a_graceful_stop_loses_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as served, owner_of(served) as owner:
        environment, cookies = made(owner), dict(owner.cookies)

        def call() -> None:
            with httpx2.Client(base_url=served.url, cookies=cookies) as client:
                evaluate(client, environment, 10)

        callers = [threading.Thread(target=call) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(PATIENCE)
        evaluate(owner, environment, 3)
        served.stop()
    with serving(tmp_path) as again, httpx2.Client(base_url=again.url, cookies=cookies) as client:
        assert counted(client, environment) == 43


def test_a_kill_loses_what_is_not_saved_yet(tmp_path: Path) -> None:
    with serving(tmp_path) as served, owner_of(served) as owner:
        environment, cookies = made(owner), dict(owner.cookies)
        evaluate(owner, environment, 20)
        deadline = time.monotonic() + LOST_AT_MOST_SECONDS
        while counted(owner, environment) < 20:
            assert time.monotonic() < deadline
        evaluate(owner, environment, 5)
        assert served.stop(signal.SIGKILL) == -signal.SIGKILL
    with serving(tmp_path) as again, httpx2.Client(base_url=again.url, cookies=cookies) as client:
        assert 20 <= counted(client, environment) <= 25
