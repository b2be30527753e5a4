"""Your own sessions."""

import strawberry

from app.graphql.arguments import After, Before, First, Last
from app.graphql.context import Info, listing
from app.graphql.types.relay import Connection
from app.graphql.types.sessions import Session
from app.services import sessions


@strawberry.input(description="The session to end.")
class DeleteSessionInput:
    session_id: strawberry.ID = strawberry.field(description="The session's id.")


@strawberry.type(description="An ended session.")
class DeleteSessionPayload:
    session: Session = strawberry.field(description="The session as it was.")


@strawberry.type(description="Your other sessions, all ended.")
class DeleteOtherSessionsPayload:
    session: Session = strawberry.field(description="The one that is left: this one.")


@strawberry.type
class SessionQueries:
    @strawberry.field(description="Your sessions, oldest first.")
    async def sessions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Session] | None:
        page_args = listing(info, first=first, after=after, last=last, before=before)
        async with info.context.unit() as uow:
            page = await sessions.list_sessions(uow, page_args)
        return Connection.of(info.context, page, lambda row: row.id, Session.of)


@strawberry.type
class SessionMutations:
    @strawberry.mutation(description="End one of your sessions.")
    async def delete_session(self, info: Info, input: DeleteSessionInput) -> DeleteSessionPayload | None:
        async with info.context.unit() as uow:
            session = await sessions.delete_session(uow, input.session_id, {})
        if sessions.is_own(info.context.request.actor, session):
            info.context.sign_out()
        return DeleteSessionPayload(session=Session.of(session))

    @strawberry.mutation(description="End all your sessions but this one.")
    async def delete_other_sessions(self, info: Info) -> DeleteOtherSessionsPayload | None:
        async with info.context.unit() as uow:
            session = await sessions.delete_other_sessions(uow, {})
        return DeleteOtherSessionsPayload(session=Session.of(session))
