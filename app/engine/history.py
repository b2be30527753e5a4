"""What a context received at each version of a ruleset, one after the other.

A flag or config is evaluated again only at versions at which it, or something that it depends on, changed. States are
prepared only where what is asked for depends on them. The work has a limit in all.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast

from app.engine.blast_radius import Budget
from app.engine.compiled import CompiledPrimitive, CompiledSegment
from app.engine.evaluation import Evaluation
from app.engine.json_values import equal
from app.engine.kinds import Kind
from app.engine.paths import FieldPath
from app.engine.reference_graph import reach
from app.engine.references import Node, node, primitive, references_of
from app.engine.ruleset import Ruleset, StoredState, prepare
from app.engine.snapshot import CompiledRuleset
from app.engine.work import MAX_COMPARISONS, TooLong, TooManyComparisons

MAX_ENTRIES = 10_000
MAX_STEPS = 2_000_000
"""Conditions that are looked at for all versions together: at most about a second of them."""
MAX_COMPARISONS_IN_ALL = 4 * MAX_COMPARISONS


class Change(NamedTuple):
    """What became of a key at a version: its state, whose lists are what they got and lost; None where it has gone."""

    version: int
    kind: Kind
    key: str
    state: StoredState | None


class Version(NamedTuple):
    """A version, since when it was in force, and where ids came from."""

    version: int
    at: datetime
    target_id_field: str


class Entry(NamedTuple):
    """What a key was from an instant on; None where it was not there."""

    at: datetime
    version: int
    outcome: Evaluation | None


class History:
    """Begins with a ruleset at an instant, and takes in the versions after it. `keys` None: all that `sees` admits.

    `entries` are those of each key, oldest first, and `types` what its values were last.
    """

    def __init__(
        self,
        start: Ruleset,
        at: datetime,
        context: dict[str, Any],
        keys: Collection[str] | None,
        sees: Callable[[Kind, str], bool],
        budget: Budget | None = None,
    ) -> None:
        compiled = start.compiled
        self.reached = start.version
        self.entries: dict[str, list[Entry]] = {}
        self.types: dict[str, str] = {}
        self.truncated = False
        self._context, self._sees = context, sees
        self._all = keys is None
        self._first = Entry(at, start.version, None)
        self._count, self._full = 0, False
        self._budget = budget or Budget(MAX_STEPS, MAX_COMPARISONS_IN_ALL)
        self._primitives: dict[str, CompiledPrimitive] = dict(compiled.primitives)
        self._segments: dict[str, CompiledSegment] = dict(compiled.segments)
        self._environment_id = compiled.environment_id
        self._ruleset = self._with_ids_from(compiled.target_id_path)
        self._waiting: dict[str, StoredState] = {}  # changed flags and configs on which nothing asked for depends yet
        self._targets: dict[Node, frozenset[Node]] = {}
        self._referrers = defaultdict[Node, set[Node]](set)
        asked = compiled.primitives if keys is None else keys
        self._asked = {primitive(key): None for key in asked}  # in their order
        self._relevant = set(self._asked)
        self._follow(self._asked)
        self._evaluate(self._asked, at, start.version)

    def take(self, versions: Iterable[Version], changes: Iterable[Change]) -> None:
        """Takes in the next versions with what they changed, of each version first what has gone."""
        of_version = defaultdict[int, list[Change]](list)
        for change in changes:
            of_version[change.version].append(change)
        for version, at, target_id_field in versions:
            if self.truncated:
                return
            self.reached = version
            touched = {self._put(change) for change in of_version[version]} & self._relevant
            self._follow(touched)
            if target_id_field != self._ruleset.target_id_path.text:
                self._ruleset = self._with_ids_from(FieldPath.of(target_id_field))
                self._evaluate(self._asked, at, version)
            elif touched:
                affected = reach(touched, lambda one: self._referrers.get(one, ()))
                self._evaluate(sorted(affected & self._asked.keys()), at, version)

    def _with_ids_from(self, path: FieldPath) -> CompiledRuleset:
        return CompiledRuleset(self._environment_id, self.reached, path, self._primitives, self._segments, steps=0)

    def _put(self, change: Change) -> Node:
        _, kind, key, stored = change
        changed = node(kind, key)
        if kind is Kind.SEGMENT:
            if stored is None:
                del self._segments[key]
            else:
                self._segments[key] = cast("CompiledSegment", prepare(stored, self._segments.get(key)).compiled)
            return changed
        self._primitives.pop(key, None)
        self._waiting.pop(key, None)
        if stored is not None:
            self._waiting[key] = stored
            if self._all and changed not in self._asked:
                self._asked[changed] = None
                self._relevant.add(changed)
        return changed

    def _follow(self, nodes: Iterable[Node]) -> None:
        """Prepares what the nodes depend on, and remembers who depends on what."""
        ahead = list(nodes)
        while ahead:
            one = ahead.pop()
            if one.kind == "primitive" and (stored := self._waiting.pop(one.key, None)) is not None:
                self._primitives[one.key] = cast("CompiledPrimitive", prepare(stored).compiled)
            of: Mapping[str, CompiledPrimitive | CompiledSegment]
            of = self._primitives if one.kind == "primitive" else self._segments
            rules = of[one.key].state.rules if one.key in of else ()
            targets = frozenset(reference.target for reference in references_of(rules))
            for target in self._targets.get(one, frozenset()) - targets:
                self._referrers[target].discard(one)
            self._targets[one] = targets
            for target in targets:
                self._referrers[target].add(one)
                if target not in self._relevant:
                    self._relevant.add(target)
                    ahead.append(target)

    def _evaluate(self, nodes: Iterable[Node], at: datetime, version: int) -> None:
        ahead, seen = list(nodes), dict[str, str]()
        for one in ahead:
            found = self._primitives.get(one.key)
            if found is not None and self._sees(found.state.kind, one.key):
                seen[one.key] = found.state.type
        outcomes: dict[str, Evaluation | None] = {}
        try:
            self._budget.evaluate(self._ruleset, self._context, seen, outcomes)
        except (TooLong, TooManyComparisons):
            self.truncated = True
        self.types |= {key: seen[key] for key in outcomes}
        for _, key in ahead:
            if key in outcomes or key not in seen:
                self._add(key, Entry(at, version, outcomes.get(key)))

    def _add(self, key: str, entry: Entry) -> None:
        """Adds the entry, if the key was something else before. One that was made since begins with not being there."""
        of_key = self.entries.get(key)
        if of_key is None and self._all and entry.outcome is None:
            return  # nobody has asked for what is not there
        if of_key is None:
            new = [entry] if entry.version == self._first.version else [self._first, entry]
        else:
            new = [] if _alike(of_key[-1].outcome, entry.outcome) else [entry]
        if self._full or self._count + len(new) > MAX_ENTRIES:
            self._full = self.truncated = True
            return
        self._count += len(new)
        self.entries.setdefault(key, []).extend(new)


def _alike(before: Evaluation | None, after: Evaluation | None) -> bool:
    if before is None or after is None:
        return before is after
    return before is after or (before.reason == after.reason and equal(before.value, after.value))
