"""First states and changes of states, all made here: what really differs is checked, and written, proposed or refused.

Bodies, proposals and promotions all speak of the same dimensions (`engine.kinds`); `killed` is none of them.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.entry import Access, Diverted
from app.access.etags import state_etag
from app.domain.errors import AppError, invalid
from app.domain.operations import Operation
from app.domain.policy import RESOURCE_MISMATCH
from app.domain.preconditions import IfMatch
from app.domain.proposals import Proposable, kind_of
from app.engine import json_text
from app.engine.blast_radius import Radius
from app.engine.json_values import equal
from app.engine.kinds import KILLED, SPECS, Dimension, Kind, Spec
from app.engine.operators import MAX_ENTRIES
from app.engine.reference_checks import check_references
from app.engine.references import Node, Reference, node, references_of
from app.engine.rules import Rule, weigh
from app.engine.target_ids import TOO_MANY_IDS, EntryChange
from app.models import Environment, Primitive, Proposal, State
from app.services.blast_radius import BRIEF_STEPS, WantedState, of_changes
from app.services.evaluation import Contexts
from app.services.json_schemas import ValueSchema, changed_meanwhile, mismatches
from app.services.proposing import Opened, ProposedChange, Terms, open_proposal
from app.services.quotas import require_room_for_states
from app.store import json_columns, states
from app.store.changeset import grows_by
from app.store.entries import entries_among, entries_of
from app.store.references import EnvironmentGraph, reference_graphs
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

References = Mapping[Node, Sequence[Reference]]
NO_ENVIRONMENT = ""
TOO_MUCH_AT_ONCE = (
    "The change requires approval, and a proposal can change only one of these: the default value, the rules, a list. "
    "Send each in a request of its own."
)
QUICK_CONDITIONS = 200
"""Rules with more conditions, or with patterns to compile, are parsed off the event loop."""


class Checked(NamedTuple):
    """What is wrong with an unread body, by path, its rules, and what these refer to.

    If it has values, they were checked against the text of a JSON Schema, or there was none.
    """

    faults: dict[str, str]
    rules: tuple[Rule, ...] = ()
    references: Sequence[Reference] = ()
    has_values: bool = False
    json_schema: str | None = None


NOTHING_CHECKED = Checked({})


async def check(
    spec: Spec,
    entered: Access | Diverted,
    body: object,
    value_type: str | None,
    environment_ids: Collection[str],
    key: str,
    schema: ValueSchema | None,
    at: str = "",
) -> Checked:
    """Checks the dimensions that a body has for `key`, in each of the environments it is meant for, and its values
    against the schema. All paths begin with `at`.

    Raises `token_resource_out_of_scope` for references beyond the token's resources.
    """
    checked = await check_alone(spec, entered.uow, body, value_type, schema, at)
    faults, source = checked.faults, node(spec.kind, key)
    if checked.references:
        # Without an environment the rules may refer to what is in the project.
        environment_ids = environment_ids or [NO_ENVIRONMENT]
        graphs = await reference_graphs(entered.uow.session, entered.project.id, environment_ids)
        for graph in graphs.values():
            faults |= reference_faults(entered, graph, {source: checked.references})
    return checked


async def check_alone(
    spec: Spec, uow: UnitOfWork, body: object, value_type: str | None, schema: ValueSchema | None, at: str = ""
) -> Checked:
    """Checks all but whether the references resolve."""
    faults: dict[str, str] = {}
    rules: tuple[Rule, ...] = ()
    values: list[tuple[str, Any]] = []
    if isinstance(body, Mapping):
        parse = partial(spec.check, body, value_type, faults, values, at)
        if _take_long(body.get("rules")):
            await uow.release()  # there are few connections, and many may wait for the one thread
            rules = await uow.host.off_loop(parse)
        else:
            rules = parse()
    faults = {**await mismatches(uow, schema, values), **faults}
    references = references_of(rules, f"{at}rules") if rules else []
    return Checked(faults, rules, references, bool(values), None if schema is None else schema.text)


async def check_state(entered: Access | Diverted, primitive: Primitive, body: object, at: str = "") -> Checked:
    """Checks the dimensions that a body has for a state of the entered environment; all paths begin with `at`."""
    schema = None if primitive.json_schema is None else ValueSchema(primitive.json_schema)
    spec, of = SPECS[primitive.kind], [entered.environment.id]
    return await check(spec, entered, body, primitive.value_type, of, primitive.key, schema, at)


async def check_states(
    entered: Access | Diverted, bodies: Sequence[tuple[Primitive, Mapping[str, Any], str]]
) -> tuple[list[Checked], dict[str, str]]:
    """Checks what states of the entered environment are to have, all together, and gives all faults; the paths of each
    begin with its text."""
    checked: list[Checked] = []
    faults: dict[str, str] = {}
    changed = {}
    for primitive, body, at in bodies:
        schema = None if primitive.json_schema is None else ValueSchema(primitive.json_schema)
        one = await check_alone(SPECS[primitive.kind], entered.uow, body, primitive.value_type, schema, at)
        await asyncio.sleep(0)  # each may take a millisecond, and there may be many
        checked.append(one)
        faults |= one.faults
        if one.references:
            changed[node(primitive.kind, primitive.key)] = one.references
    if changed:
        graphs = await reference_graphs(entered.uow.session, entered.project.id, [entered.environment.id])
        faults |= reference_faults(entered, graphs[entered.environment.id], changed)
    return checked, faults


class Change(NamedTuple):
    """What really differs between a state and what is wanted of it: columns, and what its lists get and lose."""

    current: Current
    columns: Mapping[str, Any]
    entries: Mapping[Dimension, EntryChange]
    checked: Checked

    @property
    def is_none(self) -> bool:
        return not self.columns and not self.entries

    @property
    def proposable(self) -> Proposable:
        """What a proposal of it does. Raises `approval_not_supported` for what several dimensions do."""
        kind = self.current.primitive.kind
        dimensions = [one for one in SPECS[kind].dimensions if one.field in self.columns or one in self.entries]
        if len(dimensions) + (KILLED in self.columns) > 1:
            raise AppError("approval_not_supported", TOO_MUCH_AT_ONCE)
        if dimensions:
            return Proposable(kind, Operation.UPDATE_STATE, dimensions[0])
        killed = self.columns[KILLED]
        return Proposable(kind, Operation.KILL if killed else Operation.RESTORE, killed=killed)


async def change_state(
    entered: Access | Diverted,
    wanted: Mapping[str, Any],
    if_match: IfMatch,
    reason: str | None,
    checked: Checked = NOTHING_CHECKED,
) -> Current | Proposal:
    """Writes what is wanted of the state, by dimension or as `killed`, or makes a proposal of it. One that has it
    already is left as it is, but for the first write in its environment.

    `checked` is what was found of the wanted rules. Raises `precondition_failed`, `approval_not_supported`, and
    `invalid_request` for references whose target has gone since they were checked.
    """
    radius = None if isinstance(entered, Access) else await _try_out(entered, wanted, checked)
    entered = await entered.reopen_to_write()
    uow, primitive, environment = entered.uow, entered.primitive, entered.environment
    current = await states.current(uow.session, environment.id, primitive)
    if_match.require(state_etag(current))
    change = await difference(uow, current, wanted, checked)
    if change.is_none:
        # The first write makes an environment's first ruleset, even if it changes nothing.
        return current if environment.version else Current(primitive, entered.write_as_it_is(current.state, reason))
    await require_valid(entered, [change])
    if isinstance(entered, Diverted):
        radius = await at_present(entered, radius, [(primitive, wanted)], None)
        return (await propose(entered, change, Terms(reason, radius))).proposal
    written = write_change(entered, change)
    entered.record(reason, entered.subject(primitive))
    return written


async def _try_out(entered: Diverted, wanted: Mapping[str, Any], checked: Checked) -> Radius | None:
    """What the change would do, if it is one, before the write begins."""
    uow, primitive = entered.uow, entered.primitive
    current = await states.current(uow.session, entered.environment.id, primitive)
    change = await difference(uow, current, wanted, checked)
    return None if change.is_none else await of_changes(uow, entered.environment, [(primitive, wanted)], None)


async def at_present(
    entered: Access | Diverted, radius: Radius | None, wanted: Sequence[WantedState], contexts: Contexts | None
) -> Radius:
    """The radius, within the write. If others have written since it was computed, it is computed again, with a limit
    that keeps nobody waiting for long."""
    if radius is not None and radius["version"] == entered.environment.version:
        return radius
    return await of_changes(entered.uow, entered.environment, wanted, contexts, BRIEF_STEPS)


async def propose(entered: Access | Diverted, change: Change, terms: Terms) -> Opened:
    """Makes a proposal of a valid change, within the write. Raises `approval_not_supported`."""
    (primitive, state), proposable = change.current, change.proposable
    dimension = proposable.dimension
    if dimension is None:
        before, after = json_text.encode(state.killed), json_text.encode(proposable.killed)
    elif dimension.entries:
        present = (await entries_of(entered.uow.session, state)).get(dimension.name, frozenset())
        lists = present, change.entries[dimension].applied_to(present)
        before, after = (json_text.encode(sorted(one)) for one in lists)
    else:
        before, after = getattr(state, dimension.field), change.columns[dimension.field]
    return await open_proposal(entered, ProposedChange(kind_of(proposable), [primitive], before, after), terms)


async def difference(uow: UnitOfWork, current: Current, wanted: Mapping[str, Any], checked: Checked) -> Change:
    """What really differs. Raises `invalid_request` where a list would have too many entries."""
    primitive, state = current
    entries = await _differing_entries(uow.session, primitive, state, wanted)
    return Change(current, _differing(primitive, state, wanted), entries, checked)


async def require_valid(
    entered: Access | Diverted, changes: Sequence[Change], at: Callable[[Primitive], str] = lambda _: ""
) -> None:
    """What was checked must hold still, within the write, for all changes together, and there must be room for them.

    Raises `invalid_request` for references whose target has gone since, and for what the changes only together make of
    references, at the paths, which begin with `at`; `unavailable` for another schema.
    """
    environment = entered.environment
    if any(change.checked.references for change in changes):
        graphs = await reference_graphs(entered.uow.session, entered.project.id, [environment.id])
        saved = {
            node(primitive.kind, primitive.key): [
                Reference(at(primitive) + path, to) for path, to in checked.references
            ]
            for (primitive, _), columns, _, checked in changes
            if "rules" in columns
        }
        _require_references(entered, graphs[environment.id], saved)
    if any(one.checked.has_values and one.checked.json_schema != one.current.primitive.json_schema for one in changes):
        raise changed_meanwhile()
    grown = sum(grows_by(change.current.state, change.columns, change.entries) for change in changes)
    require_room_for_states(entered.uow, environment, grown)


def write_change(access: Access, change: Change) -> Current:
    """The state with the change, which is valid, from the environment's next version on."""
    (primitive, state), checked = change.current, change.checked
    parsed = references = None
    if "rules" in change.columns:
        parsed = checked.rules
        found = references_of(parsed)  # by their paths in the state, wherever a body had the rules
        references = found if found or _may_refer(state.rules) else None
    written = access.write_state(
        access.environment,
        primitive,
        state,
        references=references,
        parsed=parsed,
        entries=change.entries,
        **change.columns,
    )
    return Current(primitive, written)


async def write_first_states(
    access: Access,
    environments: Sequence[Environment],
    primitive: Primitive,
    wanted: Mapping[str, Any],
    checked: Checked,
) -> None:
    """A new primitive's state, by dimension, in each environment of its project.

    Raises `invalid_request` for references whose target has gone.
    """
    dimensions, first = SPECS[primitive.kind].dimensions, None
    ids = [environment.id for environment in environments]
    graphs = await reference_graphs(access.uow.session, access.project.id, ids) if checked.references else {}
    for environment in environments:
        if checked.references:
            _require_references(
                access, graphs[environment.id], {node(primitive.kind, primitive.key): checked.references}
            )
        access.write_state(
            environment,
            primitive,
            None,
            references=checked.references,
            parsed=checked.rules,
            as_in=first,
            entries={one: EntryChange(frozenset(wanted[one.name])) for one in dimensions if one.entries},
            **{one.field: json_text.encode(wanted[one.name]) for one in dimensions if not one.entries},
        )
        require_room_for_states(access.uow, environment)
        first = first or environment.id


def _take_long(rules: object) -> bool:
    weight = weigh(rules)
    return weight.patterns > 0 or weight.conditions > QUICK_CONDITIONS


def _may_refer(rules: str) -> bool:
    """Nearly no rules refer to anything, and to know it of their text costs little."""
    return '"$segment"' in rules or '"$flag"' in rules


def _differing(primitive: Primitive, state: State, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that would hold something else, with what they would hold."""
    columns: dict[str, Any] = {}
    for dimension in SPECS[primitive.kind].dimensions:
        if dimension.name not in wanted or dimension.entries:
            continue
        present, text = getattr(state, dimension.field), json_text.encode(wanted[dimension.name])
        # Strings, booleans and null have one text each; of all else other texts may mean the same, as 1 and 1.0 do.
        if present != text and (text[0] in '"tfn' or not equal(json_columns.value(present), json_columns.value(text))):
            columns[dimension.field] = text
    if wanted.get(KILLED, state.killed) != state.killed:
        columns[KILLED] = wanted[KILLED]
    return columns


async def _differing_entries(
    session: AsyncSession, primitive: Primitive, state: State, wanted: Mapping[str, Any]
) -> dict[Dimension, EntryChange]:
    """What lists would really get and lose. A list is wanted as a whole, or as what to add and remove: then only those
    entries are looked up. Raises `invalid_request` where it would have too many.
    """
    changes: dict[Dimension, EntryChange] = {}
    whole: Mapping[str, frozenset[str]] | None = None
    for dimension in SPECS[primitive.kind].dimensions:
        asked = wanted.get(dimension.name)
        if asked is None or not dimension.entries:
            continue
        if isinstance(asked, EntryChange):
            present = await entries_among(session, state, dimension.name, asked.add | asked.remove)
            change = EntryChange(asked.add - present, asked.remove & present)
            if getattr(state, dimension.size_field) + len(change.add) - len(change.remove) > MAX_ENTRIES:
                raise invalid({"add": TOO_MANY_IDS})
        else:
            whole = await entries_of(session, state) if whole is None else whole
            present, ids = whole.get(dimension.name, frozenset()), frozenset(asked)
            change = EntryChange(ids - present, present - ids)
        if change.add or change.remove:
            changes[dimension] = change
    return changes


def _require_references(entered: Access | Diverted, graph: EnvironmentGraph, changed: References) -> None:
    if faults := reference_faults(entered, graph, changed):
        raise invalid(faults)


def reference_faults(entered: Access | Diverted, environment: EnvironmentGraph, changed: References) -> dict[str, str]:
    """Rules may refer to what is there, in no cycle and in no long chain, with all that changes at once.

    What the live rules do not refer to already must be the caller's to read, for evaluating the rules shows it. Raises
    `token_resource_out_of_scope`.
    """
    denied: dict[str, str] = {}
    for source, references in changed.items():
        live = environment.graph.targets(source)
        new = [(path, target) for path, target in references if target not in live]
        denied |= {path: RESOURCE_MISMATCH for path, target in new if not _sees(entered, environment, target)}
    if denied:
        raise AppError("token_resource_out_of_scope", fields=denied)
    faults: dict[str, str] = {}
    targets = {source: {target for _, target in references} for source, references in changed.items()}
    check_references(changed, environment.graph.with_changes(targets), faults)
    return faults


def _sees(entered: Access | Diverted, environment: EnvironmentGraph, target: Node) -> bool:
    """By the target's kind; a key that does not exist may be of any kind that shares its key space."""
    kind = environment.kinds.get(target)
    kinds = [kind] if kind is not None else [one for one in Kind if node(one, target.key) == target]
    return any(entered.sees(one, target.key) for one in kinds)
