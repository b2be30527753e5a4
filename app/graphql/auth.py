"""Claiming the instance, signing up, in and out, and who am I in GraphQL."""

import strawberry

from app.domain.actors import Token
from app.graphql.context import Info
from app.graphql.inputs import Input, body_of, confirm_field
from app.graphql.types.auth import Me
from app.graphql.types.resources import Org
from app.services import claim, links, sessions, signup, users


@strawberry.input(description="Who claims the instance, and the organisation to begin with.")
class InstallClaimInput:
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


@strawberry.input(description="Where a sign-in link goes.")
class RequestMagicLinkInput:
    email: str = strawberry.field(description="Your email.")


@strawberry.type(description="A link that was asked for.")
class RequestMagicLinkPayload:
    sent: bool = strawberry.field(description="Always true, whether or not the email is known.")


@strawberry.input(description="Who wants to come, and the organisation to make for them.")
class SignUpInput:
    email: str = strawberry.field(description="Your email.")
    display_name: str | None = strawberry.field(default=strawberry.UNSET, description="Your name.")
    org_name: str = strawberry.field(description="What people call the organisation.")
    org_slug: str = strawberry.field(description="Its slug; never changes.")


@strawberry.type(description="A signup, to be finished by the link that was mailed.")
class SignUpPayload:
    sent: bool = strawberry.field(description="Always true, whether or not the email is known.")


@strawberry.input(description="The secret of a sign-in link.")
class RedeemLinkInput:
    token: str = strawberry.field(description="What stands after `?t=` in the link.")


@strawberry.type(description="A new session.")
class RedeemLinkPayload:
    """What `redeemLink` gives; the answer sets the session cookie."""

    me: Me = strawberry.field(description="Who is signed in now.")


@strawberry.input(description="That you want your account deleted.")
class DeleteMeInput:
    confirm: str | None = confirm_field("Your email.")


@strawberry.type(description="A deleted account.")
class DeleteMePayload:
    """What `deleteMe` gives; the answer clears the session cookie."""

    email: str = strawberry.field(description="The email, which nobody can be invited by any more.")


@strawberry.type(description="Signed out.")
class LogoutPayload:
    """What `logout` gives; the answer clears the session cookie."""

    signed_out: bool = strawberry.field(description="Always true.")


@strawberry.type
class AuthQueries:
    @strawberry.field(description="Who you are.")
    async def me(self, info: Info) -> Me | None:
        async with info.context.unit() as uow:
            return Me.of(await sessions.caller(uow))


@strawberry.type
class AuthMutations:
    @strawberry.mutation(description="Claim an empty instance: makes the first organisation and signs its owner in.")
    async def install_claim(self, info: Info, input: Input[InstallClaimInput]) -> InstallClaimPayload | None:
        async with info.context.unit() as uow:
            signed_in, org = await claim.install_claim(uow, body_of(input), info.context.client())
            me = await sessions.me(uow)
        info.context.sign_in(signed_in)
        return InstallClaimPayload(me=Me.of(me), org=Org.of(org))

    @strawberry.mutation(description="Ask for a link that signs you in. The answer never says whether you are known.")
    async def request_magic_link(
        self, info: Info, input: Input[RequestMagicLinkInput]
    ) -> RequestMagicLinkPayload | None:
        async with info.context.unit() as uow:
            await links.request_link(uow, body_of(input), info.context.client_for_link_request())
        return RequestMagicLinkPayload(sent=True)

    @strawberry.mutation(description="Sign up on a hosted instance; the link that is mailed makes the organisation.")
    async def sign_up(self, info: Info, input: Input[SignUpInput]) -> SignUpPayload | None:
        async with info.context.unit() as uow:
            await signup.sign_up(uow, body_of(input), info.context.client_for_link_request())
        return SignUpPayload(sent=True)

    @strawberry.mutation(description="Delete your account: all sessions end, and you leave every organisation.")
    async def delete_me(self, info: Info, input: Input[DeleteMeInput]) -> DeleteMePayload | None:
        async with info.context.unit() as uow:
            user = await users.delete_me(uow, body_of(input))
        info.context.sign_out()
        return DeleteMePayload(email=user.email)

    @strawberry.mutation(description="Sign in by a link, which works once and for 15 minutes.")
    async def redeem_link(self, info: Info, input: Input[RedeemLinkInput]) -> RedeemLinkPayload | None:
        async with info.context.unit() as uow:
            signed_in = await links.redeem(uow, body_of(input))
            me = await sessions.me(uow)
        info.context.sign_in(signed_in)
        return RedeemLinkPayload(me=Me.of(me))

    @strawberry.mutation(description="End the session. Signing out twice is no failure.")
    async def logout(self, info: Info) -> LogoutPayload | None:
        async with info.context.unit() as uow:
            await sessions.sign_out(uow, {})
        if not isinstance(info.context.request.actor, Token):  # whose cookie, should there be one, does not count
            info.context.sign_out()
        return LogoutPayload(signed_out=True)
