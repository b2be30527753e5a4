"""The caller."""

import strawberry

from app.domain.actors import Role, Token
from app.graphql.types.actors import Actor
from app.graphql.types.resources import Org
from app.services import sessions


@strawberry.type(description="An organisation that a person is in.")
class OrgMembership:
    org: Org = strawberry.field(description="The organisation.")
    role: Role = strawberry.field(description="The person's role there.")


@strawberry.type(description="The caller.")
class Me:
    actor: Actor = strawberry.field(description="The caller.")
    email: str | None = strawberry.field(description="The person's email; null for a token.")
    orgs: list[OrgMembership] | None = strawberry.field(description="The person's organisations; null for a token.")

    @classmethod
    def of(cls, me: sessions.Me | Token) -> "Me":
        if isinstance(me, Token):
            return cls(actor=Actor.of(me.as_json()), email=None, orgs=None)
        return cls(
            actor=Actor.of(me.actor.as_json()),
            email=me.user.email,
            orgs=[OrgMembership(org=Org.of(org), role=membership.role) for org, membership in me.memberships],
        )
