"""What a proposed change would do to the contexts that it is tried on: those of the proposal, or the environment's."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from app.domain.errors import not_found
from app.engine import json_text
from app.engine.blast_radius import MAX_COMPARISONS_IN_ALL, MAX_STEPS, BlastRadius, Budget, Radius, dependents_of
from app.engine.kinds import KILLED, SPECS, Kind
from app.engine.references import node
from app.engine.ruleset import Ruleset, StoredState
from app.engine.sampled import Flips
from app.engine.target_ids import EntryChange
from app.engine.work import TooLong, TooManyComparisons
from app.models import Environment, Primitive
from app.services.evaluation import Contexts
from app.store import environments, json_columns
from app.store.spot_checks import spot_checks_of
from app.store.traffic_sample import NO_SAMPLE, Sampled, samples_of, sampling_among
from app.store.unit_of_work import UnitOfWork

WantedState = tuple[Primitive, Mapping[str, Any]]
"""What a primitive's state is to have, by dimension or as `killed`."""
BRIEF_STEPS = MAX_STEPS // 20  # some hundredths of a second


async def of_changes(
    uow: UnitOfWork,
    environment: Environment,
    wanted: Sequence[WantedState],
    contexts: Contexts | None,
    max_steps: int = MAX_STEPS,
) -> Radius:
    """What primitives, and what depends on them, would be for the contexts; the environment's unless given.

    What is wanted has been checked. Raises `not_found` if a primitive has gone.
    """
    radius = BlastRadius(max_steps)
    if contexts is None:
        contexts = (await _kept(uow, [environment.id])).get(environment.id, [])
    sample = (await samples_of(uow.session, [environment.id], uow.now))[environment.id]
    if not contexts and not sample.is_on:
        return radius.document(environment.version)
    await uow.release()
    live = await uow.host.rulesets.snapshot(environment.id, environment.version)

    def compare() -> Radius:
        states = [changed_state(live, *one) for one in wanted]
        proposed = live.with_changes(live.version, live.target_id_field, states)
        dependents = dependents_of(live, [node(one.kind, one.key) for one, _ in wanted])
        own = _own_keys(one for one, _ in wanted)
        radius.add(live, proposed, own, dependents, contexts)
        _add_sample(radius, live, proposed, [*own, *dependents], sample, Budget(max_steps, MAX_COMPARISONS_IN_ALL))
        return radius.document(live.version)

    return await uow.host.off_loop(compare)


async def of_delete(uow: UnitOfWork, primitive: Primitive, contexts: Contexts | None) -> Radius:
    """What the primitive is for the contexts, and would no longer be, in each environment of its project.

    Nothing refers to it, so nothing else changes.
    """
    radius, of_project = BlastRadius(), await environments.all_of_project(uow.session, primitive.project_id)
    kept = await _kept(uow, [one.id for one in of_project]) if contexts is None else {}
    sampling = await sampling_among(uow.session, [one.id for one in of_project])
    budget = Budget(MAX_STEPS, MAX_COMPARISONS_IN_ALL)
    for environment in of_project:
        tried = kept.get(environment.id, []) if contexts is None else contexts
        sample = NO_SAMPLE
        if environment.id in sampling:
            sample = (await samples_of(uow.session, [environment.id], uow.now))[environment.id]
        await uow.release()
        if tried or sample.is_on:
            live = await uow.host.rulesets.snapshot(environment.id)
            await uow.host.off_loop(partial(_delete, radius, live, primitive, tried, sample, budget))
    return radius.document(None)


def _delete(
    radius: BlastRadius, live: Ruleset, primitive: Primitive, contexts: Contexts, sample: Sampled, budget: Budget
) -> None:
    proposed = live.with_changes(live.version, live.target_id_field, [], [(primitive.kind, primitive.key)])
    own = _own_keys([primitive])
    radius.add(live, proposed, own, (), contexts)
    _add_sample(radius, live, proposed, own, sample, budget)


def _add_sample(
    radius: BlastRadius, live: Ruleset, proposed: Ruleset, keys: Sequence[str], sample: Sampled, budget: Budget
) -> None:
    """What becomes of the environment's sample, where it has one. As many contexts are counted as the limit allows:
    they are in no order."""
    if sample.is_on:
        flips = Flips(live, proposed, keys, budget)
        with suppress(TooLong, TooManyComparisons):
            for one in sample.contexts:
                flips.add(json_columns.value(one.context))
        radius.add_sampled(live.environment_id, flips.document())


async def _kept(uow: UnitOfWork, environment_ids: Collection[str]) -> dict[str, Contexts]:
    """The contexts that the environments keep, by id, where any have been set."""
    found = await spot_checks_of(uow.session, environment_ids)
    return {one: json_columns.value(row.contexts) for one, row in found.items()}


def _own_keys(primitives: Iterable[Primitive]) -> list[str]:
    """The keys that have values of their own."""
    return [one.key for one in primitives if one.kind is not Kind.SEGMENT]


def changed_state(live: Ruleset, primitive: Primitive, wanted: Mapping[str, Any]) -> StoredState:
    """The state with what is wanted of it, by dimension or as `killed`. Raises `not_found` if it has gone."""
    present = live.stored(primitive.kind, primitive.key)
    if present is None or present.type != primitive.value_type:  # deleted meanwhile, and perhaps made anew
        raise not_found(primitive.kind)
    columns: dict[str, Any] = {KILLED: wanted[KILLED]} if KILLED in wanted else {}
    for dimension in SPECS[primitive.kind].dimensions:
        if dimension.name in wanted:
            value = wanted[dimension.name]
            if not dimension.entries:
                columns[dimension.field] = json_text.encode(value)
            else:
                columns[dimension.field] = value if isinstance(value, EntryChange) else frozenset(value)
    return present._replace(**columns)
