"""How often flags and configs are evaluated in an environment, over REST."""

from typing import Any, Self

from starlette.responses import Response

from app.access.paging import UsageParameters
from app.domain.operations import Operation
from app.domain.usage import StaleReason
from app.engine.kinds import Kind
from app.rest.openapi.samples import ENVIRONMENT_ID, FLAG_ID, MORNING, NOON
from app.rest.requests import RestCall
from app.rest.responses import page
from app.rest.routing import Endpoint
from app.rest.schemas import Schema, Time
from app.services import usage
from app.services.usage import KeyUsage
from app.store.unit_of_work import UnitOfWork

_DAY = "2026-03-02T00:00:00.000000Z"
_OUTCOME = {
    "reason": {"kind": "default"},
    "value": False,
    "valueOmitted": False,
    "count": 1200,
    "share": 1.0,
    "lastEvaluatedAt": NOON,
}


class OutcomeUsageSchema(Schema):
    """How often one outcome was had. The value is null where it is long, or where the outcome stands for the rest of
    very many: `valueOmitted` says so."""

    reason: dict[str, Any]
    value: Any
    value_omitted: bool
    count: int
    share: float
    last_evaluated_at: Time


class UsagePointSchema(Schema):
    """How many evaluations there were in the hour or day that begins then."""

    starts_at: Time
    count: int


class StalenessSchema(Schema):
    """Whether it is of no use any more, why, since when, and what to do about it."""

    stale: bool
    reason: StaleReason | None
    since: Time | None
    days: int | None
    advice: str | None


class UsageSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "environmentId": ENVIRONMENT_ID,
                "primitiveId": FLAG_ID,
                "kind": "flag",
                "key": "checkout",
                "total": 1200,
                "firstEvaluatedAt": MORNING,
                "lastEvaluatedAt": NOON,
                "outcomes": [_OUTCOME],
                "series": [{"startsAt": _DAY, "count": 1200}],
                "stale": {"stale": False, "reason": None, "since": None, "days": None, "advice": None},
            }
        ]
    },
):
    """How often a flag or config was evaluated, by outcome and by hour or day, and whether it is stale.

    The totals are of the span that was asked for; `firstEvaluatedAt` and `lastEvaluatedAt` are of all time.
    """

    environment_id: str
    primitive_id: str
    kind: Kind
    key: str
    total: int
    first_evaluated_at: Time | None
    last_evaluated_at: Time | None
    outcomes: list[OutcomeUsageSchema]
    series: list[UsagePointSchema]
    stale: StalenessSchema

    @classmethod
    def from_row(cls, row: KeyUsage) -> Self:
        return cls(
            environment_id=row.environment_id,
            primitive_id=row.primitive.id,
            kind=row.primitive.kind,
            key=row.primitive.key,
            total=row.total,
            first_evaluated_at=row.first_evaluated_at,
            last_evaluated_at=row.last_evaluated_at,
            outcomes=[OutcomeUsageSchema.from_row(one) for one in row.outcomes],
            series=[UsagePointSchema.from_row(one) for one in row.series],
            stale=StalenessSchema.from_row(row.stale),
        )


async def list_usage(call: RestCall, uow: UnitOfWork) -> Response:
    found = await usage.list_usage(uow, call.path["env_id"], call.listing())
    return page(call, found, lambda row: row.primitive.id, UsageSchema.from_row)


ENDPOINTS = [
    Endpoint(
        "listUsage",
        "GET",
        "/envs/{env_id}/usage",
        list_usage,
        "How often an environment's flags and configs are evaluated",
        Operation.READ_STATE,
        response=UsageSchema,
        is_list=True,
        query=UsageParameters,
    )
]
