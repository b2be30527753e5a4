"""Behind Debian's nginx, which strips nothing and compresses: below a path, with tags that survive."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.processes import serving
from tests.servers import free_port, nginx
from tests.web.test_base_path import Addresses

SUBPROTOCOL = Subprotocol("graphql-transport-ws")
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """The owner of a new instance, who sees nothing of it but through the proxy."""
    folder: Path = tmp_path_factory.mktemp("nginx")
    port, upstream = free_port(), free_port()
    base = f"http://127.0.0.1:{port}/flags"
    with serving(folder, "--port", str(upstream), SIGNALBOX_BASE_URL=base) as served, nginx(port, upstream, folder):
        assert f"{base}/app/claim?code=" in served.greeting
        with httpx2.Client(base_url=base) as client:
            claim = {"email": "ada@acme.example", "orgName": "Acme", "orgSlug": "acme", "claimCode": served.claim_code}
            page = client.post("/app/claim", data=claim)
            assert (page.status_code, urljoin(base, page.headers["location"])) == (303, f"{base}/app/")
            yield client


@pytest.fixture(scope="module")
def project(owner: httpx2.Client) -> httpx2.URL:
    """Where a project is, by the `Location` of its creation."""
    made = owner.post("/api/v1/orgs/acme/projects", json={"key": "web", "name": "Web"})
    return made.url.join(made.headers["location"])


def test_pages_and_what_they_load_are_there(owner: httpx2.Client) -> None:
    page = {"Accept": "text/html"}
    for path in ("/app/", "/docs", "/graphql", "/app/orgs/acme/tokens"):
        got = owner.get(path, headers=page)
        assert got.status_code == 200, path
        for link in Addresses(got.text).links:
            if not link.startswith("#"):
                assert owner.get(got.url.join(link), headers=page).status_code in {200, 303}, (path, link)
    assert owner.get("/healthz").json() == {"status": "ok"}
    answer = owner.post("/graphql", json={"query": "{ orgs { nodes { slug } } }"})
    assert answer.json() == {"data": {"orgs": {"nodes": [{"slug": "acme"}]}}}


def test_tags_survive_the_proxys_compression(owner: httpx2.Client, project: httpx2.URL) -> None:
    got = owner.get(project, headers=GZIP)
    tag = got.headers["etag"]
    assert (got.headers["content-encoding"], tag[:3]) == ("gzip", 'W/"')
    assert owner.get(project, headers={**GZIP, "If-None-Match": tag}).status_code == 304
    written = owner.patch(project, json={"name": "Renamed"}, headers={**GZIP, "If-Match": tag})
    assert (written.status_code, written.json()["name"]) == (200, "Renamed")
    stale = owner.patch(project, json={"name": "Again"}, headers={**GZIP, "If-Match": tag})
    assert stale.status_code == 412
    again = owner.patch(project, json={"name": "Again"}, headers={**GZIP, "If-Match": stale.headers["etag"]})
    assert again.status_code == 200


def test_subscriptions_go_through_the_proxy(owner: httpx2.Client, project: httpx2.URL) -> None:
    made = {"key": "followed", "name": "Followed"}
    owner.post(f"{project}/environments", json=made).raise_for_status()
    url = str(owner.base_url.join("/flags/graphql")).replace("http", "ws", 1)
    origin = Origin(str(owner.base_url.join("/")).rstrip("/"))
    signed_in = {"Cookie": f"signalbox_session={owner.cookies['signalbox_session']}"}
    query = 'subscription { environmentChanged(envId: "acme:web:followed") { version } }'
    with connect(url, subprotocols=[SUBPROTOCOL], origin=origin, additional_headers=signed_in) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket.recv(10)) == {"type": "connection_ack"}
        socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
        told = json.loads(socket.recv(10))
        assert told["payload"]["data"]["environmentChanged"] == {"version": 0}
        flag = {"key": "followed", "type": "boolean", "defaultValue": True}
        owner.post(f"{project}/flags", json=flag).raise_for_status()
        assert json.loads(socket.recv(10))["payload"]["data"]["environmentChanged"] == {"version": 1}
    with pytest.raises(InvalidStatus) as refused:
        connect(url, subprotocols=[SUBPROTOCOL], origin=Origin("http://elsewhere.example"))
    assert refused.value.response.status_code == 403


def test_what_we_compress_is_passed_on_as_it_is(owner: httpx2.Client, project: httpx2.URL) -> None:
    owner.post(f"{project}/environments", json={"key": "prod", "name": "Production"})
    for number in range(20):
        flag = {"key": f"flag-{number}", "type": "boolean", "defaultValue": True}
        owner.post(f"{project}/flags", json=flag).raise_for_status()
    for path in ("/api/v1/envs/acme:web:prod/ruleset", "/api/v1/openapi.json", "/static/app.css"):
        got = owner.get(path, headers=GZIP)
        assert (got.headers["content-encoding"], got.headers["etag"][-6:]) == ("gzip", '-gzip"'), path
        assert "Accept-Encoding" in got.headers["vary"]
        assert owner.get(path, headers={**GZIP, "If-None-Match": got.headers["etag"]}).status_code == 304, path
        assert owner.get(path, headers={"Accept-Encoding": "identity"}).content == got.content
