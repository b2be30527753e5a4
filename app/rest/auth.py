"""Claiming the instance, who am I, and signing out over REST."""

from starlette.responses import Response

from app.domain.inputs import NoBody
from app.middleware.authentication import clear_cookie, set_cookie
from app.rest.calls import Call, json_response
from app.rest.routing import Endpoint
from app.rest.shapes import ClaimShape, MeShape, OrgShape, SessionShape
from app.services import claim, links, sessions


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
