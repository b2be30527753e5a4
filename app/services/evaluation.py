"""Evaluation and the ruleset it rests on: who may ask, and for what. The answers come from the serving side."""

from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.domain import json_text
from app.domain.compiled import Call
from app.domain.inputs import Command, validate
from app.domain.outcomes import Evaluation
from app.domain.policy import Operation
from app.domain.ruleset import Ruleset
from app.domain.trace import Tracer
from app.services.access import enter_environment
from app.store.unit_of_work import UnitOfWork

ALL_KEYS = ["*"]
MAX_KEYS = 1000
MAX_CONTEXT_BYTES = 64 * 1024


class Rulesets(Protocol):
    """Where compiled rulesets come from."""

    async def get(self, environment_id: str) -> Ruleset:
        """The environment's present ruleset. Raises `ruleset_not_cached` at version 0."""


def _small(context: dict[str, Any]) -> dict[str, Any]:
    if len(json_text.encode(context).encode()) > MAX_CONTEXT_BYTES:
        raise PydanticCustomError("context", f"Must be at most {MAX_CONTEXT_BYTES // 1024} KiB of JSON.")
    return context


class Evaluate(Command):
    """What to evaluate for whom."""

    context: Annotated[dict[str, Any], AfterValidator(_small)]
    keys: Annotated[list[str] | None, Field(max_length=MAX_KEYS)] = None
    verbose_reason: bool = False


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The answers at one version, by key; an unknown key is None."""

    ruleset: Ruleset
    evaluations: dict[str, Evaluation | None]


async def get_ruleset(uow: UnitOfWork, rulesets: Rulesets, environment_id: str) -> Ruleset:
    """The environment's ruleset. Raises `ruleset_not_cached`."""
    access = await enter_environment(uow, environment_id, Operation.READ_STATE)
    return await rulesets.get(access.environment.id)


async def evaluate(uow: UnitOfWork, rulesets: Rulesets, environment_id: str, body: object) -> Evaluated:
    """What each flag and config asked for is for the context. Raises `ruleset_not_cached`."""
    access = await enter_environment(uow, environment_id, Operation.EVALUATE)
    command = validate(Evaluate, body)
    ruleset = await rulesets.get(access.environment.id)
    asked = command.keys
    keys = list(ruleset.flags) if asked is None or asked == ALL_KEYS else list(dict.fromkeys(asked))
    call = ruleset.compiled.call(command.context)
    evaluations = {key: call.evaluate(key) for key in keys}
    return Evaluated(ruleset, _traced(call, evaluations) if command.verbose_reason else evaluations)


def _traced(call: Call, evaluations: dict[str, Evaluation | None]) -> dict[str, Evaluation | None]:
    """The same with traces in their reasons."""
    tracer = Tracer(call)
    return {key: found and found._replace(reason=tracer.reason(key, found)) for key, found in evaluations.items()}
