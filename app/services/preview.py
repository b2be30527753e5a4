"""Previews: what drafts of flags, configs and segments would make of contexts. Nothing of it is stored."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Annotated, Any, NamedTuple

from pydantic import Field
from pydantic.config import JsonDict

from app.access.entry import Access, Entry
from app.domain.commands import Command, validate
from app.domain.errors import AppError, invalid
from app.domain.named import Named
from app.domain.operations import Operation
from app.domain.policy import AskedKey
from app.engine.blast_radius import Budget
from app.engine.faults import Faults
from app.engine.json_schemas import TOO_MUCH
from app.engine.json_text import MAX_FAULTS, dotted_path
from app.engine.kinds import SPECS, Kind, Spec
from app.engine.preview import Preview
from app.engine.references import Node, Reference, node
from app.engine.rules import RULES_EXAMPLE
from app.engine.ruleset import Ruleset, StoredState
from app.engine.work import MAX_COMPARISONS, TooLong, TooManyComparisons
from app.models import Primitive
from app.services.blast_radius import changed_state
from app.services.changes import Checked, check_alone, reference_faults
from app.services.evaluation import TOO_MANY_COMPARISONS, Context
from app.services.json_schemas import ValueSchema
from app.store import json_columns
from app.store.identities import with_keys
from app.store.references import reference_graphs
from app.store.traffic_sample import Chosen, samples_of
from app.store.unit_of_work import UnitOfWork

MAX_CONTEXTS = 1_000
MAX_DRAFTS = 1_000  # of a kind
MAX_STEPS = 20_000_000
"""Conditions that are looked at for all contexts together: at most some ten seconds of them."""
MAX_COMPARISONS_IN_ALL = 20 * MAX_COMPARISONS
PIECE_SECONDS = 0.02  # after which others have a turn in the thread
TOO_MUCH_WORK = "The rules would have too much to do for all of these. Send fewer contexts, or draft less."


def _left_as_it_is() -> Any:
    """A member of a draft, which has no default that a caller could notice."""
    return Field(default=None, json_schema_extra=_without_default)


def _without_default(schema: JsonDict) -> None:
    schema.pop("default", None)


class ValueDraft(Command):
    """What a flag or config would have; what is not named stays."""

    default_value: Any = _left_as_it_is()
    rules: Any = _left_as_it_is()


class SegmentDraft(Command):
    """What a segment would have; what is not named stays."""

    rules: Any = _left_as_it_is()
    allow_list: Any = _left_as_it_is()
    deny_list: Any = _left_as_it_is()


class DraftRuleset(Command):
    """Drafts of states of the environment, by key. They may refer to each other."""

    flags: Annotated[dict[str, ValueDraft], Field(max_length=MAX_DRAFTS)] = {}
    configs: Annotated[dict[str, ValueDraft], Field(max_length=MAX_DRAFTS)] = {}
    segments: Annotated[dict[str, SegmentDraft], Field(max_length=MAX_DRAFTS)] = {}


class AskPreview(
    Command,
    json_schema_extra={
        "examples": [
            {
                "spotCheck": [{"userId": "u-1", "plan": "pro"}],
                "ruleset": {"flags": {"checkout": {"rules": RULES_EXAMPLE}}},
            }
        ]
    },
):
    """Contexts, and the drafts to try on them."""

    spot_check: Annotated[list[Context], Field(max_length=MAX_CONTEXTS)]
    ruleset: DraftRuleset
    sample: bool = False


class _Draft(NamedTuple):
    """A draft in an unread body, and where it is."""

    spec: Spec
    key: str
    body: Any
    path: str

    @property
    def node(self) -> Node:
        return node(self.spec.kind, self.key)


class _CheckedDraft(NamedTuple):
    primitive: Primitive
    body: Mapping[str, Any]
    checked: Checked

    def state(self, live: Ruleset) -> StoredState:
        """The state with the draft. Raises `not_found` if it has gone."""
        changed = changed_state(live, self.primitive, self.body)
        return changed._replace(parsed=self.checked.rules) if "rules" in self.body else changed


async def preview(uow: UnitOfWork, environment_id: str, body: object, max_bytes: int) -> Preview:
    """What the drafts would do to the contexts. The answer shows no more than the bytes."""
    drafts = list(_drafts_in(body))
    asked = tuple(AskedKey((one.spec.kind,), one.key, one.path) for one in drafts)
    entry = Entry.of_environment(environment_id, Operation.READ_STATE, named=Named(asked=asked))
    access = await entry.enter(uow)
    faults: Faults = {}
    checked = await _checked(access, drafts, faults)
    await uow.release()
    command = await uow.host.off_loop(partial(validate, AskPreview, body, faults))
    sampled: Sequence[Chosen] = ()
    if command.sample:
        sampled = (await samples_of(uow.session, [access.environment.id], uow.now))[access.environment.id].contexts
        await uow.release()
    live = await uow.host.rulesets.snapshot(access.environment.id)

    def begin() -> Preview:
        states = (one.state(live) for one in checked)
        drafted = live.with_changes(live.version, live.target_id_field, states)
        nodes = [one.node for one in drafts]
        budget = Budget(MAX_STEPS, MAX_COMPARISONS_IN_ALL)
        return Preview(live, drafted, nodes, _sees(access, live.kind_of), budget, max_bytes)

    found = await uow.host.off_loop(begin)
    contexts = enumerate(command.spot_check)
    while await uow.host.off_loop(partial(_go_on, found.budget, found.add, contexts, _too_much)):
        pass
    if command.sample:
        add = found.count_sampled().add
        contexts = enumerate(json_columns.value(one.context) for one in sampled)
        while await uow.host.off_loop(partial(_go_on, found.budget, add, contexts, _too_much_of_sample)):
            pass
    return found


def _drafts_in(body: object) -> Iterator[_Draft]:
    """The drafts in an unread body, as many as it may have."""
    ruleset = body.get("ruleset") if isinstance(body, Mapping) else None
    for spec in SPECS.values():
        of_kind = ruleset.get(spec.plural) if isinstance(ruleset, Mapping) else None
        if isinstance(of_kind, Mapping):
            for key, draft in islice(of_kind.items(), MAX_DRAFTS):
                yield _Draft(spec, key, draft, dotted_path(("ruleset", spec.plural, key)))


async def _checked(access: Access, drafts: Sequence[_Draft], faults: Faults) -> list[_CheckedDraft]:
    """Adds to `faults` what is wrong with the drafts, each alone and all together, and gives those that there are.

    Raises `token_resource_out_of_scope`.
    """
    uow, environment = access.uow, access.environment
    rows = await with_keys(uow.session, access.project.id, {one.key for one in drafts})
    primitives = {(row.kind, row.key): row for row in rows}
    found: list[_CheckedDraft] = []
    references: dict[Node, Sequence[Reference]] = {}
    for draft in drafts:
        primitive = primitives.get((draft.spec.kind, draft.key))
        if primitive is None:
            faults[draft.path] = f"There is no {draft.spec.kind} {draft.key!r} in this environment."
        elif isinstance(draft.body, Mapping) and len(faults) < MAX_FAULTS:
            checked = await _check(uow, draft, primitive, faults)
            found.append(_CheckedDraft(primitive, draft.body, checked))
            if "rules" in draft.body:
                references[draft.node] = checked.references
    if any(references.values()):
        graph = (await reference_graphs(uow.session, access.project.id, [environment.id]))[environment.id]
        faults |= await uow.host.off_loop(partial(reference_faults, access, graph, references))
    return found


async def _check(uow: UnitOfWork, draft: _Draft, primitive: Primitive, faults: Faults) -> Checked:
    # A schema that has taken too long once is not asked again for each of many drafts.
    has_schema = primitive.json_schema is not None and TOO_MUCH not in faults.values()
    schema = ValueSchema(primitive.json_schema or "") if has_schema else None
    checked = await check_alone(draft.spec, uow, draft.body, primitive.value_type, schema, f"{draft.path}.")
    for path, message in checked.faults.items():
        faults.setdefault(path, message)
    return checked


def _sees(access: Access, kind_of: Callable[[Node], Kind | None]) -> Callable[[str], bool]:
    """Whether the caller may read the flag or config that has the key."""

    def sees(key: str) -> bool:
        kind = kind_of(node(Kind.FLAG, key))
        return kind is not None and access.sees(kind, key)

    return sees


def _go_on(
    budget: Budget,
    add: Callable[[dict[str, Any]], None],
    contexts: Iterator[tuple[int, dict[str, Any]]],
    refusal: Callable[[int | None], AppError],
) -> bool:
    """Goes through contexts for a while. Whether there may be more. Raises the refusal for too much work."""
    until = time.perf_counter() + PIECE_SECONDS
    for index, context in contexts:
        enough = budget.comparisons >= 2 * MAX_COMPARISONS
        try:
            add(context)
        except (TooLong, TooManyComparisons) as limit:
            of_context = enough and isinstance(limit, TooManyComparisons)
            raise refusal(index if of_context else None) from None
        if time.perf_counter() > until:
            return True
    return False


def _too_much(index: int | None) -> AppError:
    """For too much work with the context, or with all of them."""
    return invalid({"spotCheck": TOO_MUCH_WORK} if index is None else {f"spotCheck.{index}": TOO_MANY_COMPARISONS})


def _too_much_of_sample(_: int | None) -> AppError:
    return invalid({"sample": TOO_MUCH_WORK})
