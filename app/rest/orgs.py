"""Organisations over REST."""

from starlette.responses import Response

from app.domain.policy import Operation
from app.rest.calls import Call
from app.rest.routing import Endpoint
from app.rest.shapes import OrgShape
from app.services import orgs
from app.services.etags import row_etag


async def create_org(call: Call) -> Response:
    """POST /orgs."""
    async with call.unit() as uow:
        org = await orgs.create_org(uow, call.body)
    return call.created(OrgShape.of(org), f"/api/v1/orgs/{org.slug}", row_etag(org))


async def list_orgs(call: Call) -> Response:
    """GET /orgs."""
    async with call.unit() as uow:
        page = await orgs.list_orgs(uow, call.listing())
    return call.page(page, lambda org: org.id, OrgShape.of)


async def get_org(call: Call) -> Response:
    """GET /orgs/{slug}."""
    async with call.unit() as uow:
        org = await orgs.get_org(uow, call.path["slug"])
    return call.read(OrgShape.of(org), row_etag(org))


async def update_org(call: Call) -> Response:
    """PATCH /orgs/{slug}."""
    async with call.unit() as uow:
        org = await orgs.update_org(uow, call.path["slug"], call.body, call.if_match)
    return call.written(OrgShape.of(org), row_etag(org))


ENDPOINTS = [
    Endpoint("GET", "/orgs", list_orgs, "The organisations you are in", gives=OrgShape, many=True),
    Endpoint(
        "POST",
        "/orgs",
        create_org,
        "Create an organisation",
        Operation.CREATE_ORG,
        orgs.CreateOrg,
        OrgShape,
        201,
    ),
    Endpoint("GET", "/orgs/{slug}", get_org, "An organisation", Operation.READ_ORG, gives=OrgShape),
    Endpoint(
        "PATCH",
        "/orgs/{slug}",
        update_org,
        "Change an organisation",
        Operation.UPDATE_ORG,
        orgs.UpdateOrg,
        OrgShape,
    ),
]
