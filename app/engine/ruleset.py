"""An environment's ruleset as it is served: compiled to be evaluated, and encoded to be read, at one version.

A Ruleset never changes; a later version is another one that shares what did not change. Texts are the canonical JSON
that is stored, so that encoding a ruleset decodes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import starmap
from typing import Any, NamedTuple

import orjson

from app.engine import json_text
from app.engine.batches import Later, at_once
from app.engine.compiled import CompiledPrimitive, CompiledSegment
from app.engine.kinds import SPECS, Kind, check_typed_value
from app.engine.paths import FieldPath
from app.engine.reference_graph import reach
from app.engine.references import Node, node, references_of
from app.engine.rules import CheckValue, Rule, parse_rules, parse_segment_rules
from app.engine.snapshot import CompiledRuleset
from app.engine.states import PrimitiveState, SegmentState
from app.engine.target_ids import EntryChange


class DamagedState(ValueError):
    """A stored state that cannot be evaluated: something other than this product has written it."""


class StoredState(NamedTuple):
    """A primitive's state as an environment stores it; `default_value` and `rules` are JSON text.

    Segments have no `type` and no `default_value`; only they have lists, of target ids: all of them, or what a change
    adds to the state before and removes from it. `parsed` is `rules` where these have been parsed already: whoever
    checked them has paid for it.
    """

    kind: Kind
    key: str
    type: str | None
    default_value: str | None
    rules: str
    killed: bool = False
    allow_list: frozenset[str] | EntryChange = EntryChange()
    deny_list: frozenset[str] | EntryChange = EntryChange()
    parsed: tuple[Rule, ...] | None = None


class Document:
    """A state's part of the ruleset document as JSON text: its rules, and what stands before and after them.

    The lists of a segment are put into text when they are first asked for.
    """

    __slots__ = ("_after", "_before", "_segment", "rules")

    def __init__(self, stored: StoredState, compiled: CompiledPrimitive | CompiledSegment) -> None:
        self.rules = stored.rules.encode()
        self._after = b"}"
        self._segment = compiled.state if isinstance(compiled, CompiledSegment) else None
        if self._segment is not None:
            self._before = b'{"rules":'
            return
        killed = f'"killed":{"true" if stored.killed else "false"},' if stored.kind is Kind.FLAG else ""
        self._before = f'{{"type":"{stored.type}","defaultValue":{stored.default_value},{killed}"rules":'.encode()

    def encode(self) -> bytes:
        """The JSON object."""
        segment = self._segment  # another thread may be here at the same time
        if segment is not None:
            lists = {"allowList": sorted(segment.allow_list), "denyList": sorted(segment.deny_list)}
            self._after = b"," + orjson.dumps(lists)[1:]
            self._segment = None
        return b"%b%b%b" % (self._before, self.rules, self._after)


class Part(NamedTuple):
    """Some nodes of a ruleset, or all; with `since` what differs from that version, where `removed` were there, too."""

    nodes: frozenset[Node] | None = None
    since: int | None = None
    removed: frozenset[tuple[Kind, str]] = frozenset()


WHOLE = Part()


class Served(NamedTuple):
    """A state ready to serve: compiled, and its part of the ruleset document."""

    kind: Kind
    key: str
    compiled: CompiledPrimitive | CompiledSegment
    document: Document


def prepare(stored: StoredState, before: CompiledSegment | None = None) -> Served:
    """Compiles a stored state. `before` is what its lists are a change of. Raises DamagedState."""
    faults: dict[str, str] = {}
    compiled: CompiledPrimitive | CompiledSegment
    try:
        if stored.kind is Kind.SEGMENT:
            rules = _rules(stored, faults, None)
            lists = SegmentState(stored.key, (), frozenset(), frozenset()) if before is None else before.state
            allowed = _afterwards(stored.allow_list, lists.allow_list)
            denied = _afterwards(stored.deny_list, lists.deny_list)
            segment = SegmentState(stored.key, rules, allowed, denied)
            if before is not None and before.state.rules is rules:
                compiled = replace(before, state=segment)  # only lists have changed
            else:
                compiled = CompiledSegment.of(segment)
        else:
            compiled = _primitive(stored, faults)
    except ValueError as fault:
        raise DamagedState(f"{stored.key}: {fault}") from fault
    if faults:
        raise DamagedState(f"{stored.key}: {faults}")
    return Served(stored.kind, stored.key, compiled, Document(stored, compiled))


def _afterwards(ids: frozenset[str] | EntryChange, before: frozenset[str]) -> frozenset[str]:
    return ids.applied_to(before) if isinstance(ids, EntryChange) else ids


def _primitive(stored: StoredState, faults: dict[str, str]) -> CompiledPrimitive:
    kind, value_type = stored.kind, stored.type or ""
    if value_type not in list(SPECS[kind].types or ()):
        raise DamagedState(f"There is no type {value_type} of {kind}.")

    def check(value: Any, path: str, found: dict[str, str]) -> None:
        check_typed_value(kind, value_type, value, path, found)

    default = orjson.loads(stored.default_value or "")
    check(default, "defaultValue", faults)
    rules = _rules(stored, faults, check)
    return CompiledPrimitive(PrimitiveState(kind, stored.key, value_type, default, rules, stored.killed))


def _rules(stored: StoredState, faults: dict[str, str], check: CheckValue | None) -> tuple[Rule, ...]:
    if stored.parsed is not None:
        return stored.parsed
    rules = orjson.loads(stored.rules)
    if check is None:
        return parse_segment_rules(rules, "rules", faults, stored=True)
    return parse_rules(rules, "rules", faults, check, stored=True)


Documents = Mapping[Kind, Mapping[str, Document]]


class Ruleset:
    """All states of one environment at one version. `documents` has that of each state, by kind and key.

    `version_at` is when the version was made, where that is known: it tells the version from one of the same number
    that was made after the database was restored from a backup.
    """

    __slots__ = ("__weakref__", "compiled", "documents", "environment_id", "version", "version_at")

    def __init__(self, compiled: CompiledRuleset, documents: Documents, version_at: datetime | None = None) -> None:
        self.version_at = version_at
        self.environment_id = compiled.environment_id
        self.version = compiled.version
        self.compiled = compiled
        self.documents = documents

    @classmethod
    def of(
        cls,
        environment_id: str,
        version: int,
        target_id_field: str,
        states: Iterable[StoredState],
        version_at: datetime | None = None,
        later: Later = at_once,
    ) -> "Ruleset":
        """From all stored states of an environment; what takes long to prepare is done `later`. Raises DamagedState."""
        empty = CompiledRuleset(environment_id, version, FieldPath.of(target_id_field), {}, {}, later)
        first = cls(empty, {kind: {} for kind in Kind})
        return first.with_changes(version, target_id_field, states, version_at=version_at)

    @property
    def target_id_field(self) -> str:
        """The context field that ids are taken from."""
        return self.compiled.target_id_path.text

    def with_changes(
        self,
        version: int,
        target_id_field: str,
        changed: Iterable[StoredState],
        removed: Collection[tuple[Kind, str]] = (),
        version_at: datetime | None = None,
    ) -> "Ruleset":
        """The ruleset of a later version; only what changed is compiled. Raises DamagedState.

        Rules whose text has not changed are those of this one.
        """
        served = [prepare(self._with_known_rules(state), self._segment_before(state)) for state in changed]
        compiled = self.compiled.with_changes(
            version,
            (one.compiled for one in served),
            [key for kind, key in removed if kind is not Kind.SEGMENT],
            [key for kind, key in removed if kind is Kind.SEGMENT],
            FieldPath.of(target_id_field),
        )
        touched = {one.kind for one in served} | {kind for kind, _ in removed}
        documents = dict(self.documents)
        for kind in touched:
            of_kind = {**self.documents[kind], **{one.key: one.document for one in served if one.kind is kind}}
            for _, key in (one for one in removed if one[0] is kind):
                of_kind.pop(key, None)
            documents[kind] = of_kind
        return Ruleset(compiled, documents, version_at)

    def _with_known_rules(self, stored: StoredState) -> StoredState:
        document = self.documents[stored.kind].get(stored.key)
        if stored.parsed is not None or document is None or document.rules != stored.rules.encode():
            return stored
        of_kind = self.compiled.segments if stored.kind is Kind.SEGMENT else self.compiled.primitives
        return stored._replace(parsed=of_kind[stored.key].state.rules)

    def _segment_before(self, stored: StoredState) -> CompiledSegment | None:
        return self.compiled.segments.get(stored.key) if stored.kind is Kind.SEGMENT else None

    def readable(self, sees: Callable[[Kind, str], bool]) -> list[tuple[Kind, str]]:
        """The keys of all that one may read."""
        return [(kind, key) for kind, of in self.documents.items() for key in of if sees(kind, key)]

    def needed(self, keys: Iterable[tuple[Kind, str]]) -> dict[Node, Kind]:
        """What the keys name, and the segments and prerequisites that it takes to evaluate them."""
        found = ((one, self.kind_of(one)) for one in reach(starmap(node, keys), self.targets))
        return {one: kind for one, kind in found if kind is not None}

    def users(self, nodes: Iterable[Node]) -> set[Node]:
        """They, and all that refer to them, directly or not."""
        referrers = defaultdict[Node, list[Node]](list)
        for kind, documents in self.documents.items():
            for key, document in documents.items():
                # Nearly no rules refer to anything, and to know it of their text costs little.
                if b'"$segment"' in document.rules or b'"$flag"' in document.rules:
                    source = node(kind, key)
                    for target in self.targets(source):
                        referrers[target].append(source)
        return reach(nodes, lambda target: referrers.get(target, ()))

    def stored(self, kind: Kind, key: str) -> StoredState | None:
        """The state as it is stored; its lists are those of this ruleset, unless it is given others."""
        document, found = self.documents[kind].get(key), self._compiled(node(kind, key))
        if document is None or found is None:
            return None
        rules, state = document.rules.decode(), found.state
        if isinstance(state, SegmentState):
            return StoredState(kind, key, None, None, rules)
        return StoredState(kind, key, state.type, json_text.encode(state.default_value), rules, state.killed)

    def kind_of(self, one: Node) -> Kind | None:
        found = self._compiled(one)
        return None if found is None else (found.state.kind if isinstance(found, CompiledPrimitive) else Kind.SEGMENT)

    def targets(self, one: Node) -> list[Node]:
        """What the rules refer to."""
        found = self._compiled(one)
        return [] if found is None else [reference.target for reference in references_of(found.state.rules)]

    def _compiled(self, one: Node) -> CompiledPrimitive | CompiledSegment | None:
        return (self.compiled.segments if one.kind == Kind.SEGMENT else self.compiled.primitives).get(one.key)

    def encode(self, part: Part = WHOLE) -> bytes:
        """The ruleset document, or that of a part."""
        documents = self.documents
        if part.nodes is not None:
            # A difference is small: not all that there is, is looked at for it.
            few = None if part.since is None else sorted({one.key for one in part.nodes})
            documents = {
                kind: {
                    key: of[key] for key in (of if few is None else few) if key in of and node(kind, key) in part.nodes
                }
                for kind, of in documents.items()
            }
        about = {"environmentId": self.environment_id, "version": self.version, "targetIdField": self.target_id_field}
        if part.since is not None:
            removed = {SPECS[kind].plural: sorted(key for of, key in part.removed if of is kind) for kind in documents}
            about |= {"since": part.since, "removed": removed}
        head = json_text.encode(about)
        members = b",".join(
            b'"%b":{%b}'
            % (
                SPECS[kind].plural.encode(),
                b",".join(b'"%b":%b' % (key.encode(), document.encode()) for key, document in of.items()),
            )
            for kind, of in documents.items()
        )
        return b"%b,%b}" % (head[:-1].encode(), members)


def document(ruleset: Ruleset, part: Part = WHOLE) -> Any:
    """The ruleset document as JSON values, for those who look into it."""
    return orjson.loads(ruleset.encode(part))
