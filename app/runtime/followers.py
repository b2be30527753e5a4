"""Who follows an environment or a project, and what commits have changed there since each was last told."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from app.domain.errors import AppError
from app.domain.operations import Operation
from app.engine.kinds import KeyRef, Kind
from app.runtime.by_id import ById
from app.services.following import Interest, Keys, News, Topic
from app.store.changeset import Audited, Commit, EnvironmentCommit

MOST = 1000
"""How many names wait for one follower. Beyond that it is told that there were more, and no names."""
_OF_KINDS = {kind.value: kind for kind in Kind}
_REMOVING = {Operation.DELETE_PRIMITIVE, Operation.APPLY_PROPOSAL}
_OF_ORG = {"org", "member", "invitation"}


class Follower:
    """Holds what has happened until it is asked for it: a bounded number of names, however slowly that is."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._news = News()
        self._woken = asyncio.Event()
        self._is_closed = False

    def close(self) -> None:
        self._is_closed = True
        self._woken.set()

    async def news(self) -> News:
        """Waits until something happens here, or to the caller. What is told need not hold anything.

        Raises `unavailable` once nothing will happen any more.
        """
        await self._woken.wait()
        self._woken.clear()
        if self._is_closed:
            raise AppError("unavailable")
        news, self._news = self._news, News()
        return news

    def take_in(self, commit: Commit, *, concerned: bool) -> None:
        """What the follower is interested in. It is woken for that, or where the commit `concerned` who may follow."""
        for environment in commit.environments:
            self._note_version(environment)
        for one in commit.audited:
            self._note_audited(one)
        if _is_in_doubt(commit):
            self._news.complete = False
        if len(self._news) > MOST:
            self._news = News(complete=False)
        if concerned:
            self._woken.set()

    def _note_version(self, environment: EnvironmentCommit) -> None:
        project_id, environment_id, _, interest = self._topic
        one = environment.environment_id
        if (
            interest is not Interest.PROPOSALS
            and environment.project_id == project_id
            and environment_id in {None, one}
        ):
            self._woken.set()
            self._news.versions[one] = environment.version
            keys = self._news.states.setdefault(one, Keys())
            for kind, key, state in environment.deltas:
                keys.note(KeyRef(kind, key), gone=state is None)

    def _note_audited(self, one: Audited) -> None:
        project_id, environment_id, org_id, interest = self._topic
        if one.org_id == org_id and one.resource_type == "org":
            self._news.settings.add(org_id)
        elif one.org_id == org_id and one.resource_type in _OF_ORG:
            self._news.members = True
        if one.project_id != project_id or (environment_id and one.environment_id not in {None, environment_id}):
            return
        if one.proposal_id is not None and interest is not Interest.STATES:
            self._woken.set()
            self._news.proposals.add(one.proposal_id)
        if interest is Interest.ALL:
            self._woken.set()
            self._note_settings(one, project_id)

    def _note_settings(self, one: Audited, project_id: str) -> None:
        if one.environment_id is not None:
            if one.resource_type == "environment" and one.proposal_id is None and one.action != Operation.PROMOTE:
                self._news.settings.add(one.environment_id)
        elif one.resource_type == "project":
            self._news.settings.add(project_id)
        elif (kind := _OF_KINDS.get(one.resource_type)) and (one.proposal_id is None or one.action in _REMOVING):
            self._news.identities.note(KeyRef(kind, one.resource_key), gone=one.action in _REMOVING)


class Followers:
    """All of them, by the ids with which something happens to them."""

    def __init__(self) -> None:
        self._by_id = ById[Follower]()

    @contextmanager
    def one(self, topic: Topic, caller_ids: Iterable[str]) -> Iterator[Follower]:
        """A follower, for as long as it follows. `caller_ids` are those with which the caller's credential ends."""
        follower = Follower(topic)
        ids = {topic.environment_id or topic.project_id, topic.project_id, topic.org_id, *caller_ids}
        self._by_id.add(follower, ids)
        try:
            yield follower
        finally:
            self._by_id.discard(follower, ids)

    def __len__(self) -> int:
        return len(self._by_id.all())

    def follow(self, commit: Commit) -> None:
        """Tells those to whom it is of interest."""
        if _is_in_doubt(commit):
            concerned = self._by_id.all()
        else:
            concerned = self._by_id.of(*commit.deleted_environment_ids, *commit.invalidated, *_orgs(commit))
        projects = {one.project_id for one in commit.environments} | {one.project_id or "" for one in commit.audited}
        for follower in concerned | self._by_id.of(*projects):
            follower.take_in(commit, concerned=follower in concerned)

    def close(self) -> None:
        """Nobody is told anything any more."""
        for follower in self._by_id.all():
            follower.close()


def _is_in_doubt(commit: Commit) -> bool:
    """Whether nobody knows if it took effect: what changes an environment is audited."""
    return bool(commit.deleted_environment_ids) and not commit.audited


def _orgs(commit: Commit) -> Iterator[str]:
    """Those of which the people, or something that all of it goes by, have changed."""
    return (one.org_id for one in commit.audited if one.org_id is not None and one.resource_type in _OF_ORG)
