"""Promotion: one environment takes over states of another one of its project, but for what is killed.

It is written at once or not at all: what would wait for approval is refused.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from app.access.entry import Access, Entry
from app.access.etags import environment_etag, state_etag
from app.domain.commands import Command, Slug, Text, validate
from app.domain.errors import AppError
from app.domain.named import MAX_NAMED, Id, Keys, named_in
from app.domain.operations import Operation
from app.domain.policy import RESOURCE_MISMATCH
from app.domain.preconditions import IfMatch
from app.engine import json_text
from app.engine.kinds import KILLED, SPECS, Kind
from app.engine.references import node, references_of
from app.engine.rules import Rule, parse_rules, parse_segment_rules
from app.engine.target_ids import EntryChange
from app.models import Primitive
from app.services.changes import NOTHING_CHECKED, Change, Checked, difference, require_valid, write_change
from app.services.environment_diff import Difference, in_order
from app.store import states
from app.store.differences import differing
from app.store.pieces import in_pieces
from app.store.references import reference_graphs
from app.store.resolve import KeyRef
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

RULES = "rules"
Key = tuple[Kind, str]
Differences = Mapping[Key, Sequence[Difference]]
Source = Annotated[str, Id("environment", Operation.READ_STATE)]


class PromoteState(
    Command, json_schema_extra={"examples": [{"fromEnvId": "acme:web:staging", "reason": "Agreed with the team"}]}
):
    """The environment that a state is taken over from."""

    from_env_id: Source
    reason: Text | None = None


class Promote(
    Command,
    json_schema_extra={
        "examples": [{"fromEnvId": "acme:web:staging", "flags": ["checkout"], "includeNeeds": True, "dryRun": True}]
    },
):
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
    dry_run: bool = False
    reason: Text | None = None

    @property
    def keys(self) -> set[Key] | None:
        """The keys that are named; None for everything."""
        named = {Kind.FLAG: self.flags, Kind.CONFIG: self.configs, Kind.SEGMENT: self.segments}
        if all(keys is None for keys in named.values()):
            return None
        return {(kind, key) for kind, keys in named.items() for key in keys or ()}


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


class _Plan(NamedTuple):
    """What differs of all that is promoted, which is `chosen`, and what of it was not asked for."""

    chosen: Collection[Key]
    differences: Differences
    needs: Collection[Key]


async def promote_one(uow: UnitOfWork, environment_id: str, ref: KeyRef, body: object, if_match: IfMatch) -> Current:
    """Takes over all dimensions of one state. Raises `precondition_failed`, `invalid_request`."""
    entry = Entry.of_environment(environment_id, Operation.PROMOTE, ref, named=named_in(PromoteState, body))
    access = await entry.enter(uow)
    command = validate(PromoteState, body)
    source_id, key = access.ids[command.from_env_id], (ref.kind, ref.key)
    rules = await _parsed(uow, await _differences(access, source_id, [access.primitive.id]))
    access = await access.to_write()
    current = await states.current(uow.session, access.environment.id, access.primitive)
    if_match.require(state_etag(current))
    found = await _differences(access, source_id, [access.primitive.id])
    changes = await _changes(uow, found, {key: current}, await _parsed(uow, found, rules))
    if not changes:
        if access.environment.version:
            return current
        return Current(access.primitive, access.write_as_it_is(current.state, command.reason))
    await require_valid(access, changes)
    return (await _write(access, changes, source_id, command.reason))[key]


async def promote(uow: UnitOfWork, environment_id: str, body: object, if_match: IfMatch) -> Promotion:
    """Takes over the states of many keys, or says what that would change. Raises `precondition_failed`,
    `invalid_request`.
    """
    named = named_in(Promote, body)
    # To try changes nothing, so that it needs no approval.
    tries = isinstance(body, Mapping) and body.get("dryRun") is True
    operation = Operation.READ_STATE if tries else Operation.PROMOTE
    access = await Entry.of_environment(environment_id, operation, named=named).enter(uow)
    if tries:
        access.require(Operation.PROMOTE)
    command = validate(Promote, body)
    source_id = access.ids[command.from_env_id]
    plan = await _plan(access, source_id, command)
    if tries:
        if_match.require(environment_etag(access.environment))
        return _tried(access, plan)
    rules = await _parsed(uow, plan.differences)
    access = await access.to_write()
    environment = access.environment
    if_match.require(environment_etag(environment))
    plan = await _plan(access, source_id, command)
    present = await states.currents(uow.session, environment.id, plan.chosen)
    changes = await _changes(uow, plan.differences, present, await _parsed(uow, plan.differences, rules))
    await require_valid(access, changes, _place)
    present |= await _write(access, changes, source_id, command.reason)
    if not changes and not environment.version:  # the first write makes the first ruleset, even if it changes nothing
        uow.changes.raise_version(environment)
        access.record(command.reason, new={"fromEnvId": source_id})
    ordered = [present[key] for key in _sorted(present)]
    return Promotion(environment.version, environment_etag(environment), ordered)


def _place(primitive: Primitive) -> str:
    return json_text.dotted_path([SPECS[primitive.kind].plural, primitive.key]) + "."


def _tried(access: Access, plan: _Plan) -> Promotion:
    needs = {kind: [key for of, key in _sorted(plan.needs) if of is kind and access.sees(of, key)] for kind in Kind}
    found = [one for key in _sorted(plan.chosen) for one in plan.differences.get(key, ())]
    return Promotion(access.environment.version, environment_etag(access.environment), None, found, needs)


def _sorted(keys: Collection[Key]) -> list[Key]:
    kinds = list(Kind)
    return sorted(keys, key=lambda of: (kinds.index(of[0]), of[1]))


async def _plan(access: Access, source_id: str, command: Promote) -> _Plan:
    """Raises `token_resource_out_of_scope` where something needed is to be taken along that is not the token's."""
    found = await _differences(access, source_id)
    asked = command.keys
    if asked is None:
        asked = {key for key in found if access.sees(*key)}
    graphs = await reference_graphs(access.uow.session, access.project.id, [source_id])
    kinds, graph = graphs[source_id]
    needed = {(kinds[one], one.key) for one in graph.needs(node(*key) for key in asked) if one in kinds}
    needs = {key for key in needed - asked if key in found}
    chosen = asked
    if command.include_needs:
        if not all(access.sees(*key) for key in needs):
            raise AppError("token_resource_out_of_scope", fields={"includeNeeds": RESOURCE_MISMATCH})
        chosen = asked | needs
    return _Plan(chosen, {key: of for key, of in found.items() if key in chosen}, needs)


async def _differences(access: Access, source_id: str, primitive_ids: Collection[str] | None = None) -> Differences:
    """What would really change, of all primitives or of some."""
    uow = access.uow
    found = await differing(uow.session, access.environment.id, source_id, primitive_ids)
    by_key: dict[Key, list[Difference]] = defaultdict(list)
    for one in await uow.host.aside(lambda: in_order(found)):
        if one.dimension != KILLED:
            by_key[one.kind, one.key].append(one)
    return dict(by_key)


Parsed = Mapping[Key, tuple[Any, tuple[Rule, ...]]]


async def _parsed(uow: UnitOfWork, differences: Differences, known: Parsed | None = None) -> Parsed:
    """The rules that are taken over: what they were parsed of, and parsed. `known` ones are not parsed again."""
    known = known or {}

    def parse() -> Parsed:
        found = {}
        for key, of in differences.items():
            for one in of:
                if one.dimension == RULES:
                    same = key in known and known[key][0] == one.against
                    found[key] = known[key] if same else (one.against, _parse(one.kind, one.against))
        return found

    return await uow.host.aside(parse)


def _parse(kind: Kind, rules: Any) -> tuple[Rule, ...]:
    """What is stored was checked once, with the values of its identity, which is the same everywhere."""
    if kind is Kind.SEGMENT:
        return parse_segment_rules(rules, RULES, {}, stored=True)
    return parse_rules(rules, RULES, {}, lambda *_: None, stored=True)


async def _changes(
    uow: UnitOfWork, differences: Differences, present: Mapping[Key, Current], rules: Parsed
) -> list[Change]:
    changes = []
    async for piece in in_pieces(list(differences.items())):
        for key, of in piece:
            wanted = {one.dimension: _wanted(one) for one in of}
            checked = NOTHING_CHECKED
            if key in rules:
                parsed = rules[key][1]
                checked = Checked({}, parsed, references_of(parsed))
            changes.append(await difference(uow, present[key], wanted, checked))
    return changes


def _wanted(of: Difference) -> Any:
    dimension = next(one for one in SPECS[of.kind].dimensions if one.name == of.dimension)
    return EntryChange(*(frozenset(of.against[one]) for one in ("add", "remove"))) if dimension.entries else of.against


async def _write(access: Access, changes: Sequence[Change], source_id: str, reason: str | None) -> dict[Key, Current]:
    """Writes and records what is valid, at one version."""
    written: dict[Key, Current] = {}
    async for piece in in_pieces(changes):
        for change in piece:
            primitive: Primitive = change.current.primitive
            written[primitive.kind, primitive.key] = write_change(access, change)
            access.record(reason, access.subject(primitive), new={"fromEnvId": source_id})
    return written
