"""The ruleset and evaluation over REST."""

from starlette.responses import Response

from app.domain.policy import Operation
from app.rest.calls import Call, body_etag, json_response
from app.rest.routing import Endpoint
from app.rest.shapes import EvaluationsShape, RulesetShape
from app.services import evaluation


async def get_ruleset(call: Call) -> Response:
    """GET /envs/{id}/ruleset."""
    async with call.unit() as uow:
        ruleset = await evaluation.get_ruleset(uow, call.node.rulesets, call.path["env_id"])
    shape = RulesetShape.of(ruleset)
    return call.read(shape, body_etag(shape.encoded()))


async def evaluate(call: Call) -> Response:
    """POST /envs/{id}/evaluate."""
    async with call.unit() as uow:
        answers = await evaluation.evaluate(uow, call.node.rulesets, call.path["env_id"], call.body)
    return json_response(EvaluationsShape.of(*answers).encoded())


ENDPOINTS = [
    Endpoint(
        "GET",
        "/envs/{env_id}/ruleset",
        get_ruleset,
        "An environment's ruleset",
        Operation.READ_STATE,
        gives=RulesetShape,
    ),
    Endpoint(
        "POST",
        "/envs/{env_id}/evaluate",
        evaluate,
        "Evaluate flags for a context",
        Operation.EVALUATE,
        evaluation.Evaluate,
        EvaluationsShape,
    ),
]
