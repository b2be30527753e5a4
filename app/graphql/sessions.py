"""One's own sessions in GraphQL."""

import strawberry

from app.domain.actors import Member
from app.graphql.context import Info, listing
from app.graphql.inputs import Input
from app.graphql.relay import After, Before, Connection, First, Last, Node
from app.graphql.scalars import Time
from app.models import Session as SessionRow
from app.services import sessions


@strawberry.type(description="Where you are signed in.")
class Session(Node):
    """A session of the caller."""

    created_at: Time = strawberry.field(description="When you signed in there.")
    last_seen_at: Time = strawberry.field(description="When it was last used, to the day.")
    expires_at: Time = strawberry.field(description="When it ends, unless it is used before.")

    @classmethod
    def of(cls, row: SessionRow) -> "Session":
        return cls(
            id=strawberry.ID(row.id),
            created_at=Time(row.created_at),
            last_seen_at=Time(row.last_seen_at),
            expires_at=Time(row.expires_at),
        )

    @strawberry.field(description="Whether this very call uses it.")
    def current(self, info: Info) -> bool:
        """Whether it is the caller's."""
        actor = info.context.request.actor
        return isinstance(actor, Member) and actor.session_id == self.id


@strawberry.input(description="Which session to end.")
class DeleteSessionInput:
    session_id: strawberry.ID = strawberry.field(description="The session's id.")


@strawberry.type(description="An ended session.")
class DeleteSessionPayload:
    session: Session = strawberry.field(description="The session as it was.")


@strawberry.type
class SessionQueries:
    @strawberry.field(description="Where you are signed in, oldest first.")
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
    async def delete_session(self, info: Info, input: Input[DeleteSessionInput]) -> DeleteSessionPayload | None:
        async with info.context.unit() as uow:
            session = await sessions.delete_session(uow, input.session_id, {})
        if sessions.is_own(info.context.request.actor, session):
            info.context.sign_out()
        return DeleteSessionPayload(session=Session.of(session))
