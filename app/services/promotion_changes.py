"""What differs between two environments, as changes of one of them: written at one version, or proposed."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from app.access.entry import Access, Diverted
from app.domain.errors import invalid
from app.domain.proposals import ProposalKind
from app.engine import json_text
from app.engine.blast_radius import Radius
from app.engine.kinds import KILLED, SPECS, Kind
from app.engine.promoted import Key, entry_change, list_change
from app.engine.references import references_of
from app.engine.rules import Rule, parse_rules, parse_segment_rules
from app.models import Primitive
from app.services.blast_radius import WantedState, of_changes
from app.services.changes import NOTHING_CHECKED, Change, Checked, at_present, difference, require_valid, write_change
from app.services.environment_diff import Difference, in_order
from app.services.evaluation import Contexts
from app.services.proposing import Opened, ProposedChange, Terms, fingerprint_of, open_proposal
from app.store import json_columns, states
from app.store.differences import differing
from app.store.pieces import in_pieces
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

RULES = "rules"
MAX_PROPOSED = 1_000
MAX_BYTES = 2 * 1024 * 1024  # as GraphQL, too, shows it whole
TOO_MUCH = (
    f"A proposal changes at most {MAX_PROPOSED:,} flags, configs and segments, of {MAX_BYTES // 2**20} MiB. "
    "Name fewer keys."
)
Differences = Mapping[Key, Sequence[Difference]]
Parsed = Mapping[Key, tuple[Any, tuple[Rule, ...]]]
Place = Callable[[Primitive], str]
Wanted = Mapping[Key, Mapping[str, Any]]
"""What each state is to have, by dimension or as `killed`; of lists what they get and lose."""


class Tried(NamedTuple):
    """The rules that are taken over, parsed; and what a proposal would do, None where nothing is proposed."""

    rules: Parsed
    radius: Radius | None = None


async def differences(
    entered: Access | Diverted, source_id: str, primitive_ids: Collection[str] | None = None
) -> Differences:
    """What would really change, of all primitives or of some."""
    uow = entered.uow
    found = await differing(uow.session, entered.environment.id, source_id, primitive_ids)
    by_key: dict[Key, list[Difference]] = defaultdict(list)
    for one in await uow.host.off_loop(lambda: in_order(found)):
        if one.dimension != KILLED:
            by_key[one.kind, one.key].append(one)
    return dict(by_key)


def place_of(primitive: Primitive) -> str:
    """Where a body names what would be refused of the primitive."""
    return json_text.dotted_path([SPECS[primitive.kind].plural, primitive.key]) + "."


async def try_out(
    entered: Access | Diverted, found: Differences, at: Place, contexts: Contexts | None, *, proposes: bool
) -> Tried:
    """Does what takes long before the write begins. Raises `invalid_request` for what cannot be proposed."""
    uow = entered.uow
    rules = await _parsed(uow, found)
    if not found or not proposes:
        return Tried(rules)
    if len(found) > MAX_PROPOSED:
        raise invalid({"quota": TOO_MUCH})
    present = await states.currents(uow.session, entered.environment.id, found)
    await changes(entered, found, present, rules, at)
    wanted: list[WantedState] = [(present[key].primitive, values) for key, values in _wanted(found).items()]
    return Tried(rules, await of_changes(uow, entered.environment, wanted, contexts))


async def changes(
    entered: Access | Diverted, found: Differences, present: Mapping[Key, Current], rules: Parsed, at: Place
) -> list[Change]:
    """What changes, which is valid all together. Raises `invalid_request`."""
    rules = await _parsed(entered.uow, found, rules)

    def checked(key: Key) -> Checked:
        if key not in rules:
            return NOTHING_CHECKED
        parsed = rules[key][1]
        return Checked({}, parsed, references_of(parsed))

    return await valid_changes(entered, present, _wanted(found), checked, at)


async def valid_changes(
    entered: Access | Diverted,
    present: Mapping[Key, Current],
    wanted: Wanted,
    checked: Callable[[Key], Checked],
    at: Place = lambda _: "",
) -> list[Change]:
    """What makes the present states what is wanted of each, and is valid all together. Raises `invalid_request`."""
    made = []
    async for piece in in_pieces(list(wanted.items())):
        for key, values in piece:
            made.append(await difference(entered.uow, present[key], values, checked(key)))
    await require_valid(entered, made, at)
    return made


async def write(access: Access, made: Sequence[Change], source_id: str, reason: str | None) -> dict[Key, Current]:
    """Writes and records what is valid, at one version."""
    written: dict[Key, Current] = {}
    async for piece in in_pieces(made):
        for change in piece:
            primitive: Primitive = change.current.primitive
            written[primitive.kind, primitive.key] = write_change(access, change)
            access.record(reason, access.subject(primitive), new={"fromEnvId": source_id})
    return written


async def propose(
    entered: Access | Diverted,
    made: Sequence[Change],
    source_id: str,
    radius: Radius | None,
    contexts: Contexts | None,
    terms: Terms,
) -> Opened:
    """Makes a proposal of what is valid, within the write. Raises `invalid_request` for too much of it.

    `radius` is what was found before the write, if anything was.
    """
    change, wanted = await entered.uow.host.off_loop(lambda: _proposed(made, source_id))
    if (
        len(made) > MAX_PROPOSED
        or sum(len((text or "").encode()) for text in (change.before, change.after)) > MAX_BYTES
    ):
        raise invalid({"quota": TOO_MUCH})
    radius = await at_present(entered, radius, wanted, contexts)
    return await open_proposal(entered, change, terms._replace(radius=radius))


def _proposed(made: Sequence[Change], source_id: str) -> tuple[ProposedChange, list[WantedState]]:
    """What is there and what would be, as `engine.promoted` reads it; and what is wanted of each state."""
    before, after = (defaultdict[str, dict[str, Any]](dict) for _ in range(2))
    wanted: list[WantedState] = [(one.current.primitive, _values(one)) for one in made]
    for change, (primitive, values_wanted) in zip(made, wanted, strict=True):
        state = change.current.state
        of, key = SPECS[primitive.kind], primitive.key
        values = {one.name: json_columns.value(getattr(state, one.field)) for one in of.dimensions if not one.entries}
        lists = {one.name: list_change(gets) for one, gets in change.entries.items()}
        after[of.plural][key] = {**values_wanted, **lists}
        before[of.plural][key] = {name: value for name, value in values.items() if name in after[of.plural][key]}
    primitives = [one for one, _ in wanted]
    texts = json_text.encode(before), json_text.encode(after)
    proposed = ProposedChange(ProposalKind.PROMOTE, primitives, *texts, source_id)
    return proposed._replace(fingerprint=fingerprint_of(proposed)), wanted


def _values(change: Change) -> dict[str, Any]:
    """What the state is to have, by dimension; of lists what they get and lose."""
    dimensions = SPECS[change.current.primitive.kind].dimensions
    values = {
        one.name: json_columns.value(change.columns[one.field]) for one in dimensions if one.field in change.columns
    }
    return {**values, **{one.name: gets for one, gets in change.entries.items()}}


async def _parsed(uow: UnitOfWork, found: Differences, known: Parsed | None = None) -> Parsed:
    """The rules that are taken over: what they were parsed of, and parsed. `known` ones are not parsed again."""
    known = known or {}
    rules = {key: one.against for key, of in found.items() for one in of if one.dimension == RULES}
    if all(key in known and known[key][0] == text for key, text in rules.items()):
        return {key: known[key] for key in rules}

    def parse() -> Parsed:
        return {key: (text, _parse(key[0], text)) for key, text in rules.items()}

    return await uow.host.off_loop(parse)


def _parse(kind: Kind, rules: Any) -> tuple[Rule, ...]:
    """What is stored was checked once, with the values of its identity, which is the same everywhere."""
    if kind is Kind.SEGMENT:
        return parse_segment_rules(rules, RULES, {}, stored=True)
    return parse_rules(rules, RULES, {}, lambda *_: None, stored=True)


def _wanted(found: Differences) -> Wanted:
    return {key: {one.dimension: _value(one) for one in of} for key, of in found.items()}


def _value(of: Difference) -> Any:
    dimension = next(one for one in SPECS[of.kind].dimensions if one.name == of.dimension)
    return entry_change(of.against) if dimension.entries else of.against
