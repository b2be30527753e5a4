"""Claiming the instance, signing up, in and out, and who you are."""

import strawberry

from app.domain.actors import Token
from app.graphql.context import Info
from app.graphql.inputs import body_of, optional_field
from app.graphql.types.auth import Me
from app.graphql.types.resources import Org
from app.services import claim, links, sessions, signup, users


@strawberry.input(description="The first owner and the first organisation.")
class InstallClaimInput:
    email: str = strawberry.field(description="The owner's email.")
    display_name: str | None = optional_field("The owner's name.")
    org_name: str = strawberry.field(description="The organisation's display name.")
    org_slug: str = strawberry.field(description="Its slug; never changes.")
    claim_code: str = strawberry.field(description="The code that the first start printed.")


@strawberry.input(description="Where to send a sign-in link.")
class RequestMagicLinkInput:
    email: str = strawberry.field(description="Your email.")


@strawberry.input(description="Who you are, and the organisation to create.")
class SignUpInput:
    email: str = strawberry.field(description="Your email.")
    display_name: str | None = optional_field("Your name.")
    org_name: str = strawberry.field(description="The organisation's display name.")
    org_slug: str = strawberry.field(description="Its slug; never changes.")


@strawberry.input(description="The secret of a sign-in link.")
class RedeemLinkInput:
    token: str = strawberry.field(description="The value of `t` in the link.")


@strawberry.input(description="Which mails about proposals you want; what is absent stays as it is.")
class NotifyInput:
    proposed: bool | None = optional_field("Somebody proposes a change of what needs approval, and you can review it.")
    reviewed: bool | None = optional_field("Somebody reviews a change that you proposed.")
    applied: bool | None = optional_field("Somebody applies it.")
    cancelled: bool | None = optional_field("Somebody cancels it.")


@strawberry.input(description="What to change of your account; what is absent stays as it is.")
class UpdateMeInput:
    display_name: str | None = optional_field("Your name. What you did before keeps the name you did it under.")
    notify: NotifyInput | None = optional_field("Which mails about proposals you want.")


@strawberry.input(description="The confirmation that your account is to be deleted.")
class DeleteMeInput:
    confirm: str | None = optional_field("Your email.")


@strawberry.type
class SignedInPayload:
    me: Me = strawberry.field(description="Who is signed in now.")


@strawberry.type(description="A claimed instance. The answer sets the session cookie.")
class InstallClaimPayload(SignedInPayload):
    org: Org = strawberry.field(description="The first organisation.")


@strawberry.type(description="A new session. The answer sets the session cookie.")
class RedeemLinkPayload(SignedInPayload):
    pass


@strawberry.type
class SentPayload:
    sent: bool = strawberry.field(description="Always true, whether or not the email is known.")


@strawberry.type(description="A requested link.")
class RequestMagicLinkPayload(SentPayload):
    pass


@strawberry.type(description="A sign-up, which the mailed link completes.")
class SignUpPayload(SentPayload):
    pass


@strawberry.type(description="A changed account.")
class UpdateMePayload:
    me: Me = strawberry.field(description="You, as you are now.")


@strawberry.type(description="A deleted account. The answer clears the session cookie.")
class DeleteMePayload:
    email: str = strawberry.field(description="Its email, which cannot be invited again.")


@strawberry.type(description="Signed out. The answer clears the session cookie.")
class LogoutPayload:
    signed_out: bool = strawberry.field(description="Always true.")


@strawberry.type
class AuthQueries:
    @strawberry.field(description="The caller.")
    async def me(self, info: Info) -> Me | None:
        async with info.context.unit() as uow:
            return Me.of(await sessions.caller(uow))


@strawberry.type
class AuthMutations:
    @strawberry.mutation(description="Claim an empty instance: creates the first organisation and signs its owner in.")
    async def install_claim(self, info: Info, input: InstallClaimInput) -> InstallClaimPayload | None:
        async with info.context.unit() as uow:
            uow.client = info.context.remember_browser()
            signed_in, org = await claim.install_claim(uow, body_of(input))
            me = await sessions.me(uow)
        info.context.sign_in(signed_in)
        return InstallClaimPayload(me=Me.of(me), org=Org.of(org))

    @strawberry.mutation(
        description="Request a sign-in link. The answer is the same whether or not the email is known."
    )
    async def request_magic_link(self, info: Info, input: RequestMagicLinkInput) -> RequestMagicLinkPayload | None:
        async with info.context.unit() as uow:
            uow.client = info.context.remember_browser()
            await links.request_link(uow, body_of(input))
        return RequestMagicLinkPayload(sent=True)

    @strawberry.mutation(description="Sign up on a hosted instance. The mailed link creates the organisation.")
    async def sign_up(self, info: Info, input: SignUpInput) -> SignUpPayload | None:
        async with info.context.unit() as uow:
            uow.client = info.context.remember_browser()
            await signup.sign_up(uow, body_of(input))
        return SignUpPayload(sent=True)

    @strawberry.mutation(description="Change your name, or which mails you get.")
    async def update_me(self, info: Info, input: UpdateMeInput) -> UpdateMePayload | None:
        async with info.context.unit() as uow:
            await users.update_me(uow, body_of(input))
            me = await sessions.me(uow)
        info.context.request.actor = uow.actor
        return UpdateMePayload(me=Me.of(me))

    @strawberry.mutation(description="Delete your account: all sessions end, and you leave every organisation.")
    async def delete_me(self, info: Info, input: DeleteMeInput) -> DeleteMePayload | None:
        async with info.context.unit() as uow:
            user = await users.delete_me(uow, body_of(input))
        info.context.sign_out()
        return DeleteMePayload(email=user.email)

    @strawberry.mutation(description="Sign in with a link, which works once and for 15 minutes.")
    async def redeem_link(self, info: Info, input: RedeemLinkInput) -> RedeemLinkPayload | None:
        async with info.context.unit() as uow:
            uow.client = info.context.remember_browser()
            signed_in = await links.redeem(uow, body_of(input))
            me = await sessions.me(uow)
        info.context.sign_in(signed_in)
        return RedeemLinkPayload(me=Me.of(me))

    @strawberry.mutation(description="End the session. It is no failure if there is none.")
    async def logout(self, info: Info) -> LogoutPayload | None:
        async with info.context.unit() as uow:
            await sessions.sign_out(uow, {})
        if not isinstance(info.context.request.actor, Token):  # a cookie sent with a token is ignored
            info.context.sign_out()
        return LogoutPayload(signed_out=True)
