"""What differs between two environments, over REST."""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.responses import Response

from app.access.etags import body_etag
from app.domain.operations import Operation
from app.engine.kinds import Kind
from app.rest.requests import RestCall
from app.rest.responses import tagged
from app.rest.routing import Endpoint
from app.rest.schemas import Schema
from app.services.environment_diff import Diff, Difference, DiffParameters, get_environment_diff
from app.store.unit_of_work import UnitOfWork


class DifferenceSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "resourceType": "flag",
                "key": "checkout",
                "dimension": "defaultValue",
                "value": False,
                "againstValue": True,
            }
        ]
    },
):
    """What two environments hold differently of a flag, config or segment."""

    resource_type: Kind
    key: str
    dimension: str
    value: Any
    against_value: Any


class EnvironmentDiffSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "version": 3,
                "againstVersion": 7,
                "differences": [
                    {
                        "resourceType": "flag",
                        "key": "checkout",
                        "dimension": "defaultValue",
                        "value": False,
                        "againstValue": True,
                    },
                    {
                        "resourceType": "segment",
                        "key": "staff",
                        "dimension": "allowList",
                        "value": {"add": ["u-17"], "remove": []},
                        "againstValue": {"add": [], "remove": ["u-17"]},
                    },
                ],
            }
        ]
    },
):
    """What differs between two environments of a project."""

    version: int
    against_version: int
    differences: list[DifferenceSchema]


async def get_diff(call: RestCall, uow: UnitOfWork) -> Response:
    diff = await get_environment_diff(uow, call.path["env_id"], call.input)
    body = await uow.host.off_loop(lambda: _encoded(diff))
    return tagged(call, body, body_etag(body))


def _encoded(diff: Diff) -> bytes:
    members = {"version": diff.version, "againstVersion": diff.against_version}
    return orjson.dumps({**members, "differences": bodies_of(diff.differences)})


def bodies_of(differences: Sequence[Difference]) -> list[dict[str, Any]]:
    """As `DifferenceSchema` says, without the time that it takes."""
    return [
        {
            "resourceType": one.kind.value,
            "key": one.key,
            "dimension": one.dimension,
            "value": one.value,
            "againstValue": one.against,
        }
        for one in differences
    ]


ENDPOINTS = [
    Endpoint(
        "getEnvironmentDiff",
        "GET",
        "/envs/{env_id}/diff",
        get_diff,
        "What differs from another environment",
        Operation.READ_STATE,
        response=EnvironmentDiffSchema,
        query=DiffParameters,
    )
]
