"""Promotion of many states at once over REST. That of one is a route of its kind."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import orjson
from starlette.responses import Response

from app.domain.operations import Operation
from app.engine.kinds import SPECS, Kind
from app.models import Proposal
from app.rest.configs import ConfigStateSchema
from app.rest.environment_diff import DifferenceSchema, bodies_of
from app.rest.flags import FlagStateSchema
from app.rest.primitives import StateSchema
from app.rest.proposals import proposed
from app.rest.requests import RestCall
from app.rest.responses import json_response
from app.rest.routing import Endpoint
from app.rest.schemas import Schema
from app.rest.segments import SegmentStateSchema
from app.services.promotion import Promote, Promotion, promote
from app.services.proposals import open_on
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

_SCHEMAS: dict[Kind, type[StateSchema]] = {
    Kind.FLAG: FlagStateSchema,
    Kind.CONFIG: ConfigStateSchema,
    Kind.SEGMENT: SegmentStateSchema,
}


class NeedsSchema(Schema, json_schema_extra={"examples": [{"flags": [], "configs": [], "segments": ["staff"]}]}):
    """The keys of segments and prerequisites that what is promoted rests on, and that differ, too."""

    flags: list[str]
    configs: list[str]
    segments: list[str]


class PromotionSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "version": 3,
                "differences": [
                    {
                        "resourceType": "flag",
                        "key": "checkout",
                        "dimension": "defaultValue",
                        "value": False,
                        "againstValue": True,
                    }
                ],
                "needs": {"flags": [], "configs": [], "segments": ["staff"]},
            }
        ]
    },
):
    """The states that were promoted; or, with `dryRun`, what would change."""

    version: int
    flags: list[FlagStateSchema] | None = None
    configs: list[ConfigStateSchema] | None = None
    segments: list[SegmentStateSchema] | None = None
    differences: list[DifferenceSchema] | None = None
    needs: NeedsSchema | None = None


async def handle_promote(call: RestCall, uow: UnitOfWork) -> Response:
    promotion = await promote(uow, call.path["env_id"], call.input, call.if_match)
    if isinstance(promotion, Proposal):
        return await proposed(uow, promotion)
    current = promotion.states or ()
    waiting = await open_on(uow, [one.state for one in current])
    body = await uow.host.off_loop(lambda: _encoded(promotion, current, waiting))
    return json_response(body, headers={"ETag": promotion.etag})


def _encoded(promotion: Promotion, current: Sequence[Current], waiting: Sequence[int]) -> bytes:
    body: dict[str, Any] = {"version": promotion.version}
    if promotion.states is not None:
        shown = defaultdict[Kind, list[Any]](list)
        for one, number in zip(current, waiting, strict=True):
            kind = one.primitive.kind
            shown[kind].append(_SCHEMAS[kind].from_current(one, number).body())
        body |= {spec.plural: shown[kind] for kind, spec in SPECS.items()}
    if promotion.differences is not None:
        body["differences"] = bodies_of(promotion.differences)
    if promotion.needs is not None:
        body["needs"] = {SPECS[kind].plural: keys for kind, keys in promotion.needs.items()}
    return orjson.dumps(body)


ENDPOINTS = [
    Endpoint(
        "promote",
        "POST",
        "/envs/{env_id}/promote",
        handle_promote,
        "Take over states from another environment",
        Operation.PROMOTE,
        Promote,
        PromotionSchema,
        headers=("ETag",),
    )
]
