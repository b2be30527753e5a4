"""What a node chooses of the traffic that it serves, until it is written."""

import json
from collections import Counter
from datetime import UTC, datetime
from random import Random

from app.domain.sampling import DRAWS, Drawn
from app.jobs.traffic import traffic_job, write_chosen
from app.main import create_app
from app.runtime.traffic import Reservoir, Traffic
from app.settings import Settings
from app.store.traffic_sample import Sampling
from tests.clients import RestApi
from tests.clock import SetClock, now
from tests.conftest import client_of
from tests.factories import Instance, Workspace

SINCE = datetime(2026, 3, 1, tzinfo=UTC)


def test_of_many_at_once_any_is_as_likely_to_be_chosen() -> None:
    random, size, offered, rounds = Random(9), 5, 40, 4_000
    seen = Counter[int]()
    for _ in range(rounds):
        reservoir = Reservoir(Sampling(size, ("n",), SINCE), now, random)
        for n in range(offered):
            reservoir.offer({"n": n})
        chosen = reservoir.take()
        assert len(chosen) == size
        seen.update(json.loads(one.context)["n"] for one in chosen)
    expected = rounds * size / offered
    chi_square = sum((seen[n] - expected) ** 2 / expected for n in range(offered))
    assert chi_square < offered - 1 + 4 * (2 * (offered - 1)) ** 0.5


def test_what_cannot_be_in_the_sample_any_more_is_passed_over() -> None:
    reservoir = Reservoir(Sampling(2, ("n",), SINCE), now, Random(2))
    reservoir.wrote([Drawn(DRAWS // 1000, now()), Drawn(DRAWS // 2000, now())])
    reservoir.renew()
    for n in range(20_000):
        reservoir.offer({"n": n})
    chosen = reservoir.take()
    assert 0 < len(chosen) <= 2
    assert all(one.draw < DRAWS // 1000 for one in chosen)


def test_what_could_not_be_written_is_kept_with_what_came_since() -> None:
    reservoir = Reservoir(Sampling(3, ("n",), SINCE), now, Random(3))
    for n in range(3):
        reservoir.offer({"n": n})
    taken = reservoir.take()
    assert reservoir.take() == []
    reservoir.give_back(taken)
    assert sorted(reservoir.take()) == sorted(taken)


def test_what_was_chosen_for_another_sample_is_dropped() -> None:
    traffic, sampling = Traffic(now, Random(1)), Sampling(3, ("n",), SINCE)
    traffic.offer("e", {"n": 1})
    traffic.follow("e", sampling)
    traffic.offer("e", {"n": 1})
    traffic.follow("e", sampling)
    assert len(traffic.reservoirs["e"].take()) == 1
    traffic.offer("e", {"n": 1})
    traffic.follow("e", sampling._replace(fields=("m",)))
    assert traffic.reservoirs["e"].take() == []
    traffic.follow_all({})
    assert traffic.reservoirs == {}


async def test_a_stop_writes_what_was_chosen_and_a_start_goes_on_sampling(
    workspace: Workspace, settings: Settings, clock: SetClock, instance: Instance
) -> None:
    here = {"environmentId": workspace.environment_id}
    await workspace.org.admin.make("setTrafficSample", **here, size=5, fields=["n"])
    for n in range(2):
        other = create_app(settings, clock)
        async with other.router.lifespan_context(other):
            theirs = Instance(other, RestApi, client_of)
            await theirs.over(workspace).org.viewer.make("evaluate", **here, context={"n": n, "m": n})
            await theirs.close()
    assert (await workspace.org.viewer.make("trafficSample", **here))["contexts"] == [{"n": 1}, {"n": 0}]


async def test_what_another_node_has_set_meanwhile_is_heeded(
    workspace: Workspace, settings: Settings, clock: SetClock, instance: Instance
) -> None:
    here = {"environmentId": workspace.environment_id}
    await workspace.org.admin.make("setTrafficSample", **here, size=5, fields=["n", "m"])
    await workspace.org.viewer.make("evaluate", **here, context={"n": 1, "m": 2})
    other = create_app(settings, clock)
    async with other.router.lifespan_context(other):
        theirs = Instance(other, RestApi, client_of)
        await theirs.over(workspace).org.admin.make("setTrafficSample", **here, size=5, fields=["n"])
        await theirs.close()
    await write_chosen(instance.node)
    assert (await workspace.org.viewer.make("trafficSample", **here))["count"] == 0
    await workspace.org.viewer.make("evaluate", **here, context={"n": 1, "m": 2})
    await traffic_job(instance.node).run()
    assert (await workspace.org.viewer.make("trafficSample", **here))["contexts"] == [{"n": 1}]
