"""Evaluation and the ruleset it rests on: who may ask, and for what. The answers come from the serving side."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.access.entry import EnvironmentAccess, enter_environment
from app.domain.commands import Command, Key, NoBody, validate
from app.domain.policy import Asked, Operation, sees_rule_names
from app.engine import json_text
from app.engine.evaluation import Evaluation
from app.engine.kinds import Kind
from app.engine.ruleset import Ruleset, document
from app.engine.snapshot import Call
from app.engine.trace import Tracer
from app.store.unit_of_work import UnitOfWork

ALL_KEYS = ["*"]
EVALUABLE = (Kind.FLAG, Kind.CONFIG)
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


class Evaluate(
    Command, json_schema_extra={"examples": [{"context": {"userId": "u-1", "plan": "pro"}, "keys": ["checkout"]}]}
):
    """What to evaluate for whom."""

    context: Annotated[dict[str, Any], AfterValidator(_small)]
    keys: Annotated[list[Key] | None, Field(max_length=MAX_KEYS)] = None
    verbose_reason: bool = False


@dataclass(frozen=True, slots=True)
class Readable:
    """A ruleset, and what of it the caller may read: the keys of flags, None for all."""

    ruleset: Ruleset
    keys: frozenset[str] | None = None

    def encoded(self) -> bytes:
        return self.ruleset.encoded(self.keys)

    def document(self) -> Any:
        """The ruleset document as JSON values."""
        return document(self.ruleset, self.keys)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The answers at one version, by key; an unknown key is None."""

    ruleset: Ruleset
    evaluations: dict[str, Evaluation | None]


async def get_ruleset(uow: UnitOfWork, rulesets: Rulesets, environment_id: str, query: object) -> Readable:
    """The environment's ruleset, as far as the caller may read it. Raises `ruleset_not_cached`.

    There is nothing that `query` may ask for yet; it is refused before the ruleset is looked for.
    """
    access = await enter_environment(uow, environment_id, Operation.READ_STATE)
    validate(NoBody, query)
    await uow.release()
    ruleset = await rulesets.get(access.environment.id)
    return Readable(ruleset, None if access.sees_all else ruleset.needed(_seen(access, ruleset)))


async def evaluate(uow: UnitOfWork, rulesets: Rulesets, environment_id: str, body: object) -> Evaluated:
    """What each flag and config asked for is for the context. Raises `ruleset_not_cached`."""
    access = await enter_environment(uow, environment_id, _operation(body), asked=_asked(body))
    command = validate(Evaluate, body)
    await uow.release()
    ruleset = await rulesets.get(access.environment.id)
    call = ruleset.compiled.call(command.context)
    if command.keys is None or command.keys == ALL_KEYS:
        evaluations = {key: call.evaluate(key) for key in _seen(access, ruleset)}
    else:
        evaluations = {key: call.evaluate(key) if access.sees(Kind.FLAG, key) else None for key in command.keys}
    if not sees_rule_names(uow.actor):
        evaluations = {key: found and _nameless(found) for key, found in evaluations.items()}
    return Evaluated(ruleset, _traced(call, evaluations) if command.verbose_reason else evaluations)


def _seen(access: EnvironmentAccess, ruleset: Ruleset) -> Collection[str]:
    """The keys that the operation covers, in the ruleset's order."""
    if access.sees_all:
        return ruleset.flags.keys()
    return {key: None for key in ruleset.flags if access.sees(Kind.FLAG, key)}.keys()


def _operation(body: object) -> Operation:
    """A trace tells the rules, so it is for those who may read them."""
    traced = isinstance(body, Mapping) and body.get("verboseReason") is True
    return Operation.READ_STATE if traced else Operation.EVALUATE


def _asked(body: object) -> tuple[Asked, ...]:
    """The keys that an unread body names, each where it stands first."""
    named = body.get("keys") if isinstance(body, Mapping) else None
    if not isinstance(named, list) or named == ALL_KEYS:
        return ()
    first = {key: index for index, key in reversed(list(enumerate(named))) if isinstance(key, str)}
    if len(first) == 1:
        return (Asked(EVALUABLE, *first),)
    return tuple(Asked(EVALUABLE, key, f"keys.{index}") for key, index in reversed(first.items()))


def _nameless(found: Evaluation) -> Evaluation:
    return found._replace(reason={name: told for name, told in found.reason.items() if name != "ruleName"})


def _traced(call: Call, evaluations: dict[str, Evaluation | None]) -> dict[str, Evaluation | None]:
    """The same with traces in their reasons."""
    tracer = Tracer(call)
    return {key: found and found._replace(reason=tracer.reason(key, found)) for key, found in evaluations.items()}
