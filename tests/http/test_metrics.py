"""`/metrics`: what it tells, to whom, and that its size does not hang on what callers send."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import httpx2
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from starlette.applications import Starlette

from app.http.metrics import MAX_ENVIRONMENTS, Exposition
from app.http.request_counts import BOUNDS, MAX_KINDS, RequestCounts
from app.settings import Settings
from tests.conftest import client_of
from tests.factories import Instance, Workspace
from tests.listening import listening
from tests.sockets import headers_of

DASHBOARD = Path(__file__).resolve().parents[2] / "scripts" / "grafana.json"
EVALUATE = "/api/v1/envs/{env_id}/evaluate"


def samples(families: Iterable[Metric]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {(sample.name, frozenset(sample.labels.items())): sample.value for one in families for sample in one.samples}


class Scrape:
    def __init__(self, text: str) -> None:
        self.text = text
        self.families = list(parse(text))
        self._samples = samples(self.families)

    def value(self, name: str, **labels: str) -> float | None:
        return self._samples.get((name, frozenset(labels.items())))

    def sum(self, name: str, **labels: str) -> float:
        asked = set(labels.items())
        return sum(value for (of, has), value in self._samples.items() if of == name and asked <= has)


async def scrape(client: httpx2.AsyncClient) -> Scrape:
    response = await client.get("/metrics")
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert response.headers["content-type"].startswith("text/plain")
    return Scrape(response.text)


async def test_requests_are_counted_by_route_status_and_code(
    app: Starlette, client: httpx2.AsyncClient, instance: Instance, workspace: Workspace
) -> None:
    caller = await instance.token(workspace.org, level="client")
    before = await scrape(client)
    evaluations = 0
    for _ in range(3):
        answer = await caller.make("evaluate", environmentId=workspace.environment_id, context={})
        evaluations += len(answer["evaluations"])
    assert (await caller.do("flags", projectId=workspace.project_id)).code == "token_action_denied"
    await client.get("/api/v1/nowhere/at-all")
    after = await scrape(client)
    asked = after.sum("signalbox_requests_total") - before.sum("signalbox_requests_total")
    assert asked == 6  # the scrape before included
    assert after.sum("signalbox_requests_total", code="token_action_denied") == 1
    assert "at-all" not in after.text
    counted = after.sum("signalbox_request_duration_seconds_count")
    assert counted == after.sum("signalbox_requests_total")
    assert after.value("signalbox_evaluations_total", environment=workspace.environment_id) == evaluations > 0


async def test_the_state_of_the_node_is_told(
    app: Starlette, client: httpx2.AsyncClient, instance: Instance, workspace: Workspace
) -> None:
    environment_id = workspace.environment_id
    async with listening(app, f"/api/v1/envs/{environment_id}/ruleset/stream", headers_of(workspace.org.viewer)) as one:
        await one.event()
        told = await scrape(client)
        assert told.value("signalbox_streams", kind="events") == 1
        assert told.value("signalbox_streams", kind="subscriptions") == 0
        assert told.value("signalbox_ruleset_version", environment=environment_id) == 2
        age = told.value("signalbox_ruleset_age_seconds", environment=environment_id)
        assert age is not None
        assert age >= 0
        assert told.sum("signalbox_build_info") == 1
        assert told.value("signalbox_queue_depth", queue="writes") == 0
        in_use = told.value("signalbox_database_connections", state="in_use")
        most = told.value("signalbox_database_connections", state="most")
        assert in_use is not None
        assert most is not None
        assert 0 <= in_use < most
        assert told.sum("signalbox_cache_lookups_total", cache="sessions", result="miss") > 0
    assert (await scrape(client)).value("signalbox_streams", kind="events") == 0


async def test_refusals_by_rate_limits_are_told(
    client: httpx2.AsyncClient, instance: Instance, workspace: Workspace
) -> None:
    caller = await instance.token(workspace.org, level="client", rateLimitPerMin=1)
    asked = {"environmentId": workspace.environment_id, "context": {}}
    await caller.make("evaluate", **asked)
    assert (await caller.do("evaluate", **asked)).code == "token_rate_limit"
    assert (await scrape(client)).value("signalbox_rate_limit_refusals_total", limit="token") == 1


async def test_openmetrics_is_spoken_to_who_asks_for_it(client: httpx2.AsyncClient) -> None:
    response = await client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert {family.name for family in parse_openmetrics(response.text)} >= {"signalbox_requests", "signalbox_streams"}


async def test_prometheus_finds_nothing_wrong(client: httpx2.AsyncClient) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: the parser of prometheus-client has read the same text")
    await client.get("/healthz")
    text = (await scrape(client)).text
    checked = await asyncio.to_thread(
        subprocess.run, [program, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    faults = [line for line in checked.stderr.splitlines() if line.startswith("signalbox_")]
    assert faults == []


async def test_without_a_token_they_are_for_this_machine(client: httpx2.AsyncClient) -> None:
    for forwarded in ({"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}, {"Via": "1.1 proxy"}):
        response = await client.get("/metrics", headers=forwarded)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("changed", [{"host": "0.0.0.0"}, {"base_url": "https://flags.example.com"}])
async def test_beyond_this_machine_they_take_a_token(
    settings: Settings, app: Starlette, changed: dict[str, str]
) -> None:
    node = app.state.node
    node.settings = settings.model_copy(update=changed)
    async with client_of(app) as client:
        assert (await client.get("/metrics")).status_code == 404
        node.settings = node.settings.model_copy(update={"metrics_token": "x" * 32})
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {'x' * 32}"}):
            refused = await client.get("/metrics", headers=given)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
            assert refused.headers["www-authenticate"] == "Bearer"
            assert "x" * 32 not in refused.text
        told = await client.get("/metrics", headers={"Authorization": f"Bearer {'x' * 32}"})
        assert told.status_code == 200
        assert "x" * 32 not in told.text


async def test_without_its_database_the_rest_is_told(
    app: Starlette, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OSError

    monkeypatch.setattr(app.state.node.database, "reading", gone)
    told = await scrape(client)
    assert told.value("signalbox_queue_depth", queue="mail") is None
    assert told.value("signalbox_queue_depth", queue="writes") == 0


def test_what_callers_write_makes_no_new_kinds() -> None:
    counts = RequestCounts()
    for number in range(100):
        counts.note("/x", 405, f"METHOD{number}", "method_not_allowed", 0.1)
    assert {one.kind.method for one in counts.all()} == {"other"}
    for number in range(2 * MAX_KINDS):
        counts.note(f"/route/{number}", 200, "GET", None, 0.1)
    kinds = list(counts.all())
    assert len(kinds) <= MAX_KINDS + 10
    assert sum(sum(one.buckets) for one in kinds) == 100 + 2 * MAX_KINDS


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0, 0), (BOUNDS[0], 0), (0.3, BOUNDS.index(0.5)), (60.0, len(BOUNDS))]
)
def test_a_request_is_in_the_first_bucket_that_holds_it(seconds: float, bucket: int) -> None:
    counts = RequestCounts()
    counts.note("/x", 200, "GET", None, seconds)
    (one,) = counts.all()
    assert [at for at, count in enumerate(one.buckets) if count] == [bucket]
    assert one.seconds == seconds


async def test_many_environments_share_what_is_beyond_the_most_used(app: Starlette) -> None:
    metrics = next(route.app for route in app.router.routes if getattr(route, "path", "") == "/metrics")
    snapshot = await metrics.app._snapshot()
    many = {f"env-{number}": number + 1 for number in range(MAX_ENVIRONMENTS + 50)}
    families = list(Exposition(snapshot._replace(evaluations=many)).collect())
    found = {
        sample.labels["environment"]: sample.value
        for one in families
        for sample in one.samples
        if sample.name == "signalbox_evaluations_total"
    }
    assert len(found) == MAX_ENVIRONMENTS + 1
    assert sum(found.values()) == sum(many.values())
    assert found["other"] == sum(range(1, 51))


async def test_the_dashboard_shows_what_there_is(client: httpx2.AsyncClient, workspace: Workspace) -> None:
    await workspace.org.viewer.make("evaluate", environmentId=workspace.environment_id, context={})
    told = await scrape(client)
    known = {sample.name: set(sample.labels) for one in told.families for sample in one.samples}
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(asked) > 15
    for expression in asked:
        names = set(re.findall(r"\b(?:signalbox|process)_\w+", expression))
        assert names, expression
        assert names <= set(known), expression
        labels = set().union(*(known[name] for name in names)) | {"instance", "job"}
        grouped = re.findall(r"by \(([^)]*)\)", expression)
        matched = re.findall(r"(\w+)(?:=~|!~|!=|=)\"", expression)
        used = {label.strip() for group in grouped for label in group.split(",")} | set(matched)
        assert used <= labels, expression
    shown = {name for expression in asked for name in re.findall(r"signalbox_\w+", expression)}
    families = {name.removesuffix("_count").removesuffix("_sum").removesuffix("_bucket") for name in known}
    ours = {name for name in families if name.startswith("signalbox_")}
    assert ours <= {name.removesuffix("_bucket") for name in shown}, "every metric of ours is on the dashboard"
