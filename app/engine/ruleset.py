"""An environment's ruleset as it is served: compiled to be evaluated, and encoded to be read, at one version.

A Ruleset never changes; a later version is another one that shares what did not change. Texts are the canonical JSON
that is stored, so that encoding a ruleset decodes nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.engine import json_text
from app.engine.compiler import compile_primitive
from app.engine.kinds import FlagType, Kind, check_value
from app.engine.paths import FieldPath
from app.engine.references import references_of
from app.engine.rules import parse_rules
from app.engine.snapshot import CompiledPrimitive, CompiledRuleset, PrimitiveState


class DamagedState(ValueError):
    """A stored state that nothing of ours has written so; it cannot be evaluated."""


@dataclass(frozen=True, slots=True)
class StoredState:
    """A flag's state as an environment stores it; `default_value` and `rules` are JSON text."""

    key: str
    type: str
    default_value: str
    rules: str
    killed: bool


@dataclass(frozen=True, slots=True)
class Served:
    """A state ready to serve: compiled, and its part of the ruleset document as JSON text."""

    compiled: CompiledPrimitive
    document: bytes


def prepare(stored: StoredState) -> Served:
    """Compiles a stored state. Raises DamagedState."""
    try:
        faults: dict[str, str] = {}
        value_type = FlagType(stored.type)
        default = json_text.decode(stored.default_value.encode())
        check_value(value_type, default, "defaultValue", faults)
        rules = parse_rules(
            json_text.decode(stored.rules.encode()),
            "rules",
            faults,
            lambda value, path, found: check_value(value_type, value, path, found),
        )
    except ValueError as fault:
        raise DamagedState(f"{stored.key}: {fault}") from fault
    if faults:
        raise DamagedState(f"{stored.key}: {faults}")
    compiled = compile_primitive(PrimitiveState(Kind.FLAG, stored.key, stored.type, default, rules, stored.killed))
    return Served(compiled, _document(stored))


def _document(stored: StoredState) -> bytes:
    killed = "true" if stored.killed else "false"
    text = f'{{"type":"{stored.type}","defaultValue":{stored.default_value},"killed":{killed},"rules":{stored.rules}}}'
    return text.encode()


class Ruleset:
    """All states of one environment at one version."""

    __slots__ = ("_encoded", "compiled", "flags")

    def __init__(self, compiled: CompiledRuleset, flags: Mapping[str, bytes]) -> None:
        """`flags` has the document of each flag, by key."""
        self.compiled = compiled
        self.flags = flags
        self._encoded: bytes | None = None

    @classmethod
    def of(cls, environment_id: str, version: int, target_id_field: str, states: Iterable[StoredState]) -> "Ruleset":
        """From all stored states of an environment. Raises DamagedState."""
        served = [prepare(state) for state in states]
        compiled = CompiledRuleset(
            environment_id=environment_id,
            version=version,
            target_id_path=FieldPath.of(target_id_field),
            primitives={one.compiled.state.key: one.compiled for one in served},
            segments={},
        )
        return cls(compiled, {one.compiled.state.key: one.document for one in served})

    @property
    def environment_id(self) -> str:
        return self.compiled.environment_id

    @property
    def version(self) -> int:
        return self.compiled.version

    @property
    def target_id_field(self) -> str:
        """The context field that ids are taken from."""
        return self.compiled.target_id_path.text

    def with_changes(
        self, version: int, target_id_field: str, changed: Iterable[StoredState], removed: Collection[str]
    ) -> "Ruleset":
        """The ruleset of a later version; only what changed is compiled. Raises DamagedState."""
        served = [prepare(state) for state in changed]
        compiled = self.compiled.with_changes(
            version, (one.compiled for one in served), removed, target_id_path=FieldPath.of(target_id_field)
        )
        flags = dict(self.flags)
        for key in removed:
            flags.pop(key, None)
        flags.update((one.compiled.state.key, one.document) for one in served)
        return Ruleset(compiled, flags)

    def needed(self, keys: Iterable[str]) -> frozenset[str]:
        """The keys, and the prerequisites that it takes to evaluate them."""
        needed, ahead = set[str](), list(keys)
        while ahead:
            key = ahead.pop()
            if key not in needed and (primitive := self.compiled.primitives.get(key)) is not None:
                needed.add(key)
                references = references_of(primitive.state.rules)
                ahead.extend(one.target.key for one in references if one.target.kind == "primitive")
        return frozenset(needed)

    def encoded(self, keys: Collection[str] | None = None) -> bytes:
        """The ruleset document: of all flags, put together when first asked for, or of `keys` only."""
        if keys is not None:
            return self._encode({key: document for key, document in self.flags.items() if key in keys})
        if self._encoded is None:
            self._encoded = self._encode(self.flags)
        return self._encoded

    def _encode(self, flags: Mapping[str, bytes]) -> bytes:
        head = json_text.encode(
            {"environmentId": self.environment_id, "version": self.version, "targetIdField": self.target_id_field}
        )
        members = b",".join(b'"%b":%b' % (key.encode(), document) for key, document in flags.items())
        return b'%b,"flags":{%b},"configs":{},"segments":{}}' % (head[:-1].encode(), members)


def document(ruleset: Ruleset, keys: Collection[str] | None = None) -> Any:
    """The ruleset document as JSON values, for those who look into it."""
    return orjson.loads(ruleset.encoded(keys))
