"""Subscriptions: each first tells where things stand, and then what has changed since."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Annotated, TypeVar

import strawberry

from app.access.entry import Access
from app.graphql.context import Context, Info
from app.graphql.types.changes import EnvironmentChange, PrimitiveKeys, ProjectChange, ProposalsChange
from app.services import following
from app.services.following import Interest, News

PAUSE_SECONDS = 0.2  # between two events, so that what is written in one go is told in one
E = TypeVar("E")
EnvironmentId = Annotated[
    strawberry.ID, strawberry.argument(description="The environment's id or name, such as acme:web:production.")
]
ProjectId = Annotated[strawberry.ID, strawberry.argument(description="The project's id or name, such as acme:web.")]
FIRST = "The first event comes at once, and tells how it is now."


@strawberry.type(description=f"What is told when it happens, over WebSocket (`graphql-transport-ws`). {FIRST}")
class Subscription:
    @strawberry.subscription(description="Each new version of an environment, with the keys that it changed.")
    async def environment_changed(
        self, info: Info, env_id: EnvironmentId
    ) -> AsyncGenerator[EnvironmentChange | None, None]:
        async def told(access: Access, news: News) -> EnvironmentChange | None:
            found = following.environment_news(access, news)
            return None if found is None else EnvironmentChange.of(found, complete=news.complete)

        async for change in _followed(info.context, Interest.STATES, env_id, told):
            yield change

    @strawberry.subscription(description="What happens to the proposals of an environment.")
    async def proposals_changed(
        self, info: Info, env_id: EnvironmentId
    ) -> AsyncGenerator[ProposalsChange | None, None]:
        async def told(access: Access, news: News) -> ProposalsChange | None:
            rows = await following.proposals_news(access, news)
            if not rows and not news.of_all:
                return None
            ids = [strawberry.ID(one.id) for one in rows]
            return ProposalsChange(proposal_ids=ids, rows=rows, row=access.environment, complete=news.complete)

        async for change in _followed(info.context, Interest.PROPOSALS, env_id, told):
            yield change

    @strawberry.subscription(description="Whatever changes in a project: all that a dashboard shows of it.")
    async def project_changed(self, info: Info, project_id: ProjectId) -> AsyncGenerator[ProjectChange | None, None]:
        async for change in _followed(info.context, Interest.ALL, project_id, _project_change):
            yield change


async def _followed(
    context: Context,
    interest: Interest,
    called: str,
    told: Callable[[Access, News], Awaitable[E | None]],
) -> AsyncGenerator[E, None]:
    """What `told` makes of the news, where it makes something of them, for as long as the caller may enter."""
    enter = following.enter_project if interest is Interest.ALL else following.enter_environment
    async with context.unit() as uow:
        topic = following.topic_of(await enter(uow, called), interest)
    called = topic.environment_id or topic.project_id  # a name may be another's by then
    with context.node.followers.one(topic, following.caller_ids(context.request.actor)) as follower:
        news = News(begins=True)
        while True:
            await context.look()
            async with context.unit() as uow:
                event = await told(await enter(uow, called), news)
            if event is not None:
                yield event
                await asyncio.sleep(PAUSE_SECONDS)
            news = await follower.news()


async def _project_change(access: Access, news: News) -> ProjectChange | None:
    moved = await following.environments_news(access, news)
    rows = await following.proposals_news(access, news)
    identities = following.seen_keys(access, news.identities)
    settings, members = following.settings_news(access, news), following.members_news(access, news)
    if not (moved or rows or identities or settings or members or news.of_all):
        return None
    return ProjectChange(
        environments=[EnvironmentChange.of(one, complete=news.complete) for one in moved],
        changed=PrimitiveKeys.of(identities.changed),
        removed=PrimitiveKeys.of(identities.removed),
        settings=[strawberry.ID(one) for one in settings],
        members=members,
        proposal_ids=[strawberry.ID(one.id) for one in rows],
        complete=news.complete,
        rows=rows,
        row=access.project,
    )
