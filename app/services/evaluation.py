"""Evaluation and the ruleset it rests on: who may ask, and for what. The answers come from the serving side."""

from typing import Annotated, Any, Protocol

from pydantic import Field

from app.domain.evaluation import CompiledRuleset, Evaluation
from app.domain.inputs import Command, validate
from app.domain.policy import Operation
from app.services.access import enter_environment
from app.store.unit_of_work import UnitOfWork

ALL_KEYS = ["*"]
MAX_KEYS = 1000


class Rulesets(Protocol):
    """Where compiled rulesets come from."""

    async def get(self, environment_id: str) -> CompiledRuleset:
        """The environment's present ruleset. Raises `ruleset_not_cached` at version 0."""


class Evaluate(Command):
    """What to evaluate for whom."""

    context: dict[str, Any]
    keys: Annotated[list[str] | None, Field(max_length=MAX_KEYS)] = None


async def get_ruleset(uow: UnitOfWork, rulesets: Rulesets, environment_id: str) -> CompiledRuleset:
    """The environment's ruleset. Raises `ruleset_not_cached`."""
    access = await enter_environment(uow, environment_id, Operation.READ_STATE)
    return await rulesets.get(access.environment.id)


async def evaluate(
    uow: UnitOfWork, rulesets: Rulesets, environment_id: str, body: object
) -> tuple[CompiledRuleset, dict[str, Evaluation | None]]:
    """What each flag and config asked for is for the context; an unknown key is None. Raises `ruleset_not_cached`."""
    access = await enter_environment(uow, environment_id, Operation.EVALUATE)
    command = validate(Evaluate, body)
    ruleset = await rulesets.get(access.environment.id)
    asked = command.keys
    keys = list(ruleset.keys()) if asked is None or asked == ALL_KEYS else list(dict.fromkeys(asked))
    return ruleset, {key: ruleset.evaluate(key, command.context) for key in keys}
