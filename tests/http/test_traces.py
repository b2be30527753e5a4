"""Traces, as a collector gets them from a real server, and what costs nothing without them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.http.traces import tracing
from tests.processes import TOP, Served, environment, owner_of, serving

PATIENCE = 20
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@dataclass
class Collector:
    """What listens for spans."""

    url: str
    arrived: "Queue[dict[str, Any]]" = field(default_factory=Queue)
    seen: list[dict[str, Any]] = field(default_factory=list)

    def span(self, **asked: Any) -> dict[str, Any]:
        """The one that has this, as soon as it is there."""
        for one in self.seen:
            if asked.items() <= one.items():
                return one
        while True:
            one = self.arrived.get(timeout=PATIENCE)
            self.seen.append(one)
            if asked.items() <= one.items():
                return one


@contextmanager
def collecting() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            for of_resource in asked.resource_spans:
                service = {one.key: one.value.string_value for one in of_resource.resource.attributes}["service.name"]
                for of_scope in of_resource.scope_spans:
                    for span in of_scope.spans:
                        collector.arrived.put(_read(span, service))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def _read(span: Any, service: str) -> dict[str, Any]:
    attributes = {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
    return {
        "service": service,
        "name": span.name,
        "trace": span.trace_id.hex(),
        "parent": span.parent_span_id.hex(),
        **attributes,
    }


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def served(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
        "SIGNALBOX_LOG_FORMAT": "json",
    }
    with serving(tmp_path_factory.mktemp("traced"), **variables) as served:
        yield served


@pytest.fixture(scope="module")
def owner(served: Served) -> Iterator[httpx2.Client]:
    with owner_of(served) as owner:
        yield owner


def called_by(trace: str = TRACE, flags: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{PARENT}-{flags}"}


def test_a_span_is_below_the_callers(collector: Collector, served: Served, owner: httpx2.Client) -> None:
    answer = owner.get("/api/v1/orgs/acme?secret=1", headers=called_by())
    span = collector.span(trace=TRACE, name="GET /api/v1/orgs/{slug}")
    assert (span["parent"], span["service"]) == (PARENT, "signalbox")
    assert span["http.route"] == "/api/v1/orgs/{slug}"
    assert span["http.response.status_code"] == answer.status_code
    assert span["signalbox.request_id"] == answer.headers["x-request-id"]
    assert "secret" not in json.dumps(span)
    served.wait_for_log(f'"traceId": "{TRACE}"')


def test_graphql_and_refusals_have_spans(collector: Collector, owner: httpx2.Client) -> None:
    trace = "1" * 32
    owner.post("/graphql", json={"query": "{ me { email } }"}, headers=called_by(trace))
    assert collector.span(trace=trace)["name"] == "POST /graphql"
    trace = "2" * 32
    owner.get("/api/v1/orgs/nobody", headers=called_by(trace))
    assert collector.span(trace=trace)["error.type"] == "not_found"
    trace = "3" * 32
    owner.request("PURGE", "/api/v1/orgs/acme", headers=called_by(trace))
    assert collector.span(trace=trace)["name"] == "_OTHER /api/v1/orgs/{slug}"


def test_what_is_answered_from_memory_has_a_span(collector: Collector, served: Served, owner: httpx2.Client) -> None:
    project = owner.post("/api/v1/orgs/acme/projects", json={"key": "web", "name": "Web"}).json()["id"]
    made = owner.post(f"/api/v1/projects/{project}/environments", json={"key": "live", "name": "Live"}).json()["id"]
    owner.post(f"/api/v1/projects/{project}/flags", json={"key": "a", "type": "boolean", "defaultValue": True})
    token = {"name": "sdk", "level": "client", "environments": {"envs": [made]}, "resources": ["*"]}
    secret = owner.post("/api/v1/orgs/acme/api-keys", json=token).json()["token"]
    with httpx2.Client(base_url=served.url, headers={"Authorization": f"Bearer {secret}"}) as sdk:
        for _ in range(3):
            sdk.post(f"/api/v1/envs/{made}/evaluate", json={"context": {}})
        trace = "4" * 32
        sdk.post(f"/api/v1/envs/{made}/evaluate", json={"context": {}}, headers=called_by(trace))
    span = collector.span(trace=trace)
    assert span["name"] == "POST /api/v1/envs/{env_id}/evaluate"
    assert span["parent"] == PARENT
    assert secret not in json.dumps(collector.seen)


def test_what_the_caller_does_not_sample_is_not_sent(collector: Collector, owner: httpx2.Client) -> None:
    left_out, sent = "5" * 32, "6" * 32
    owner.get("/api/v1/orgs/acme", headers=called_by(left_out, "00"))
    owner.get("/api/v1/orgs/acme", headers=called_by(sent))
    collector.span(trace=sent)
    assert left_out not in {one["trace"] for one in collector.seen}


@pytest.mark.parametrize("broken", ["", "nonsense", "00-xyz-abc-01", f"00-{'0' * 32}-{PARENT}-01", "é"])
def test_a_broken_parent_is_none(collector: Collector, owner: httpx2.Client, broken: str) -> None:
    answer = owner.get("/api/v1/orgs/acme", headers={"traceparent": broken.encode("latin-1")})
    assert answer.status_code == 200
    span = collector.span(**{"signalbox.request_id": answer.headers["x-request-id"]})
    assert (span["parent"], len(span["trace"])) == ("", 32)


def test_a_collector_out_of_reach_harms_nobody(tmp_path: Path) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "20"}
    with serving(tmp_path, **variables) as served:
        with httpx2.Client(base_url=served.url) as client:
            for _ in range(20):
                assert client.get("/healthz").status_code == 200
        served.stop()
        assert "Traceback" not in served.log
        assert "graceful shutdown exceeded" not in served.log


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_what_cannot_be_had_or_is_not_asked_for_is_not_there(variables: dict[str, str]) -> None:
    assert tracing(variables) is None


def test_nothing_is_imported_that_nobody_asks_for() -> None:
    script = "import sys, app.main; app.main.tracing({}); print([one for one in sys.modules if 'opentelemetry' in one])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=TOP, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
