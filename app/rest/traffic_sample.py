"""What an environment samples of its traffic, over REST."""

from functools import partial
from typing import Any

from starlette.responses import Response

from app.domain.operations import Operation
from app.rest.openapi.samples import ADA_ID, MORNING, NOON
from app.rest.requests import RestCall
from app.rest.responses import no_content, read, written
from app.rest.routing import Endpoint
from app.rest.schemas import ActorSchema, Schema, Time
from app.services import traffic_sample
from app.store import json_columns
from app.store.unit_of_work import UnitOfWork

_PATH = "/envs/{env_id}/traffic-sample"


class TrafficSampleSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "size": 250,
                "fields": ["userId", "plan"],
                "count": 2,
                "oldestAt": NOON,
                "contexts": [{"userId": "u-1", "plan": "pro"}, {"userId": "u-2"}],
                "updatedAt": MORNING,
                "updatedBy": {"kind": "member", "id": ADA_ID, "name": "Ada"},
            }
        ]
    },
):
    """What an environment keeps of contexts that were really evaluated in the last 24 hours."""

    size: int
    fields: list[str]
    count: int
    oldest_at: Time | None
    contexts: list[dict[str, Any]]
    updated_at: Time | None
    updated_by: ActorSchema | None

    @classmethod
    def shown(cls, kept: traffic_sample.Kept, limit: int) -> "TrafficSampleSchema":
        row = kept.row
        return cls(
            size=kept.size,
            fields=kept.fields,
            count=len(kept.contexts),
            oldest_at=kept.oldest_at,
            contexts=[json_columns.value(one.context) for one in kept.newest(limit)],
            updated_at=None if row is None else row.updated_at,
            updated_by=None if row is None else ActorSchema.model_validate(row.updated_by),
        )


async def get_traffic_sample(call: RestCall, uow: UnitOfWork) -> Response:
    kept, limit = await traffic_sample.get_traffic_sample(uow, call.path["env_id"], call.input)
    await uow.release()
    shown = await uow.host.off_loop(partial(TrafficSampleSchema.shown, kept, limit))
    return read(call, shown, kept.shown_etag(limit))


async def set_traffic_sample(call: RestCall, uow: UnitOfWork) -> Response:
    kept = await traffic_sample.set_traffic_sample(uow, call.path["env_id"], call.input, call.if_match)
    shown = TrafficSampleSchema.shown(kept, traffic_sample.SHOWN)
    return written(shown, kept.shown_etag(traffic_sample.SHOWN))


async def delete_traffic_sample(call: RestCall, uow: UnitOfWork) -> Response:
    await traffic_sample.delete_traffic_sample(uow, call.path["env_id"], call.input, call.if_match)
    return no_content()


ENDPOINTS = [
    Endpoint(
        "getTrafficSample",
        "GET",
        _PATH,
        get_traffic_sample,
        "An environment's traffic sample",
        Operation.READ_ENVIRONMENT,
        response=TrafficSampleSchema,
        query=traffic_sample.SampleParameters,
    ),
    Endpoint(
        "setTrafficSample",
        "PUT",
        _PATH,
        set_traffic_sample,
        "Set what an environment samples of its traffic",
        Operation.SET_TRAFFIC_SAMPLE,
        traffic_sample.SetTrafficSample,
        TrafficSampleSchema,
    ),
    Endpoint(
        "deleteTrafficSample",
        "DELETE",
        _PATH,
        delete_traffic_sample,
        "Delete an environment's traffic sample",
        Operation.SET_TRAFFIC_SAMPLE,
        traffic_sample.DeleteTrafficSample,
        status=204,
    ),
]
