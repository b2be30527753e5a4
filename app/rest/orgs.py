"""Organisations over REST."""

from starlette.responses import Response

from app.access import confirmation
from app.access.etags import row_etag
from app.access.paging import ListParameters
from app.domain.operations import Operation
from app.rest.openapi.samples import CHANGED, ORG_ID
from app.rest.requests import RestCall
from app.rest.responses import created, no_content, page, read, written
from app.rest.routing import Endpoint
from app.rest.schemas import Schema, Time
from app.services import orgs
from app.store.unit_of_work import UnitOfWork

ORG_EXAMPLE = {
    "id": ORG_ID,
    "slug": "acme",
    "name": "Acme",
    "defaultTargetIdField": None,
    "maxRateLimitPerMin": 600_000,
    **CHANGED,
}


class OrgSchema(Schema, json_schema_extra={"examples": [ORG_EXAMPLE]}):
    """An organisation."""

    id: str
    slug: str
    name: str
    default_target_id_field: str | None
    max_rate_limit_per_min: int
    created_at: Time
    updated_at: Time


async def create_org(call: RestCall, uow: UnitOfWork) -> Response:
    org = await orgs.create_org(uow, call.input)
    return created(OrgSchema.from_row(org), f"/api/v1/orgs/{org.slug}", row_etag(org))


async def list_orgs(call: RestCall, uow: UnitOfWork) -> Response:
    found = await orgs.list_orgs(uow, call.listing())
    return page(call, found, lambda org: org.id, OrgSchema.from_row)


async def get_org(call: RestCall, uow: UnitOfWork) -> Response:
    org = await orgs.get_org(uow, call.path["slug"])
    return read(call, OrgSchema.from_row(org), row_etag(org))


async def update_org(call: RestCall, uow: UnitOfWork) -> Response:
    org = await orgs.update_org(uow, call.path["slug"], call.input, call.if_match)
    return written(OrgSchema.from_row(org), row_etag(org))


async def delete_org(call: RestCall, uow: UnitOfWork) -> Response:
    await orgs.delete_org(uow, call.path["slug"], call.input, call.if_match)
    return no_content()


ENDPOINTS = [
    Endpoint(
        "listOrgs",
        "GET",
        "/orgs",
        list_orgs,
        "The organisations you are in",
        Operation.READ_ORG,
        response=OrgSchema,
        is_list=True,
        query=ListParameters,
    ),
    Endpoint(
        "createOrg",
        "POST",
        "/orgs",
        create_org,
        "Create an organisation",
        Operation.CREATE_ORG,
        orgs.CreateOrg,
        OrgSchema,
        201,
        errors=("slug_unavailable",),
    ),
    Endpoint("getOrg", "GET", "/orgs/{slug}", get_org, "An organisation", Operation.READ_ORG, response=OrgSchema),
    Endpoint(
        "updateOrg",
        "PATCH",
        "/orgs/{slug}",
        update_org,
        "Change an organisation",
        Operation.UPDATE_ORG,
        orgs.UpdateOrg,
        OrgSchema,
        extra_operations=(Operation.SET_TARGET_ID_FIELD,),
    ),
    Endpoint(
        "deleteOrg",
        "DELETE",
        "/orgs/{slug}",
        delete_org,
        "Delete an organisation with all below it",
        Operation.DELETE_ORG,
        confirmation.Delete,
        status=204,
    ),
]
