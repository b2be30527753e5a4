"""An environment's spot-checks over REST."""

from typing import Any

from starlette.responses import Response

from app.domain.operations import Operation
from app.rest.openapi.samples import ADA_ID, MORNING
from app.rest.requests import RestCall
from app.rest.responses import read, written
from app.rest.routing import Endpoint
from app.rest.schemas import ActorSchema, Schema, Time
from app.services import spot_checks
from app.store import json_columns
from app.store.unit_of_work import UnitOfWork

_PATH = "/envs/{env_id}/spot-checks"


class SpotChecksSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "contexts": [{"userId": "u-1", "plan": "pro"}, {"userId": "u-2"}],
                "updatedAt": MORNING,
                "updatedBy": {"kind": "member", "id": ADA_ID, "name": "Ada"},
            }
        ]
    },
):
    """The contexts that an environment keeps, to show what a proposed change would do to them."""

    contexts: list[dict[str, Any]]
    updated_at: Time | None
    updated_by: ActorSchema | None

    @classmethod
    def from_row(cls, kept: spot_checks.Kept) -> "SpotChecksSchema":
        row = kept.row
        return cls(
            contexts=json_columns.value(kept.contexts),
            updated_at=None if row is None else row.updated_at,
            updated_by=None if row is None else ActorSchema.model_validate(row.updated_by),
        )


async def get_spot_checks(call: RestCall, uow: UnitOfWork) -> Response:
    kept = await spot_checks.get_spot_checks(uow, call.path["env_id"])
    return read(call, SpotChecksSchema.from_row(kept), kept.etag)


async def set_spot_checks(call: RestCall, uow: UnitOfWork) -> Response:
    kept = await spot_checks.set_spot_checks(uow, call.path["env_id"], call.input, call.if_match)
    return written(SpotChecksSchema.from_row(kept), kept.etag)


ENDPOINTS = [
    Endpoint(
        "getSpotChecks",
        "GET",
        _PATH,
        get_spot_checks,
        "An environment's spot-checks",
        Operation.READ_ENVIRONMENT,
        response=SpotChecksSchema,
    ),
    Endpoint(
        "setSpotChecks",
        "PUT",
        _PATH,
        set_spot_checks,
        "Set an environment's spot-checks",
        Operation.SET_SPOT_CHECKS,
        spot_checks.SetSpotChecks,
        SpotChecksSchema,
    ),
]
