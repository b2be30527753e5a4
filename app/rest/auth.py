"""Claiming the instance, signing up, in and out, and who am I over REST."""

from typing import Self

from starlette.responses import Response

from app.access import confirmation
from app.access.etags import body_etag
from app.domain.actors import Role, Token
from app.domain.commands import NoBody
from app.http.browsers import asking_browser, remember_browser
from app.http.cookies import SESSION, set_cookie
from app.models import Membership, Org
from app.rest.orgs import ORG_EXAMPLE, OrgSchema
from app.rest.requests import RestCall
from app.rest.responses import json_response, no_content, read, written
from app.rest.routing import Endpoint
from app.rest.schemas import ActorSchema, Schema
from app.services import claim, links, sessions, signup, users
from app.services.sessions import Me
from app.store.unit_of_work import UnitOfWork


class MembershipSchema(Schema):
    """An organisation that a person is in, and their role there."""

    org: OrgSchema
    role: Role

    @classmethod
    def from_rows(cls, org: Org, membership: Membership) -> Self:
        return cls(org=OrgSchema.from_row(org), role=membership.role)


class NotifySchema(Schema):
    """Which mails about proposals a person wants."""

    proposed: bool
    reviewed: bool
    applied: bool
    cancelled: bool


class MeSchema(
    Schema,
    json_schema_extra={"examples": [{"email": "ada@acme.example", "orgs": [{"org": ORG_EXAMPLE, "role": "owner"}]}]},
):
    """The caller; a person with their email and organisations and the mails that they want, a token without."""

    actor: ActorSchema
    email: str | None = None
    orgs: list[MembershipSchema] | None = None
    notify: NotifySchema | None = None

    @classmethod
    def from_caller(cls, me: Me | Token) -> Self:
        if isinstance(me, Token):
            return cls(actor=ActorSchema.model_validate(me.as_json()))
        return cls(
            actor=ActorSchema.model_validate(me.actor.as_json()),
            email=me.user.email,
            orgs=[MembershipSchema.from_rows(org, membership) for org, membership in me.memberships],
            notify=NotifySchema.model_validate(users.wanted_news(me.user)),
        )


class SessionSchema(Schema):
    """A new session: who is signed in now. The secret is in the cookie only."""

    me: MeSchema


class SentSchema(Schema, json_schema_extra={"examples": [{"sent": True}]}):
    """The same answer whether or not the email is known."""

    sent: bool


class ClaimSchema(Schema):
    """A claimed instance: who is signed in now, and the first organisation."""

    me: MeSchema
    org: OrgSchema


def calling_browser(call: RestCall, uow: UnitOfWork) -> str | None:
    """The secret of the browser that calls, which the unit is told too; None if it is not a browser."""
    browser = asking_browser(call.node, call.headers)
    uow.client = call.info.client(browser)
    return browser


async def install_claim(call: RestCall, uow: UnitOfWork) -> Response:
    browser = calling_browser(call, uow)
    signed_in, org = await claim.install_claim(uow, call.input)
    me = await sessions.me(uow)
    shape = ClaimSchema(me=MeSchema.from_caller(me), org=OrgSchema.from_row(org))
    response = json_response(shape.encoded(), 201, {"Location": f"/api/v1/orgs/{org.slug}"})
    set_cookie(call.node.settings, response, SESSION, signed_in.secret)
    remember_browser(call.node, response, browser)
    return response


async def request_magic_link(call: RestCall, uow: UnitOfWork) -> Response:
    browser = calling_browser(call, uow)
    await links.request_link(uow, call.input)
    response = json_response(SentSchema(sent=True).encoded())
    remember_browser(call.node, response, browser)
    return response


async def sign_up(call: RestCall, uow: UnitOfWork) -> Response:
    browser = calling_browser(call, uow)
    await signup.sign_up(uow, call.input)
    response = json_response(SentSchema(sent=True).encoded())
    remember_browser(call.node, response, browser)
    return response


async def redeem_link(call: RestCall, uow: UnitOfWork) -> Response:
    browser = calling_browser(call, uow)
    signed_in = await links.redeem(uow, call.input)
    me = await sessions.me(uow)
    response = json_response(SessionSchema(me=MeSchema.from_caller(me)).encoded())
    set_cookie(call.node.settings, response, SESSION, signed_in.secret)
    remember_browser(call.node, response, browser)
    return response


async def get_me(call: RestCall, uow: UnitOfWork) -> Response:
    me = await sessions.caller(uow)
    return read(call, MeSchema.from_caller(me))


async def update_me(call: RestCall, uow: UnitOfWork) -> Response:
    await users.update_me(uow, call.input)
    me = MeSchema.from_caller(await sessions.me(uow))
    return written(me, body_etag(me.encoded()))


async def delete_me(call: RestCall, uow: UnitOfWork) -> Response:
    await users.delete_me(uow, call.input)
    response = no_content()
    set_cookie(call.node.settings, response, SESSION, "")
    return response


async def logout(call: RestCall, uow: UnitOfWork) -> Response:
    await sessions.sign_out(uow, call.input)
    response = no_content()
    if not isinstance(call.info.actor, Token):  # a cookie sent with a token is ignored
        set_cookie(call.node.settings, response, SESSION, "")
    return response


ENDPOINTS = [
    Endpoint(
        "installClaim",
        "POST",
        "/auth/install-claim",
        install_claim,
        "Claim an empty instance",
        body=claim.InstallClaim,
        response=ClaimSchema,
        status=201,
        public=True,
        errors=("already_claimed", "slug_unavailable", "rate_limited"),
        headers=("SignedIn",),
    ),
    Endpoint(
        "requestMagicLink",
        "POST",
        "/auth/magic-link",
        request_magic_link,
        "Ask for a link that signs you in",
        body=links.RequestMagicLink,
        response=SentSchema,
        public=True,
        errors=("rate_limited",),
        headers=("Browser",),
    ),
    Endpoint(
        "signUp",
        "POST",
        "/auth/signup",
        sign_up,
        "Sign up on a hosted instance",
        body=signup.SignUp,
        response=SentSchema,
        public=True,
        errors=("not_found", "slug_unavailable", "rate_limited"),
        headers=("Browser",),
    ),
    Endpoint(
        "redeemLink",
        "POST",
        "/auth/link",
        redeem_link,
        "Sign in by the secret of a link",
        body=links.RedeemLink,
        response=SessionSchema,
        public=True,
        errors=("magic_link_invalid", "magic_link_used", "magic_link_expired", "no_invitation", "slug_unavailable"),
        headers=("SignedIn",),
    ),
    Endpoint("getMe", "GET", "/auth/me", get_me, "Who you are", response=MeSchema),
    Endpoint(
        "updateMe",
        "PATCH",
        "/auth/me",
        update_me,
        "Change your name, or which mails you get",
        body=users.UpdateMe,
        response=MeSchema,
    ),
    Endpoint(
        "deleteMe",
        "DELETE",
        "/auth/me",
        delete_me,
        "Delete your account",
        body=confirmation.Confirm,
        status=204,
        errors=("last_owner_cannot_demote_or_remove",),
        headers=("SignedOut",),
    ),
    Endpoint(
        "logout",
        "POST",
        "/auth/logout",
        logout,
        "Sign out",
        body=NoBody,
        status=204,
        public=True,
        headers=("SignedOut",),
    ),
]
