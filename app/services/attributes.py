"""The context fields that are known in an environment: those that its rules name, and those of its traffic sample."""

from collections.abc import Collection
from functools import partial

from app.access.entry import Entry
from app.access.known import sees, sees_all
from app.domain.actors import Token
from app.domain.operations import Operation
from app.engine.attributes import Attributes, attributes_of
from app.engine.ruleset import Ruleset
from app.store import json_columns
from app.store.traffic_sample import Sampled, samples_of
from app.store.unit_of_work import UnitOfWork


async def get_attributes(uow: UnitOfWork, environment_id: str) -> Attributes:
    """The fields of the rules that the caller may read, and of the sample."""
    access = await Entry.of_environment(environment_id, Operation.READ_STATE).enter(uow)
    return (await attributes_in(uow, [access.environment.id]))[access.environment.id]


async def attributes_in(uow: UnitOfWork, environment_ids: Collection[str]) -> dict[str, Attributes]:
    """The fields in environments that the caller may read, by their ids."""
    samples = await samples_of(uow.session, environment_ids, uow.now)
    await uow.release()
    actor = uow.actor
    seen = partial(sees, actor.resources) if isinstance(actor, Token) and not sees_all(actor) else None

    def found(ruleset: Ruleset, sample: Sampled) -> Attributes:
        contexts = (json_columns.value(one.context) for one in sample.contexts)
        return attributes_of(ruleset, contexts, seen)

    return {
        one: await uow.host.off_loop(partial(found, await uow.host.rulesets.snapshot(one), samples[one]))
        for one in samples
    }
