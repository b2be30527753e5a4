"""The ruleset and evaluation over REST."""

from typing import Annotated, Any, Self

from pydantic import Field
from starlette.responses import Response

from app.domain.evaluation import CompiledRuleset
from app.domain.evaluation import Evaluation as Evaluated
from app.domain.policy import Operation
from app.rest.calls import Call, body_etag, json_response
from app.rest.routing import Endpoint
from app.rest.shapes import Shape
from app.services import evaluation


class RulesetShape(Shape):
    """All states of an environment at one version."""

    environment_id: str
    version: int
    target_id_field: str
    flags: dict[str, Any]
    configs: dict[str, Any]
    segments: dict[str, Any]

    @classmethod
    def of(cls, ruleset: CompiledRuleset) -> Self:
        """From the snapshot."""
        return cls.model_validate(ruleset.document())


class EvaluationShape(Shape):
    """What a key is for the context, and why."""

    value: Any
    default_value: Any
    reason: dict[str, Any]


class EvaluationsShape(Shape):
    """What the keys are; null for an unknown one."""

    environment_id: str
    version: int
    evaluations: Annotated[dict[str, EvaluationShape | None], Field(description="By key.")]

    @classmethod
    def of(cls, ruleset: CompiledRuleset, evaluations: dict[str, Evaluated | None]) -> Self:
        """From the snapshot's answers."""
        return cls(
            environment_id=ruleset.environment_id,
            version=ruleset.version,
            evaluations={
                key: None
                if found is None
                else EvaluationShape(value=found.value, default_value=found.default_value, reason=found.reason)
                for key, found in evaluations.items()
            },
        )


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
