"""Claiming the instance, who am I, and signing out over REST."""

from typing import Self

from starlette.responses import Response

from app.domain.actors import Role
from app.domain.inputs import NoBody
from app.middleware.authentication import clear_cookie, set_cookie
from app.models import Membership, Org
from app.rest.calls import Call, json_response
from app.rest.orgs import OrgShape
from app.rest.routing import Endpoint
from app.rest.shapes import Shape
from app.services import claim, links, sessions
from app.services.sessions import Me


class MembershipShape(Shape):
    """An organisation that a person is in, and their role there."""

    org: OrgShape
    role: Role

    @classmethod
    def of(cls, org: Org, membership: Membership) -> Self:
        """From the rows."""
        return cls(org=OrgShape.of(org), role=membership.role)


class ActorShape(Shape):
    """Who calls."""

    kind: str
    id: str
    name: str


class MeShape(Shape):
    """The person who calls, with their organisations."""

    actor: ActorShape
    email: str
    orgs: list[MembershipShape]

    @classmethod
    def of(cls, me: Me) -> Self:
        """From the rows."""
        return cls(
            actor=ActorShape.model_validate(me.actor.shown()),
            email=me.user.email,
            orgs=[MembershipShape.of(org, membership) for org, membership in me.memberships],
        )


class SessionShape(Shape):
    """A new session: who is signed in now. The secret is in the cookie only."""

    me: MeShape


class ClaimShape(Shape):
    """A claimed instance: who is signed in now, and the first organisation."""

    me: MeShape
    org: OrgShape


async def install_claim(call: Call) -> Response:
    """POST /auth/install-claim."""
    async with call.unit() as uow:
        signed_in, org = await claim.install_claim(uow, call.body)
        me = await sessions.me(uow)
    shape = ClaimShape(me=MeShape.of(me), org=OrgShape.of(org))
    response = json_response(shape.encoded(), 201, {"Location": f"/api/v1/orgs/{org.slug}"})
    set_cookie(call.node, response, signed_in.secret)
    return response


async def redeem_link(call: Call) -> Response:
    """POST /auth/link."""
    async with call.unit() as uow:
        signed_in = await links.redeem(uow, call.body)
        me = await sessions.me(uow)
    response = json_response(SessionShape(me=MeShape.of(me)).encoded())
    set_cookie(call.node, response, signed_in.secret)
    return response


async def get_me(call: Call) -> Response:
    """GET /auth/me."""
    async with call.unit() as uow:
        me = await sessions.me(uow)
    return call.read(MeShape.of(me))


async def logout(call: Call) -> Response:
    """POST /auth/logout."""
    async with call.unit() as uow:
        await sessions.sign_out(uow)
    response = Response(status_code=204)
    clear_cookie(call.node, response)
    return response


ENDPOINTS = [
    Endpoint(
        "POST",
        "/auth/install-claim",
        install_claim,
        "Claim an empty instance",
        takes=claim.InstallClaim,
        gives=ClaimShape,
        status=201,
        public=True,
    ),
    Endpoint(
        "POST",
        "/auth/link",
        redeem_link,
        "Sign in by the secret of a link",
        takes=links.RedeemLink,
        gives=SessionShape,
        public=True,
    ),
    Endpoint("GET", "/auth/me", get_me, "Who you are", gives=MeShape),
    Endpoint("POST", "/auth/logout", logout, "Sign out", takes=NoBody, status=204, public=True),
]
