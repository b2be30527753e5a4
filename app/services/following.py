"""Following what changes in an environment or a project: who may, and what of it each caller is told.

What has happened is gathered from commits (`runtime/followers.py`); who is told is looked at again each time.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from app.access import batches
from app.access.entry import Access, Entry
from app.access.visible import covers
from app.domain.actors import Actor, Member, Token
from app.domain.errors import AppError
from app.domain.operations import Operation
from app.engine.kinds import KeyRef
from app.models import Proposal
from app.store import environments
from app.store.unit_of_work import UnitOfWork


@dataclass(slots=True)
class Keys:
    """Primitives that changed, and that are gone: each is in one of the two."""

    changed: set[KeyRef] = field(default_factory=set)
    removed: set[KeyRef] = field(default_factory=set)

    def note(self, key: KeyRef, *, gone: bool) -> None:
        (self.changed if gone else self.removed).discard(key)
        (self.removed if gone else self.changed).add(key)

    def __len__(self) -> int:
        return len(self.changed) + len(self.removed)


@dataclass(slots=True)
class News:
    """What a follower is told; the first `begins`. Not `complete`: there was more than could be kept."""

    versions: dict[str, int] = field(default_factory=dict)
    states: dict[str, Keys] = field(default_factory=dict)
    identities: Keys = field(default_factory=Keys)
    settings: set[str] = field(default_factory=set)  # ids of what itself has changed: environments, and what is above
    proposals: set[str] = field(default_factory=set)
    members: bool = False
    complete: bool = True
    begins: bool = False

    @property
    def of_all(self) -> bool:
        """Whether it is to be told how all is now, whatever happened."""
        return self.begins or not self.complete

    def __len__(self) -> int:
        names = len(self.versions) + len(self.identities) + len(self.settings) + len(self.proposals)
        return names + sum(map(len, self.states.values()))


class Interest(Enum):
    """What of it is followed."""

    STATES = auto()
    PROPOSALS = auto()
    ALL = auto()


class Topic(NamedTuple):
    """What is followed: a project, or one of its environments."""

    project_id: str
    environment_id: str | None
    org_id: str
    interest: Interest


class EnvironmentNews(NamedTuple):
    """The version that an environment has now, and the keys that changed on the way there."""

    environment_id: str
    version: int
    keys: Keys


def caller_ids(actor: Actor) -> tuple[str, ...]:
    """The ids with which the caller's credential ends."""
    match actor:
        case Member(session_id=session_id, user_id=user_id):
            return session_id, user_id
        case Token(token_id=token_id, org_id=org_id):
            return token_id, org_id
    return ()


async def enter_environment(uow: UnitOfWork, environment_id: str) -> Access:
    """For who follows its states, or its proposals. Raises `not_found`, and what the policy denies."""
    return await Entry.of_environment(environment_id, Operation.READ_STATE).enter(uow)


async def enter_project(uow: UnitOfWork, project_id: str) -> Access:
    return await Entry.of_project(project_id, Operation.READ_PRIMITIVE).enter(uow)


def topic_of(access: Access, interest: Interest) -> Topic:
    environment = access.resolved.environment
    return Topic(access.project.id, None if environment is None else environment.id, access.org.id, interest)


def seen_keys(access: Access, keys: Keys) -> Keys:
    """Those that the caller may read."""
    return Keys(*({key for key in some if access.sees(*key)} for some in (keys.changed, keys.removed)))


def environment_news(access: Access, news: News) -> EnvironmentNews | None:
    """What is told of the environment that was entered, if anything happened to its states."""
    environment = access.environment
    if news.of_all:
        return EnvironmentNews(environment.id, environment.version, Keys())
    if (version := news.versions.get(environment.id)) is None:
        return None
    return EnvironmentNews(environment.id, version, seen_keys(access, news.states[environment.id]))


async def environments_news(access: Access, news: News) -> list[EnvironmentNews]:
    """What is told of the project's environments that the caller sees: of all if it is not known of which."""
    uow = access.uow
    ids: Collection[str] = news.versions
    if news.of_all:
        ids = await environments.ids_of_project(uow.session, access.project.id)
    return [
        EnvironmentNews(
            one.id, news.versions.get(one.id, one.version), seen_keys(access, news.states.get(one.id, Keys()))
        )
        for one in sorted(await batches.environments(uow, ids), key=lambda row: (row.position, row.id))
    ]


async def proposals_news(access: Access, news: News) -> list[Proposal]:
    """The proposals that the caller may read, newest first."""
    if not news.proposals:
        return []
    return sorted(await batches.proposals(access.uow, news.proposals), key=lambda row: row.id, reverse=True)


def settings_news(access: Access, news: News) -> list[str]:
    """The ids of the organisation, the project, and as many of its environments, deleted ones included, as the caller's
    scope covers."""
    above = {access.org.id, access.project.id}
    return sorted(one for one in news.settings if one in above or covers(access.uow, access.project.id, one))


def members_news(access: Access, news: News) -> bool:
    """Whether the organisation's people changed, for who may see them."""
    try:
        access.require(Operation.READ_ORG)
    except AppError:
        return False
    return news.members
