"""Evaluation as OpenFeature's remote evaluation protocol (OFREP) asks for it: one key, or all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo

from app.access.entry import Access, Entry
from app.domain.actors import Token
from app.domain.commands import Command, validate
from app.domain.errors import AppError, invalid_at, not_found
from app.domain.named import NOTHING, Named
from app.domain.operations import Operation
from app.domain.policy import AskedKey
from app.domain.preconditions import MinVersion
from app.engine.evaluation import Evaluation
from app.engine.openfeature import TARGETING_KEY, resolution_text, resolutions_text, targeted
from app.engine.ruleset import Ruleset
from app.engine.snapshot import EvaluationCall
from app.services.evaluation import EVALUABLE, Context, answered, note_evaluations, outcomes
from app.store.unit_of_work import UnitOfWork

T = TypeVar("T")
NO_TARGETING_KEY = "Must not be null. Leave it out for a context without a target id."
_AT_TARGETING_KEY = f"context.{TARGETING_KEY}"
_WHICH_ENVIRONMENT = (
    "Name the environment by its id, or as `org:project:environment`. Only a token whose scope is exactly one "
    "environment can do without this header."
)


def _with_targeting_key(context: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    faults: dict[str, str] = (info.context or {}).get("faults", {})
    key = context.get(TARGETING_KEY, "")
    if not isinstance(key, str):
        faults[_AT_TARGETING_KEY] = NO_TARGETING_KEY if key is None else "Must be a string."
    return context


class EvaluationRequest(Command, json_schema_extra={"examples": [{"context": {TARGETING_KEY: "u-1", "plan": "pro"}}]}):
    """For whom to evaluate."""

    context: Annotated[Context, AfterValidator(_with_targeting_key)] = Field(default_factory=dict)


def is_plain(body: Any) -> bool:
    """Whether it holds nothing but a context that has no fault, unless it is too large."""
    if type(body) is not dict or (body.keys() and body.keys() != {"context"}):
        return False
    context = body.get("context", {})
    return type(context) is dict and type(context.get(TARGETING_KEY, "")) is str


class ChangeParameters(Command):
    """What an event about a change has a client send when it asks again. It always gets what is in force now."""

    flag_config_etag: Annotated[str | None, Field(description="The `etag` of the event.")] = None
    flag_config_last_modified: Annotated[int | str | None, Field(description="The `lastModified` of the event.")] = None


@dataclass(frozen=True, slots=True)
class Unevaluated:
    """What a caller may evaluate for a context, before any of it is evaluated."""

    access: Access
    ruleset: Ruleset
    context: Mapping[str, Any]

    async def resolution(self, key: str) -> bytes | None:
        """The value of the key as text, if there is one."""
        text = await self._answered([key], lambda found: resolution_text(found[0]) if found else None)
        if text is not None:
            self._offer()
        return text

    async def resolutions(self, event_streams: bytes) -> bytes:
        """The values of all keys as text, with where to hear of changes."""
        together = partial(resolutions_text, self.ruleset.compiled, event_streams=event_streams)
        text = await self._answered(None, together)
        self._offer()
        return text

    def _offer(self) -> None:
        """To the sample of the environment's traffic."""
        self.access.uow.host.traffic.offer(self.ruleset.environment_id, self.context)

    async def _answered(self, keys: list[str] | None, together: Callable[[list[Evaluation]], T]) -> T:
        access = self.access

        def evaluations(call: EvaluationCall) -> tuple[list[Evaluation], T]:
            by_key = outcomes(call, keys, None if access.sees_all else access.sees)
            found = [one for one in by_key.values() if one is not None]
            return found, together(found)

        found, answer = await answered(access.uow, self.ruleset, self.context, evaluations, whole=keys is None)
        note_evaluations(access.uow, self.ruleset, found)
        return answer


async def evaluate_flag(
    uow: UnitOfWork, environment: str | None, key: str, body: object, min_version: MinVersion
) -> bytes:
    """What the flag or config is for the context. Raises `not_found` for an unknown key."""
    access = await _enter(uow, environment, Named(asked=(AskedKey(EVALUABLE, key),)))
    try:
        unevaluated = await _read(access, body, min_version)
    except AppError as fault:
        # What there is comes before what is wrong with the body; what there may be in a moment does not.
        if (
            fault.code != "unavailable"
            and key not in (await uow.host.rulesets.snapshot(access.environment.id)).compiled.primitives
        ):
            raise not_found("flag or config") from None
        raise
    if (found := await unevaluated.resolution(key)) is None:
        raise not_found("flag or config")
    return found


async def evaluate_flags(
    uow: UnitOfWork, environment: str | None, body: object, min_version: MinVersion
) -> Unevaluated:
    """What is asked of all flags and configs, to be evaluated by whoever does not have the answer yet."""
    return await _read(await _enter(uow, environment, NOTHING), body, min_version)


async def _enter(uow: UnitOfWork, environment: str | None, named: Named) -> Access:
    return await Entry.of_environment(environment_of(uow, environment), Operation.EVALUATE, named=named).enter(uow)


def environment_of(uow: UnitOfWork, environment: str | None) -> str:
    """The environment that is named, or else the only one of the token's. Raises `invalid_request`."""
    if environment is None and isinstance(uow.actor, Token):
        environment = uow.actor.scope.only_environment
    if environment is None:
        raise invalid_at("X-Signalbox-Env", _WHICH_ENVIRONMENT)
    return environment


async def _read(access: Access, body: object, min_version: MinVersion) -> Unevaluated:
    faults: dict[str, str] = {}
    reached = min_version.parse(faults)
    command = validate(EvaluationRequest, body, faults)
    await access.uow.release()
    ruleset = await access.uow.host.rulesets.get(access.environment.id, reached)
    return Unevaluated(access, ruleset, targeted(command.context, ruleset.compiled.target_id_path))
