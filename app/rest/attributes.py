"""The context fields that are known in an environment, over REST."""

from typing import Any, Literal

from starlette.responses import Response

from app.domain.operations import Operation
from app.rest.requests import RestCall
from app.rest.responses import read
from app.rest.routing import Endpoint
from app.rest.schemas import Schema
from app.services import attributes
from app.store.unit_of_work import UnitOfWork


class AttributeSchema(Schema):
    """A field of contexts."""

    name: str
    types: list[Literal["array", "boolean", "null", "number", "object", "string"]]
    values: list[Any]
    used: int
    sampled: int


class AttributesSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "version": 3,
                "attributes": [
                    {"name": "plan", "types": ["string"], "values": ["pro"], "used": 2, "sampled": 240},
                    {"name": "userId", "types": [], "values": [], "used": 1, "sampled": 0},
                ],
                "truncated": False,
            }
        ]
    },
):
    """The fields that an environment's rules name, and those that were sampled."""

    version: int
    attributes: list[AttributeSchema]
    truncated: bool


async def get_attributes(call: RestCall, uow: UnitOfWork) -> Response:
    return read(call, AttributesSchema.from_row(await attributes.get_attributes(uow, call.path["env_id"])))


ENDPOINTS = [
    Endpoint(
        "getAttributes",
        "GET",
        "/envs/{env_id}/attributes",
        get_attributes,
        "The context fields that are known in an environment",
        Operation.READ_STATE,
        response=AttributesSchema,
    )
]
