"""Your own sessions."""

import strawberry

from app.domain.actors import Member
from app.graphql.context import Info
from app.graphql.types.relay import Node
from app.graphql.types.scalars import Time
from app.models import Session as SessionRow


@strawberry.type(description="A session of yours.")
class Session(Node):
    browser: str | None = strawberry.field(description="The browser or program, as far as it says what it is.")
    address: str | None = strawberry.field(description="The IP address that you signed in from.")
    created_at: Time = strawberry.field(description="When you signed in.")
    last_seen_at: Time = strawberry.field(description="When it was last used, to the day.")
    expires_at: Time = strawberry.field(
        description="When it expires. Use moves it on, up to 180 days after the sign-in."
    )

    @classmethod
    def of(cls, row: SessionRow) -> "Session":
        return cls(
            id=strawberry.ID(row.id),
            browser=row.browser,
            address=row.address,
            created_at=Time(row.created_at),
            last_seen_at=Time(row.last_seen_at),
            expires_at=Time(row.expires_at),
        )

    @strawberry.field(description="Whether this request uses it.")
    def current(self, info: Info) -> bool:
        actor = info.context.request.actor
        return isinstance(actor, Member) and actor.session_id == self.id
