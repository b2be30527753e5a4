"""A real server process: what it has acknowledged outlives it, however it ends."""

import signal
import threading
from pathlib import Path

import httpx2

from tests.processes import owner_of, serving

PATIENCE = 30


def create(owner: httpx2.Client, project: str, key: str) -> httpx2.Response:
    return owner.post(
        f"/api/v1/projects/{project}/flags",
        json={"key": key, "type": "boolean", "defaultValue": True},
        timeout=PATIENCE,
    )


def test_what_was_acknowledged_survives_a_crash_and_a_second_start_is_ready(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    enough = threading.Event()

    def write(cookie: str, url: str, project: str, writer: int) -> None:
        with httpx2.Client(base_url=url, cookies={"signalbox_session": cookie}) as client:
            for n in range(10_000):
                try:
                    created = create(client, project, f"w{writer}.{n}")
                except httpx2.TransportError:
                    return
                if created.status_code == httpx2.codes.CREATED:
                    acknowledged.append(f"w{writer}.{n}")
                if len(acknowledged) >= 40:
                    enough.set()

    with serving(tmp_path) as served, owner_of(served) as owner:
        project = owner.post("/api/v1/orgs/acme/projects", json={"key": "web", "name": "Web"}).json()["id"]
        environment_id = owner.post(
            f"/api/v1/projects/{project}/environments", json={"key": "prod", "name": "P"}
        ).json()["id"]
        cookie = owner.cookies["signalbox_session"]
        writers = [threading.Thread(target=write, args=(cookie, served.url, project, n)) for n in range(4)]
        for writer in writers:
            writer.start()
        assert enough.wait(PATIENCE)
        assert served.stop(signal.SIGKILL) == -signal.SIGKILL
        for writer in writers:
            writer.join(PATIENCE)
    with serving(tmp_path) as again:
        assert httpx2.get(f"{again.url}/readyz").json() == {"status": "ok"}
        with httpx2.Client(base_url=again.url, cookies={"signalbox_session": cookie}) as client:
            version = client.get(f"/api/v1/envs/{environment_id}").json()["version"]
            evaluations = client.post(f"/api/v1/envs/{environment_id}/evaluate", json={"context": {}}).json()[
                "evaluations"
            ]
            claim = {"email": "b@b.example", "orgName": "B", "orgSlug": "b", "claimCode": "whatever-it-was"}
            assert client.post("/api/v1/auth/install-claim", json=claim).json()["code"] == "already_claimed"
    assert set(acknowledged) <= set(evaluations)
    assert version == len(evaluations) >= len(acknowledged) >= 40
