"""`/healthz` says that the process lives, `/readyz` that it can serve."""

import httpx2
import pytest
from starlette.applications import Starlette


async def test_a_healthy_node_is_alive_and_ready(client: httpx2.AsyncClient) -> None:
    for path in ("/healthz", "/readyz"):
        response = await client.get(path)
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
        assert response.headers["x-request-id"].startswith("req_")


async def test_a_node_without_its_database_is_alive_and_not_ready(
    app: Starlette, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OSError("the secret address is not reachable")

    monkeypatch.setattr(app.state.node.database, "reading", gone)
    assert (await client.get("/healthz")).status_code == 200
    response = await client.get("/readyz")
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["code"] == "unavailable"
    assert response.json()["requestId"] == response.headers["x-request-id"]
    assert "secret" not in response.text
    monkeypatch.undo()
    assert (await client.get("/readyz")).status_code == 200


async def test_a_probe_asks_for_no_credentials_and_minds_no_bad_ones(client: httpx2.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Cookie": "signalbox_session=stale"}):
        assert (await client.get("/readyz", headers=headers)).status_code == 200
