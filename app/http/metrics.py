"""`/metrics`: what an operator watches, as Prometheus reads it.

The parts of the service count in plain numbers. Here they are made into metrics, when they are asked for and off the
event loop; what an environment or a caller names bounds nothing, so their number is bounded here.
"""

import platform
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from hmac import compare_digest
from http import HTTPStatus
from typing import NamedTuple

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app import VERSION
from app.domain.errors import AppError, not_found
from app.domain.ids import new_request_id
from app.http.methods import Methods
from app.http.request_counts import BOUNDS, Counted, RequestCounts
from app.http.requests import info_of
from app.runtime.node import Node
from app.store import mail

log = structlog.get_logger()
PATH = "/metrics"
MAX_ENVIRONMENTS = 1_000
"""Those with the most evaluations have metrics of their own; the others share one."""
_METHODS = Methods({"GET": True})
_OTHER = "other"
_RATES = {"token_rate_limit": "token", "rate_limited": "other"}
_INFINITE = "+Inf"
_BUCKETS = [*map(repr, BOUNDS), _INFINITE]
_FORWARDED = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via")


class Environment(NamedTuple):
    """What is in memory of one."""

    version: int
    version_at: datetime | None


class Snapshot(NamedTuple):
    """The numbers of one moment."""

    requests: list[Counted]
    evaluations: dict[str, int]
    environments: dict[str, Environment]
    caches: Mapping[str, tuple[int, int]]
    streams: Mapping[str, int]
    queues: Mapping[str, int]
    dropped: int
    connections: tuple[int, int]
    now: float
    database: str


class Metrics:
    """The ASGI app at `/metrics`. Whoever may not see them finds nothing there, unless a token would let them in."""

    def __init__(self, node: Node, counts: RequestCounts) -> None:
        self._node = node
        self._counts = counts
        self._process = ProcessCollector(registry=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info_of(scope).route = PATH
        response = _METHODS.options_response()
        if _METHODS.find(scope["method"]) is not None:
            self._require(scope)
            response = await self._answer(Headers(scope=scope).get("accept", ""))
        await response(scope, receive, send)

    def _require(self, scope: Scope) -> None:
        settings, headers = self._node.settings, Headers(scope=scope)
        if settings.metrics_token is not None:
            scheme, _, token = headers.get("authorization", "").partition(" ")
            given = token.strip().encode("utf-8", "surrogateescape")
            if scheme.lower() != "bearer" or not compare_digest(given, settings.metrics_token.encode()):
                raise AppError("unauthorized", "Send the token of SIGNALBOX_METRICS_TOKEN as `Authorization: Bearer`.")
            return
        if not settings.only_here or any(name in headers for name in _FORWARDED):
            raise not_found("path")

    async def _answer(self, accept: str) -> Response:
        exposition = Exposition(await self._snapshot())
        encode, media_type = choose_encoder(accept)

        def text() -> bytes:
            registry = CollectorRegistry()
            registry.register(exposition)
            registry.register(self._process)
            return encode(registry)

        return Response(await self._node.off_loop(text), headers={"Cache-Control": "no-store"}, media_type=media_type)

    async def _snapshot(self) -> Snapshot:
        node = self._node
        queues = {"usage": node.usage.waiting, "writes": node.database.waiting_writers}
        try:
            async with node.unit(new_request_id()) as uow:
                queues["mail"] = await mail.number_waiting(uow.session)
        except Exception as fault:  # noqa: BLE001 - without the database, all else is to be seen all the more
            log.warning("the queue of mail is not counted", fault=repr(fault))
        streams = len(node.event_streams)
        return Snapshot(
            requests=list(self._counts.all()),
            evaluations=node.usage.totals(),
            environments={
                one.environment_id: Environment(one.version, one.version_at) for one in node.rulesets.in_memory()
            },
            caches={
                "api_keys": (node.api_keys.looked_up, node.api_keys.read),
                "sessions": (node.sessions.looked_up, node.sessions.read),
                "rulesets": (node.rulesets.looked_up, node.rulesets.read),
            },
            streams={"events": streams, "subscriptions": max(len(node.streams) - streams, 0)},
            queues=queues,
            dropped=node.usage.dropped,
            connections=node.database.connections,
            now=node.clock.posix(),
            database="sqlite" if node.settings.sqlite_path is not None else "postgresql",
        )


class Exposition(Collector):
    """A snapshot as metrics."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        yield from self._of_requests()
        yield from self._of_environments()
        yield from self._of_the_node()

    def _of_requests(self) -> Iterator[Metric]:
        total = CounterMetricFamily(
            "signalbox_requests",
            "Requests, by what they were answered with.",
            labels=["method", "route", "status", "code"],
        )
        refusals = CounterMetricFamily(
            "signalbox_rate_limit_refusals", "Requests beyond a rate limit: a token's, or another.", labels=["limit"]
        )
        by_limit = Counter[str](dict.fromkeys(_RATES.values(), 0))
        took: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(_BUCKETS))
        seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
        for kind, buckets, spent in self._snapshot.requests:
            total.add_metric([kind.method, kind.route, str(kind.status), kind.code], sum(buckets))
            if kind.code in _RATES:
                by_limit[_RATES[kind.code]] += sum(buckets)
            if kind.status != HTTPStatus.SWITCHING_PROTOCOLS:  # which lasts as long as its connection
                of = kind.method, kind.route
                took[of] = [one + another for one, another in zip(took[of], buckets, strict=True)]
                seconds[of] += spent
        duration = HistogramMetricFamily(
            "signalbox_request_duration_seconds", "Until a request was answered.", labels=["method", "route"]
        )
        for labels, buckets in took.items():
            below, cumulated = 0, []
            for bound, count in zip(_BUCKETS, buckets, strict=True):
                below += count
                cumulated.append((bound, below))
            duration.add_metric(labels, cumulated, seconds[labels])
        for limit, count in by_limit.items():
            refusals.add_metric([limit], count)
        yield from (total, duration, refusals)

    def _of_environments(self) -> Iterator[Metric]:
        snapshot = self._snapshot
        evaluations = CounterMetricFamily(
            "signalbox_evaluations", "Flags and configs that were evaluated.", labels=["environment"]
        )
        ranked = sorted(snapshot.evaluations, key=lambda one: -snapshot.evaluations[one])
        shown = set(ranked[:MAX_ENVIRONMENTS])
        for one in ranked[:MAX_ENVIRONMENTS]:
            evaluations.add_metric([one], snapshot.evaluations[one])
        evaluations.add_metric([_OTHER], sum(snapshot.evaluations[one] for one in ranked[MAX_ENVIRONMENTS:]))
        version = GaugeMetricFamily(
            "signalbox_ruleset_version", "The version of an environment that is served.", labels=["environment"]
        )
        age = GaugeMetricFamily("signalbox_ruleset_age_seconds", "Since that version was made.", labels=["environment"])
        most_used = sorted(snapshot.environments, key=lambda one: one not in shown)
        for one in most_used[:MAX_ENVIRONMENTS]:
            environment = snapshot.environments[one]
            version.add_metric([one], environment.version)
            if environment.version_at is not None:
                age.add_metric([one], max(snapshot.now - environment.version_at.timestamp(), 0))
        loaded = GaugeMetricFamily("signalbox_rulesets_in_memory", "Environments whose ruleset is in memory.")
        loaded.add_metric([], len(snapshot.environments))
        yield from (evaluations, version, age, loaded)

    def _of_the_node(self) -> Iterator[Metric]:
        snapshot = self._snapshot
        lookups = CounterMetricFamily(
            "signalbox_cache_lookups", "Look-ups of what is kept in memory.", labels=["cache", "result"]
        )
        for cache, (looked_up, read) in snapshot.caches.items():
            lookups.add_metric([cache, "hit"], max(looked_up - read, 0))
            lookups.add_metric([cache, "miss"], read)
        streams = GaugeMetricFamily("signalbox_streams", "Streams that are open.", labels=["kind"])
        for kind, number in snapshot.streams.items():
            streams.add_metric([kind], number)
        queues = GaugeMetricFamily("signalbox_queue_depth", "What waits for its turn.", labels=["queue"])
        for queue, number in snapshot.queues.items():
            queues.add_metric([queue], number)
        dropped = CounterMetricFamily(
            "signalbox_usage_dropped", "Evaluations that were not counted, as the database took no counts for long."
        )
        dropped.add_metric([], snapshot.dropped)
        connections = GaugeMetricFamily(
            "signalbox_database_connections", "Connections to the database: in use, and at most.", labels=["state"]
        )
        for state, number in zip(("in_use", "most"), snapshot.connections, strict=True):
            connections.add_metric([state], number)
        build = GaugeMetricFamily("signalbox_build_info", "Which build runs.", labels=["version", "python", "database"])
        build.add_metric([VERSION, platform.python_version(), snapshot.database], 1)
        yield from (lookups, streams, queues, dropped, connections, build)
