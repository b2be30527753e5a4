"""The ruleset and evaluation over REST."""

from typing import Annotated, Any

from pydantic import Field
from starlette.responses import Response

from app.domain.operations import Operation
from app.engine.answers import answer, members_by_key
from app.engine.kinds import ConfigType, FlagType
from app.engine.rules import RULES_EXAMPLE
from app.rest.openapi.samples import ENVIRONMENT_ID
from app.rest.requests import RestCall
from app.rest.responses import json_response, shared
from app.rest.routing import Endpoint
from app.rest.schemas import Schema
from app.services import evaluation
from app.store.unit_of_work import UnitOfWork


class RulesetFlagSchema(Schema):
    """A flag as a ruleset has it."""

    type: FlagType
    default_value: Any
    killed: bool
    rules: list[Any]


class RulesetConfigSchema(Schema):
    """A config as a ruleset has it."""

    type: ConfigType
    default_value: Any
    rules: list[Any]


class RulesetSegmentSchema(Schema):
    """A segment as a ruleset has it."""

    rules: list[Any]
    allow_list: list[str]
    deny_list: list[str]


class RemovedKeysSchema(Schema):
    """Keys that the ruleset of the earlier version had, and this one has not."""

    flags: list[str]
    configs: list[str]
    segments: list[str]


class RulesetSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "environmentId": ENVIRONMENT_ID,
                "version": 3,
                "targetIdField": "userId",
                "flags": {
                    "checkout": {"type": "boolean", "defaultValue": False, "killed": False, "rules": RULES_EXAMPLE}
                },
                "configs": {},
                "segments": {},
            }
        ]
    },
):
    """All states of an environment at one version, or with `since` those that are others than at that version."""

    environment_id: str
    version: int
    target_id_field: str
    since: int | None = None
    removed: RemovedKeysSchema | None = None
    flags: dict[str, RulesetFlagSchema]
    configs: dict[str, RulesetConfigSchema]
    segments: dict[str, RulesetSegmentSchema]


class EvaluationSchema(Schema):
    """The value of a key for the context, and the reason."""

    value: Any
    default_value: Any
    reason: dict[str, Any]


class EvaluationsSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "environmentId": ENVIRONMENT_ID,
                "version": 3,
                "evaluations": {
                    "checkout": {
                        "value": True,
                        "defaultValue": False,
                        "reason": {"kind": "rule_match", "ruleIndex": 0, "ruleName": "half of the pro plan"},
                    }
                },
            }
        ]
    },
):
    """The evaluations; null for an unknown key."""

    environment_id: str
    version: int
    evaluations: Annotated[dict[str, EvaluationSchema | None], Field(description="By key.")]


async def get_ruleset(call: RestCall, uow: UnitOfWork) -> Response:
    readable = await evaluation.get_ruleset(uow, call.path["env_id"], call.input, call.min_version)
    encoded = await call.node.rulesets.encoded(readable.ruleset, readable.part)
    return await shared(call, encoded, of_caller=True)


async def evaluate(call: RestCall, uow: UnitOfWork) -> Response:
    answers = await evaluation.evaluate(uow, call.path["env_id"], call.input, call.min_version)

    def encode() -> bytes:
        return answer(answers.ruleset.compiled, members_by_key(answers.evaluations, names=True))

    return json_response(await call.node.off_loop(encode) if len(answers.evaluations) > evaluation.MANY else encode())


ENDPOINTS = [
    Endpoint(
        "getRuleset",
        "GET",
        "/envs/{env_id}/ruleset",
        get_ruleset,
        "An environment's ruleset",
        Operation.READ_STATE,
        response=RulesetSchema,
        query=evaluation.RulesetParameters,
        errors=("ruleset_not_cached",),
        headers=("Encoding",),
        takes=("MinVersion",),
    ),
    Endpoint(
        "evaluate",
        "POST",
        "/envs/{env_id}/evaluate",
        evaluate,
        "Evaluate flags and configs for a context",
        Operation.EVALUATE,
        evaluation.Evaluate,
        EvaluationsSchema,
        errors=("ruleset_not_cached",),
        allow_duplicate_keys=True,
        takes=("MinVersion",),
    ),
]
