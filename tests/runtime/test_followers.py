"""What a follower holds: bounded, each key once, and only of what it follows."""

import asyncio

import pytest

from app.domain.errors import AppError
from app.domain.operations import Operation
from app.engine.kinds import KeyRef, Kind
from app.engine.ruleset import StoredState
from app.runtime.followers import MOST, Followers
from app.services.following import Interest, News, Topic
from app.store.changeset import Audited, Commit, Delta, EnvironmentCommit
from tests.clock import now

PROJECT = Topic("project", None, "org", Interest.ALL)
ENVIRONMENT = Topic("project", "prod", "org", Interest.STATES)


def written(version: int, *keys: str, gone: bool = False, environment: str = "prod") -> Commit:
    state = None if gone else StoredState(Kind.FLAG, "", None, None, "[]", False)
    deltas = tuple(Delta(Kind.FLAG, key, state) for key in keys)
    return Commit((EnvironmentCommit(environment, version, now(), "userId", deltas, "project"),))


def audited(action: Operation, resource_type: str, key: str = "", proposal_id: str | None = None) -> Commit:
    return Commit(audited=(Audited(action.value, resource_type, key, "org", "project", None, proposal_id),))


async def news_of(topic: Topic, *commits: Commit) -> News:
    """What a follower is told after the commits, which have all come before it asks."""
    followers = Followers()
    with followers.one(topic, ()) as follower:
        for commit in commits:
            followers.follow(commit)
        return await asyncio.wait_for(follower.news(), 1)


async def test_a_key_is_told_as_it_is_in_the_end() -> None:
    made, gone = KeyRef(Kind.FLAG, "made"), KeyRef(Kind.FLAG, "gone")
    commits = [written(1, "gone"), written(2, "made", gone=True), written(3, "gone", gone=True), written(4, "made")]
    news = await news_of(ENVIRONMENT, *commits)
    assert (news.versions, news.complete) == ({"prod": 4}, True)
    assert (news.states["prod"].changed, news.states["prod"].removed) == ({made}, {gone})


async def test_so_many_names_are_kept_and_no_more() -> None:
    keys = [f"flag-{number}" for number in range(MOST)]
    kept = await news_of(PROJECT, *(written(number, key) for number, key in enumerate(keys[:-1])))
    assert (kept.complete, len(kept)) == (True, MOST)
    beyond = await news_of(PROJECT, *(written(number, key) for number, key in enumerate(keys)), written(MOST, "last"))
    assert (beyond.complete, len(beyond) <= 3) == (False, True)
    assert not (await news_of(PROJECT, written(1, *keys, "one more"))).complete


async def test_a_deletion_that_a_proposal_makes_is_one() -> None:
    key = KeyRef(Kind.CONFIG, "limits")
    for proposal_id, action in ((None, Operation.DELETE_PRIMITIVE), ("p", Operation.APPLY_PROPOSAL)):
        news = await news_of(PROJECT, audited(action, "config", "limits", proposal_id))
        assert (news.identities.removed, news.proposals) == ({key}, {"p"} if proposal_id else set())
    proposed = await news_of(PROJECT, audited(Operation.PROPOSE, "config", "limits", "p"))
    assert (len(proposed.identities), proposed.proposals) == (0, {"p"})


async def test_a_commit_in_doubt_may_have_been_anything() -> None:
    for topic in (ENVIRONMENT, PROJECT):
        assert not (await news_of(topic, Commit(deleted_environment_ids=("prod",)))).complete


async def test_what_happens_elsewhere_wakes_nobody() -> None:
    followers = Followers()
    with followers.one(ENVIRONMENT, ("token",)) as follower:
        proposed = audited(Operation.PROPOSE, "flag", "key", "proposal")
        for commit in (written(1, "key", environment="dev"), Commit(invalidated=("other",)), proposed):
            followers.follow(commit)
        waiting = asyncio.ensure_future(follower.news())
        await asyncio.sleep(0)
        assert not waiting.done()
        followers.follow(Commit(invalidated=("token",)))
        news = await asyncio.wait_for(waiting, 1)
        assert (len(news), news.complete) == (0, True)
        followers.close()
        with pytest.raises(AppError) as closed:
            await follower.news()
        assert closed.value.code == "unavailable"
    assert len(followers) == 0
