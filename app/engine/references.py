"""The references that rules make: every `$segment` and `$flag` with its path."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.engine.conditions import Condition, Junction, Negation, Prerequisite, SegmentReference
from app.engine.rules import Rule


class Node(NamedTuple):
    """What can be referred to. Flags and configs share one key space: `kind` is `primitive` or `segment`."""

    kind: str
    key: str


class Reference(NamedTuple):
    """One `$segment` or `$flag`: its path and what it names."""

    path: str
    target: Node


def primitive(key: str) -> Node:
    """The node of flag or config `key`."""
    return Node("primitive", key)


def segment(key: str) -> Node:
    """The node of segment `key`."""
    return Node("segment", key)


def node(kind: str, key: str) -> Node:
    """The node of the key of a flag, config or segment."""
    return segment(key) if kind == "segment" else primitive(key)


def references_of(rules: Sequence[Rule], path: str = "rules") -> list[Reference]:
    """Every reference in `rules`, in their order. `path` is the path of the rules."""
    found: list[Reference] = []
    for index, rule in enumerate(rules):
        if rule.condition is not None:
            found.extend(_in_condition(rule.condition, f"{path}.{index}.if"))
    return found


def _in_condition(condition: Condition, path: str) -> Iterator[Reference]:
    match condition:
        case SegmentReference(key):
            yield Reference(f"{path}.$segment", segment(key))
        case Prerequisite(key):
            yield Reference(f"{path}.$flag", primitive(key))
        case Junction(operator, children):
            for index, child in enumerate(children):
                yield from _in_condition(child, f"{path}.{operator}.{index}")
        case Negation(child):
            yield from _in_condition(child, f"{path}.$not")
