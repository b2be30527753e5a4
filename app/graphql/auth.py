"""Claiming the instance, who am I, and signing out in GraphQL."""

import strawberry

from app.domain.actors import Role
from app.graphql.actors import Actor
from app.graphql.context import Info
from app.graphql.inputs import Input, body_of
from app.graphql.orgs import Org
from app.services import claim, links, sessions


@strawberry.type(description="An organisation that a person is in.")
class OrgMembership:
    """A membership, seen from the person."""

    org: Org = strawberry.field(description="The organisation.")
    role: Role = strawberry.field(description="The person's role there.")


@strawberry.type(description="Who calls.")
class Me:
    """REST's `GET /auth/me`."""

    actor: Actor = strawberry.field(description="The caller.")
    email: str = strawberry.field(description="The person's email.")
    orgs: list[OrgMembership] = strawberry.field(description="The person's organisations.")

    @classmethod
    def of(cls, me: sessions.Me) -> "Me":
        """From the rows."""
        return cls(
            actor=Actor.of(me.actor.shown()),
            email=me.user.email,
            orgs=[OrgMembership(org=Org.of(org), role=membership.role) for org, membership in me.memberships],
        )


@strawberry.input(description="Who claims the instance, and the organisation to begin with.")
class InstallClaimInput:
    """REST's `POST /auth/install-claim`."""

    email: str = strawberry.field(description="The owner's email.")
    display_name: str | None = strawberry.field(default=strawberry.UNSET, description="The owner's name.")
    org_name: str = strawberry.field(description="What people call the organisation.")
    org_slug: str = strawberry.field(description="Its slug; never changes.")
    claim_code: str = strawberry.field(description="The code that the first start printed.")


@strawberry.type(description="A claimed instance.")
class InstallClaimPayload:
    """What `installClaim` gives; the answer sets the session cookie."""

    me: Me = strawberry.field(description="The owner, signed in.")
    org: Org = strawberry.field(description="The first organisation.")


@strawberry.input(description="The secret of a sign-in link.")
class RedeemLinkInput:
    """REST's `POST /auth/link`."""

    token: str = strawberry.field(description="What stands after `?t=` in the link.")


@strawberry.type(description="A new session.")
class RedeemLinkPayload:
    """What `redeemLink` gives; the answer sets the session cookie."""

    me: Me = strawberry.field(description="Who is signed in now.")


@strawberry.type(description="Signed out.")
class LogoutPayload:
    """What `logout` gives; the answer clears the session cookie."""

    signed_out: bool = strawberry.field(description="Always true.")


@strawberry.type
class AuthQueries:
    """Queries about the caller."""

    @strawberry.field(description="Who you are.")
    async def me(self, info: Info) -> Me | None:
        """REST's `GET /auth/me`."""
        async with info.context.unit() as uow:
            return Me.of(await sessions.me(uow))


@strawberry.type
class AuthMutations:
    """Coming and going."""

    @strawberry.mutation(description="Claim an empty instance: makes the first organisation and signs its owner in.")
    async def install_claim(self, info: Info, input: Input[InstallClaimInput]) -> InstallClaimPayload | None:
        """REST's `POST /auth/install-claim`."""
        async with info.context.unit() as uow:
            signed_in, org = await claim.install_claim(uow, body_of(input))
            me = await sessions.me(uow)
        info.context.sign_in(signed_in)
        return InstallClaimPayload(me=Me.of(me), org=Org.of(org))

    @strawberry.mutation(description="Sign in by a link, which works once and for 15 minutes.")
    async def redeem_link(self, info: Info, input: Input[RedeemLinkInput]) -> RedeemLinkPayload | None:
        """REST's `POST /auth/link`."""
        async with info.context.unit() as uow:
            signed_in = await links.redeem(uow, body_of(input))
            me = await sessions.me(uow)
        info.context.sign_in(signed_in)
        return RedeemLinkPayload(me=Me.of(me))

    @strawberry.mutation(description="End the session. Signing out twice is no failure.")
    async def logout(self, info: Info) -> LogoutPayload | None:
        """REST's `POST /auth/logout`."""
        async with info.context.unit() as uow:
            await sessions.sign_out(uow)
        info.context.sign_out()
        return LogoutPayload(signed_out=True)
