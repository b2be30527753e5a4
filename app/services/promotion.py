"""Promotion: one environment takes over states of another one of its project, but for what is killed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from app.access.entry import Access, Diverted, Entered, Entry
from app.access.etags import environment_etag, state_etag
from app.domain.commands import Command, Slug, Text, validate
from app.domain.errors import AppError
from app.domain.named import MAX_NAMED, Id, Keys, named_in
from app.domain.operations import Operation
from app.domain.policy import RESOURCE_MISMATCH
from app.domain.preconditions import IfMatch
from app.engine.kinds import KeyRef, Kind
from app.engine.promoted import Key
from app.engine.references import node
from app.models import Proposal
from app.services.changes import Change
from app.services.environment_diff import Difference
from app.services.promotion_changes import Differences, Tried, changes, differences, place_of, propose, try_out, write
from app.services.proposing import Terms
from app.store import states
from app.store.references import reference_graphs
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

Source = Annotated[str, Id("environment", Operation.READ_STATE)]


class PromoteState(
    Command, json_schema_extra={"examples": [{"fromEnvId": "acme:web:staging", "reason": "Agreed with the team"}]}
):
    """The environment that a state is taken over from."""

    from_env_id: Source
    reason: Text | None = None


class Selection(Command):
    """What is taken over, and from which environment: everything that differs, if no keys are named."""

    from_env_id: Source
    flags: Annotated[list[Slug] | None, Field(max_length=MAX_NAMED), Keys((Kind.FLAG,), many=True, live=True)] = None
    configs: Annotated[list[Slug] | None, Field(max_length=MAX_NAMED), Keys((Kind.CONFIG,), many=True, live=True)] = (
        None
    )
    segments: Annotated[list[Slug] | None, Field(max_length=MAX_NAMED), Keys((Kind.SEGMENT,), many=True, live=True)] = (
        None
    )
    include_needs: bool = False

    @property
    def keys(self) -> set[Key] | None:
        """The keys that are named; None for everything."""
        named = {Kind.FLAG: self.flags, Kind.CONFIG: self.configs, Kind.SEGMENT: self.segments}
        if all(keys is None for keys in named.values()):
            return None
        return {(kind, key) for kind, keys in named.items() for key in keys or ()}


class Promote(
    Selection,
    json_schema_extra={
        "examples": [{"fromEnvId": "acme:web:staging", "flags": ["checkout"], "includeNeeds": True, "dryRun": True}]
    },
):
    """What is taken over, and from which environment: everything that differs, if no keys are named."""

    dry_run: bool = False
    reason: Text | None = None


class Promotion(NamedTuple):
    """What a promotion did at the environment's version, or, if it was tried only, what it would do.

    `needs` are segments and prerequisites that differ, too, and that the promoted ones rest on. `etag` is the
    environment's.
    """

    version: int
    etag: str
    states: Sequence[Current] | None = None
    differences: Sequence[Difference] | None = None
    needs: Mapping[Kind, Sequence[str]] | None = None


class Plan(NamedTuple):
    """What differs of all that is promoted, which is `chosen`, and what of it was not asked for."""

    chosen: Collection[Key]
    differences: Differences
    needs: Collection[Key]


async def promote_one(
    uow: UnitOfWork, environment_id: str, ref: KeyRef, body: object, if_match: IfMatch
) -> Current | Proposal:
    """Takes over all dimensions of one state, or makes a proposal of it. Raises `precondition_failed`,
    `invalid_request`.
    """
    entry = Entry.of_environment(environment_id, Operation.PROMOTE, ref, named=named_in(PromoteState, body))
    entered = await entry.open(uow)
    command = validate(PromoteState, body)
    source_id, key = entered.ids[command.from_env_id], (ref.kind, ref.key)
    found = await differences(entered, source_id, [entered.primitive.id])
    tried = await try_out(entered, found, _no_prefix, None, proposes=isinstance(entered, Diverted))
    entered = await entered.reopen_to_write()
    current = await states.current(uow.session, entered.environment.id, entered.primitive)
    if_match.require(state_etag(current))
    found = await differences(entered, source_id, [entered.primitive.id])
    made = await changes(entered, found, {key: current}, tried.rules, _no_prefix)
    if not made:
        if entered.environment.version:
            return current
        return Current(entered.primitive, entered.write_as_it_is(current.state, command.reason))
    if isinstance(entered, Access):
        return (await write(entered, made, source_id, command.reason))[key]
    return (await propose(entered, made, source_id, tried.radius, None, Terms(command.reason))).proposal


async def promote(uow: UnitOfWork, environment_id: str, body: object, if_match: IfMatch) -> Promotion | Proposal:
    """Takes over the states of many keys, makes a proposal of it, or says what it would change.

    Raises `precondition_failed`, `invalid_request`.
    """
    entry = Entry.of_environment(environment_id, Operation.PROMOTE, named=named_in(Promote, body))
    entered = await entry.open(uow)
    if isinstance(body, Mapping) and body.get("dryRun") is True:
        entered.require(Operation.READ_STATE)
    command = validate(Promote, body)
    source_id = entered.ids[command.from_env_id]
    plan = await plan_of(entered, source_id, command)
    if command.dry_run:  # changes nothing, so that it needs no approval
        if_match.require(environment_etag(entered.environment))
        present = await states.currents(uow.session, entered.environment.id, plan.differences)
        await changes(entered, plan.differences, present, {}, place_of)  # it is refused as the promotion would be
        return _dry_run(entered, plan)
    tried = await try_out(entered, plan.differences, place_of, None, proposes=isinstance(entered, Diverted))
    entered = await entered.reopen_to_write()
    environment = entered.environment
    if_match.require(environment_etag(environment))
    present, made = await changes_by_now(entered, source_id, command, tried)
    if made and isinstance(entered, Diverted):
        return (await propose(entered, made, source_id, tried.radius, None, Terms(command.reason))).proposal
    if made and isinstance(entered, Access):
        present |= await write(entered, made, source_id, command.reason)
    elif not environment.version:  # the first write makes the first ruleset, even if it changes nothing
        entered.raise_version(command.reason, {"fromEnvId": source_id})
    ordered = [present[key] for key in _sorted(present)]
    return Promotion(environment.version, environment_etag(environment), ordered)


def _no_prefix(_: object) -> str:
    return ""


def _dry_run(entered: Entered, plan: Plan) -> Promotion:
    needs = {kind: [key for of, key in _sorted(plan.needs) if of is kind and entered.sees(of, key)] for kind in Kind}
    found = [one for key in _sorted(plan.chosen) for one in plan.differences.get(key, ())]
    return Promotion(entered.environment.version, environment_etag(entered.environment), None, found, needs)


def _sorted(keys: Collection[Key]) -> list[Key]:
    kinds = list(Kind)
    return sorted(keys, key=lambda of: (kinds.index(of[0]), of[1]))


async def plan_of(entered: Access | Diverted, source_id: str, selection: Selection, at: str = "") -> Plan:
    """Raises `token_resource_out_of_scope` where something needed is to be taken along that is not the token's; the
    path begins with `at`."""
    found = await differences(entered, source_id)
    asked = selection.keys
    if asked is None:
        asked = {key for key in found if entered.sees(*key)}
    graphs = await reference_graphs(entered.uow.session, entered.project.id, [source_id])
    kinds, graph = graphs[source_id]
    needed = {(kinds[one], one.key) for one in graph.needs(node(*key) for key in asked) if one in kinds}
    needs = {key for key in needed - asked if key in found}
    chosen = asked
    if selection.include_needs:
        if not all(entered.sees(*key) for key in needs):
            raise AppError("token_resource_out_of_scope", fields={f"{at}includeNeeds": RESOURCE_MISMATCH})
        chosen = asked | needs
    return Plan(chosen, {key: of for key, of in found.items() if key in chosen}, needs)


async def changes_by_now(
    entered: Access | Diverted, source_id: str, selection: Selection, tried: Tried, at: str = ""
) -> tuple[dict[Key, Current], list[Change]]:
    """Within the write, the states of all that is promoted, and what changes of them. Raises what `plan_of` does, and
    `invalid_request`, at paths that begin with `at`."""
    plan = await plan_of(entered, source_id, selection, at)
    present = await states.currents(entered.uow.session, entered.environment.id, plan.chosen)
    made = await changes(entered, plan.differences, present, tried.rules, lambda one: f"{at}{place_of(one)}")
    return present, made
