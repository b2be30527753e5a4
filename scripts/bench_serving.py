"""Calls of SDKs, and two of the control plane, beside a bare ASGI answer of the same uvicorn, in turns.

`--rounds N`, and words of rows.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import structlog

from app.settings import MAX_RATE_PER_MIN
from scripts._bench import API, BARE
from scripts._serving import CLIENT_CORE, TOKENS, Instance, Line, Process, ask, fill, get, post, run, started
from scripts.bench_rules import CONTEXT, rules

ROUNDS, SECONDS, CONNECTIONS = 5, 1.0, 16
OK, UNCHANGED, NOT_FOUND = 200, 304, 404
SIZES = (10, 100, 1_000, 10_000)
OFREP = "/ofrep/v1/evaluate/flags"
SINGLES, BESIDE, FAIRNESS = 2_000, 4, 20

Make = Callable[[int], bytes]


class Row(NamedTuple):
    """A call: what it is, its limit, its status, and the request with a number, which only it has."""

    name: str
    least: float
    status: int
    request: Make


def contexts(*, names_id: str) -> Callable[[int], str]:
    """One that nobody has sent before, for each number. All are of one length, and no rule can leave out the last."""
    of_all = {key: value for key, value in CONTEXT.items() if key not in {"userId", "email"}}
    text = json.dumps({**of_all, names_id: "user-%NUMBER", "email": "%NUMBER@example.org"})
    return lambda number: text.replace("%NUMBER", f"{number:012}")


def posting(instance: Instance, path: str, body: str, *, names_id: str = "userId", **headers: str) -> Make:
    """Requests with contexts, by all tokens in turn. `body` has the context as %s."""
    context = contexts(names_id=names_id)
    length = len(body % context(0))
    heads = [post(path, token, length, **headers) for token in instance.tokens]
    return lambda number: heads[number % TOKENS] + (body % context(number)).encode()


def getting(server: Process, instance: Instance, size: int) -> Row:
    """A ruleset that the caller has, with the tag of each."""
    path = f"{API}/envs/{instance.environments[size]}/ruleset"

    def unchanged(token: str) -> bytes:
        return get(path, token, If_None_Match=ask(server.port, get(path, token))[1]["etag"])

    requests = [unchanged(token) for token in instance.tokens]
    return Row(f"ruleset 304, {size:,} flags", 0.62, UNCHANGED, lambda number: requests[number % TOKENS])


def evaluating(instance: Instance) -> Iterator[Row]:
    """Over REST."""
    one, every = '{"context": %s, "keys": ["flag-7"]}', '{"context": %s}'
    for name, size, body, least in (
        ("evaluate one of 1,000", 1_000, one, 0.44),
        ("evaluate all of 100", 100, every, 0.18),
        ("evaluate all of 1,000", 1_000, every, 0.02),
    ):
        path = f"{API}/envs/{instance.environments[size]}/evaluate"
        yield Row(name, least, OK, posting(instance, path, body))


def remote(server: Process, instance: Instance) -> Iterator[Row]:
    """Over OFREP. Of a bulk call with a tag each request has the tag of its own context, which is asked for before."""
    body = '{"context": %s}'

    def calls(path: str, size: int) -> Make:
        in_environment = {"X_Signalbox_Env": instance.environments[size]}
        return posting(instance, path, body, names_id="targetingKey", **in_environment)

    single, few, many = calls(f"{OFREP}/flag-7", 1_000), calls(OFREP, 100), calls(OFREP, 1_000)
    if ask(server.port, few(0))[0] == NOT_FOUND:
        print("OFREP is not served yet", flush=True)
        return
    yield Row("OFREP single of 1,000", 0.44, OK, single)
    yield Row("OFREP bulk of 100", 0.18, OK, few)
    yield Row("OFREP bulk of 1,000", 0.02, OK, many)

    def unchanged(number: int) -> bytes:
        request = few(number)
        tag = ask(server.port, request)[1]["etag"]
        return request.replace(b"\r\n", f"\r\nIf-None-Match: {tag}\r\n".encode(), 1)

    yield Row("OFREP bulk 304 of 100", 0.50, UNCHANGED, unchanged)


def asking_the_database(instance: Instance) -> Iterator[tuple[Row, int]]:
    """Reads of the control plane, and how many bare answers the CPU time of each may be at most."""
    flag = f"{API}/envs/{instance.environments[1_000]}/flags/flag-7"
    flags = [get(flag, token) for token in instance.tokens]
    yield Row("one flag over REST", 0, OK, lambda number: flags[number % TOKENS]), 22
    query = json.dumps({"query": '{ org(slug: "acme") { name createdAt } }'}).encode()
    queries = [post("/graphql", token, len(query)) + query for token in instance.tokens]
    yield Row("a small GraphQL query", 0, OK, lambda number: queries[number % TOKENS]), 33


class Burst(NamedTuple):
    """Answers a second, and microseconds of the server's CPU for one."""

    rate: float
    cpu: float

    @property
    def share(self) -> float:
        """How much of its core the server had: little, if others computed there or the client was too slow."""
        return self.rate * self.cpu / 1e6


def burst(server: Process, requests: Sequence[bytes], status: int = OK) -> Burst:
    """All of them, on all connections."""
    left = iter(requests)
    lines = [Line(server.port, left, status) for _ in range(CONNECTIONS)]
    computed = server.cpu_seconds
    seconds = run(lines)
    return Burst(len(requests) / seconds, (server.cpu_seconds - computed) / len(requests) * 1e6)


class Bench:
    """Both servers. Numbers of requests never come again."""

    def __init__(self, bare: Process, ours: Process, rounds: int, seconds: float) -> None:
        self.bare = bare
        self.ours = ours
        self._rounds = rounds
        self._seconds = seconds
        self._numbers = count(1)

    def requests(self, row: Row, number: int) -> list[bytes]:
        """So many that nobody has sent before."""
        return [row.request(n) for n in islice(self._numbers, number)]

    def measure(self, row: Row) -> None:
        """Prints the medians."""
        bare, ours = self._in_turns(row)
        ratios = [one.rate / other.rate for one, other in zip(ours, bare, strict=True)]
        ratio, share = statistics.median(ratios), min(one.share for one in (*bare, *ours))
        cpu, bare_cpu = (statistics.median(one.cpu for one in bursts) for bursts in (ours, bare))
        held = "held" if ratio >= row.least else "NOT HELD"
        print(
            f"{row.name:<26}{ratio:7.3f} ({min(ratios):.3f} to {max(ratios):.3f}){row.least:9.2f} {held:<9}"
            f"{cpu:9.1f} µs{bare_cpu:9.1f} µs{bare_cpu / cpu:8.3f}{share:8.0%}",
            flush=True,
        )

    def measure_cpu(self, row: Row, most: int) -> None:
        """Prints how many bare answers the CPU time of one is."""
        times = sorted(one.cpu / other.cpu for other, one in zip(*self._in_turns(row), strict=True))
        median = statistics.median(times)
        held = "held" if median <= most else "NOT HELD"
        print(f"{row.name:<26}{median:7.1f} ({times[0]:.1f} to {times[-1]:.1f}) bare answers (at most {most}: {held})")

    def _in_turns(self, row: Row) -> tuple[list[Burst], list[Burst]]:
        """Bursts of bare and of ours."""
        plain = [get(BARE, "sbx_none")]
        few = burst(self.ours, self.requests(row, 2 * TOKENS), row.status)  # so that all tokens are known
        few = burst(self.ours, self.requests(row, max(2 * TOKENS, int(few.rate * self._seconds / 4))), row.status)
        number = max(CONNECTIONS, int(few.rate * self._seconds))
        bare_number = int(burst(self.bare, plain * 1_000).rate * self._seconds)
        bare, ours = list[Burst](), list[Burst]()
        for _ in range(self._rounds):
            bare.append(burst(self.bare, plain * bare_number))
            ours.append(burst(self.ours, self.requests(row, number), row.status))
        return bare, ours

    def fairness(self, single: Row, bulk: Row) -> None:
        """How long single evaluations take beside others that evaluate all of 10,000 flags in another environment."""
        p99s = []
        for others in (0, BESIDE):
            line = Line(self.ours.port, iter(self.requests(single, SINGLES)))
            endless = (bulk.request(number) for number in self._numbers)
            run([line], [Line(self.ours.port, endless) for _ in range(others)])
            p99s.append(statistics.quantiles(line.waits, n=100)[98] * 1000)
        idle, beside = p99s
        print(f"single evaluation, p99 idle                      {idle:10.2f} ms")
        print(f"beside {BESIDE} that evaluate 10,000 flags at a time     {beside:10.2f} ms")
        held = "held" if beside <= FAIRNESS * idle else "NOT HELD"
        print(f"fairness: {beside / idle:.1f} times (at most {FAIRNESS}: {held})", flush=True)


def main() -> None:
    """The table, or those rows of it that have one of the words in their names.

    The last column is the least part of its core that a server had in any burst. Where it is far below 100 %, something
    else computed there, and the ratio of the CPU times says more than that of the rates.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    parser = argparse.ArgumentParser(prog="scripts/bench serving", description=__doc__)
    parser.add_argument("words", nargs="*", help="only rows with one of these in their names; `fairness` is one")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each burst")
    asked = parser.parse_args()

    def wanted(name: str) -> bool:
        return not asked.words or any(word in name for word in asked.words)

    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        instance = asyncio.run(fill(folder / "data", SIZES, rules))
        bare = stack.enter_context(started(folder, "scripts._serving"))
        settings = {"LOG_FORMAT": "json", "MAX_RATE_PER_MIN": str(MAX_RATE_PER_MIN), "DATA_DIR": str(folder / "data")}
        ours = stack.enter_context(started(folder, "app", "serve", **settings))
        os.sched_setaffinity(0, {CLIENT_CORE})
        bench = Bench(bare, ours, asked.rounds, asked.seconds)
        print(f"{'':26}  ratio{'':18}at least{'CPU of ours':>20}{'of bare':>12}{'ratio':>8}{'core':>8}")
        evaluations = list(evaluating(instance))
        rulesets = [getting(ours, instance, size) for size in (10, 1_000, 10_000)]
        for row in (*rulesets, *evaluations, *remote(ours, instance)):
            if wanted(row.name):
                bench.measure(row)
        for row, most in asking_the_database(instance):
            if wanted(row.name):
                bench.measure_cpu(row, most)
        if wanted("fairness"):
            path = f"{API}/envs/{instance.environments[10_000]}/evaluate"
            bench.fairness(evaluations[0], Row("", 0, OK, posting(instance, path, '{"context": %s}')))


if __name__ == "__main__":
    main()
