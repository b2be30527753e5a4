"""The caller."""

import strawberry

from app.domain.actors import Role, Token
from app.graphql.context import Info
from app.graphql.types.actors import Actor
from app.graphql.types.resources import Org
from app.services import sessions, users
from app.services.proposal_counts import open_for_caller, to_review


@strawberry.type(description="An organisation that a person is in.")
class OrgMembership:
    org: Org = strawberry.field(description="The organisation.")
    role: Role = strawberry.field(description="The person's role there.")


@strawberry.type(description="Which mails about proposals a person wants.")
class Notify:
    proposed: bool = strawberry.field(description="Somebody proposes a change that the person can review.")
    reviewed: bool = strawberry.field(description="Somebody reviews a change that the person proposed.")
    applied: bool = strawberry.field(description="Somebody applies it.")
    cancelled: bool = strawberry.field(description="Somebody cancels it.")


@strawberry.type(description="The caller.")
class Me:
    actor: Actor = strawberry.field(description="The caller.")
    email: str | None = strawberry.field(description="The person's email; null for a token.")
    orgs: list[OrgMembership] | None = strawberry.field(description="The person's organisations; null for a token.")
    notify: Notify | None = strawberry.field(description="Which mails the person wants; null for a token.")

    @strawberry.field(description="How many proposals wait that the caller sees; null for a token without `read`.")
    async def open_proposals(self, info: Info) -> int | None:
        async with info.context.unit() as uow:
            return await open_for_caller(uow)

    @strawberry.field(
        description="How many proposals by others wait that the person can review and has not reviewed; null for a "
        "token."
    )
    async def proposals_to_review(self, info: Info) -> int | None:
        async with info.context.unit() as uow:
            return await to_review(uow)

    @classmethod
    def of(cls, me: sessions.Me | Token) -> "Me":
        if isinstance(me, Token):
            return cls(actor=Actor.of(me.as_json()), email=None, orgs=None, notify=None)
        return cls(
            actor=Actor.of(me.actor.as_json()),
            email=me.user.email,
            orgs=[OrgMembership(org=Org.of(org), role=membership.role) for org, membership in me.memberships],
            notify=Notify(**users.wanted_news(me.user)),
        )
