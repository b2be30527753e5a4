"""Evaluation and the ruleset it rests on: who may ask, and for what. The answers come from memory."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.access.entry import Entry
from app.domain.actors import Token
from app.domain.commands import Command, Instant, Key, validate
from app.domain.errors import invalid
from app.domain.named import ALL_KEYS, Keys, Needs, named_in
from app.domain.operations import Operation
from app.domain.policy import sees_rule_names
from app.domain.preconditions import ANY_VERSION, MinVersion
from app.engine import json_text
from app.engine.differences import difference
from app.engine.evaluation import Evaluation, nameless
from app.engine.kinds import Kind
from app.engine.ruleset import WHOLE, Part, Ruleset, document
from app.engine.snapshot import EvaluationCall
from app.engine.trace import Tracer
from app.engine.work import MAX_COMPARISONS, MAX_CONTEXT_BYTES, TooLong, TooManyComparisons
from app.services.time_travel import ruleset_at
from app.store import rulesets
from app.store.unit_of_work import UnitOfWork

T = TypeVar("T")
EVALUABLE = (Kind.FLAG, Kind.CONFIG)
Evaluations = dict[str, Evaluation | None]
"""By key; an unknown key is None."""
MAX_KEYS = 1000
MAX_CONTEXTS = 100  # to try changes on
NEVER_TOO_LARGE = MAX_CONTEXT_BYTES // 8
"""A body of so many bytes has no context above the limit: the compact text of a number may be longer than what was
written (1e15), but not as many times."""
_PLAIN = frozenset({"context", "keys"})
STEPS = 20_000
"""Conditions that an evaluation may look at, some milliseconds of them, before it goes on off the event loop."""
MANY = 1_000
"""Evaluations that are put into text at once; more are so off the event loop."""
TOO_MANY_COMPARISONS = (
    f"The rules would compare more than {MAX_COMPARISONS:,} members of arrays with it, long texts included. "
    "Send shorter arrays and texts, or ask for fewer keys."
)


def _small(context: dict[str, Any]) -> dict[str, Any]:
    if len(json_text.dump(context)) > MAX_CONTEXT_BYTES:
        raise PydanticCustomError("context", f"Must be at most {MAX_CONTEXT_BYTES // 1024} KiB of JSON.")
    return context


Context = Annotated[dict[str, Any], AfterValidator(_small)]
Contexts = Annotated[list[Context], Field(max_length=MAX_CONTEXTS)]


class RulesetParameters(Command):
    """What of a ruleset is asked for. In a query it comes as text, so it is read leniently."""

    model_config = ConfigDict(strict=False)

    since: Annotated[
        int | None,
        Field(
            ge=0,
            description="Only what has changed since this version of the environment, with what was removed. "
            "Everything if that version is not known.",
        ),
    ] = None


class Evaluate(
    Command, json_schema_extra={"examples": [{"context": {"userId": "u-1", "plan": "pro"}, "keys": ["checkout"]}]}
):
    """What to evaluate for whom."""

    context: Context
    keys: Annotated[list[Key] | None, Field(max_length=MAX_KEYS), Keys(EVALUABLE, many=True)] = None
    # A trace shows the rules, so it is for those who may read them.
    verbose_reason: Annotated[bool, Needs(Operation.READ_STATE, when=(True,))] = False
    as_of: Annotated[Instant | None, Needs(Operation.READ_STATE)] = None


def is_small(context: dict[str, Any], size: int) -> bool:
    """Whether the context of a body of so many bytes is below the limit."""
    return size <= NEVER_TOO_LARGE or len(json_text.dump(context)) <= MAX_CONTEXT_BYTES


def keys_in(given: list[str] | None) -> list[str] | None:
    """The keys that a body asks for; None for all."""
    return None if given == ALL_KEYS else given


def read_plain_body(body: Any, size: int) -> tuple[dict[str, Any], list[str] | None] | None:
    """The context and the keys of a body of so many bytes that asks for nothing else and has no fault. No keys: all.

    None for all others, which take a command to be read.
    """
    if type(body) is not dict or not body.keys() <= _PLAIN or type(context := body.get("context")) is not dict:
        return None
    if not is_small(context, size):
        return None
    keys = body.get("keys")
    if keys is not None:
        if type(keys) is not list or len(keys) > MAX_KEYS:
            return None
        for key in keys:
            if type(key) is not str or "\0" in key:
                return None
    return context, keys_in(keys)


@dataclass(frozen=True, slots=True)
class Readable:
    """A ruleset, and the part of it that the caller may read and has not yet."""

    ruleset: Ruleset
    part: Part = WHOLE

    def document(self) -> Any:
        """The ruleset document as JSON values."""
        return document(self.ruleset, self.part)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The answers at one version, by key; an unknown key is None."""

    ruleset: Ruleset
    evaluations: dict[str, Evaluation | None]


async def get_ruleset(
    uow: UnitOfWork, environment_id: str, query: object, min_version: MinVersion = ANY_VERSION
) -> Readable:
    """The environment's ruleset, as far as the caller may read it, or what has become of it since a version.

    Raises `ruleset_not_cached`, and `unavailable` if it does not reach the version that is asked for.
    """
    access = await Entry.of_environment(environment_id, Operation.READ_STATE).enter(uow)
    faults: dict[str, str] = {}
    reached = min_version.parse(faults)
    since = validate(RulesetParameters, query, faults).since
    await uow.release()  # what is read below is read after the ruleset, and so not older
    ruleset = await uow.host.rulesets.get(access.environment.id, reached)
    sees = None if access.sees_all else access.sees
    if since == ruleset.version:
        return Readable(ruleset, Part(frozenset(), since))
    if since is not None and (part := await changed_since(uow, ruleset, since, sees)) is not None:
        return Readable(ruleset, part)
    return Readable(ruleset, await uow.host.rulesets.readable(ruleset, access.resources))


async def changed_since(
    uow: UnitOfWork, ruleset: Ruleset, since: int, sees: Callable[[Kind, str], bool] | None
) -> Part | None:
    """What has become of the ruleset since a version, for one who may read a part of it; None if that is not known."""
    if since >= ruleset.version:
        return None
    written = await rulesets.written_since(
        uow.session, ruleset.environment_id, since, ruleset.version, references=sees is not None
    )
    return None if written is None else difference(ruleset, written, sees)


async def evaluate(
    uow: UnitOfWork, environment_id: str, body: object, min_version: MinVersion = ANY_VERSION
) -> Evaluated:
    """What each flag and config asked for is for the context. Raises what `get_ruleset` does."""
    named = named_in(Evaluate, body)
    operation = Operation.READ_STATE if Operation.READ_STATE in named.operations else Operation.EVALUATE
    access = await Entry.of_environment(environment_id, operation, named=named).enter(uow)
    faults: dict[str, str] = {}
    reached = min_version.parse(faults)
    command = validate(Evaluate, body, faults)
    await uow.release()
    ruleset = await uow.host.rulesets.get(access.environment.id, reached)
    if command.as_of is not None:
        ruleset = await ruleset_at(uow, access.environment, command.as_of)

    keys = keys_in(command.keys)

    def evaluations(call: EvaluationCall) -> tuple[Evaluations, Evaluations]:
        found = shown = outcomes(call, keys, None if access.sees_all else access.sees)
        if not sees_rule_names(uow.actor):
            shown = {key: one and one.with_reason(nameless(one.reason)) for key, one in found.items()}
        return found, _traced(call, shown) if command.verbose_reason else shown

    found, shown = await answered(uow, ruleset, command.context, evaluations, whole=keys is None)
    if command.as_of is None:
        note_evaluations(uow, ruleset, found.values())
        uow.host.traffic.offer(ruleset.environment_id, command.context)
    return Evaluated(ruleset, shown)


def note_evaluations(uow: UnitOfWork, ruleset: Ruleset, found: Collection[Evaluation | None]) -> None:
    """Counts what a call of the unit's actor has evaluated."""
    token_id = uow.actor.token_id if isinstance(uow.actor, Token) else None
    uow.host.note_evaluations(ruleset.environment_id, found, token_id)


async def answered(
    uow: UnitOfWork,
    ruleset: Ruleset,
    context: Mapping[str, Any],
    evaluations: Callable[[EvaluationCall], T],
    *,
    whole: bool,
) -> T:
    """The result of evaluations for one context, of the `whole` ruleset or of a few keys: at once, or off the event
    loop if it takes long."""
    try:
        with suppress(TooLong):
            if not (whole and is_long(ruleset)):
                return evaluations(ruleset.compiled.call(context, STEPS))
        return await uow.host.off_loop(lambda: evaluations(ruleset.compiled.call(context)))
    except TooManyComparisons:
        raise invalid({"context": TOO_MANY_COMPARISONS}) from None


def is_long(ruleset: Ruleset) -> bool:
    """Whether it would hold others up to evaluate all of it at once."""
    return ruleset.compiled.steps > STEPS or len(ruleset.compiled.primitives) > MANY


def outcomes(
    call: EvaluationCall, keys: Sequence[str] | None, sees: Callable[[Kind, str], bool] | None
) -> dict[str, Evaluation | None]:
    """What the keys are for the call's context, None for unknown ones; of all keys (None) those that the caller sees.

    Raises TooLong, TooManyComparisons.
    """
    primitives = call.ruleset.primitives
    asked = primitives if keys is None else keys
    found: dict[str, Evaluation | None] = {} if asked is primitives else dict.fromkeys(asked)
    if asked is primitives and sees is None:
        return dict(zip(primitives, call.evaluate_all(), strict=True))
    for key in asked:
        if (one := primitives.get(key)) is not None and (sees is None or sees(one.state.kind, key)):
            found[key] = call.evaluate(key)
    return found


def _traced(call: EvaluationCall, evaluations: dict[str, Evaluation | None]) -> dict[str, Evaluation | None]:
    """The evaluations with traces in their reasons."""
    tracer = Tracer(call)
    return {key: found and found.with_reason(tracer.reason(key, found)) for key, found in evaluations.items()}
