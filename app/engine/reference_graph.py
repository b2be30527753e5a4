"""Who refers to whom among the states of one environment, kept in both directions."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from app.engine.references import Node

_NONE: frozenset[Node] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceGraph:
    """An immutable snapshot; it has every node of the environment, those that refer to nothing too."""

    _targets: Mapping[Node, frozenset[Node]] = field(default_factory=dict)
    _referrers: Mapping[Node, frozenset[Node]] = field(default_factory=dict)

    def __contains__(self, node: Node) -> bool:
        return node in self._targets

    def targets(self, node: Node) -> frozenset[Node]:
        return self._targets.get(node, _NONE)

    def referrers(self, node: Node) -> frozenset[Node]:
        return self._referrers.get(node, _NONE)

    def needs(self, nodes: Iterable[Node]) -> set[Node]:
        """`nodes` and all that they lead to: what it takes to evaluate them."""
        return _reach(nodes, self.targets)

    def users(self, nodes: Iterable[Node]) -> set[Node]:
        """`nodes` and all that lead to them."""
        return _reach(nodes, self.referrers)

    def with_changes(
        self, changed: Mapping[Node, Collection[Node]], removed: Collection[Node] = ()
    ) -> "ReferenceGraph":
        """The graph after some nodes got other targets and some went. What did not change is shared."""
        targets, referrers = dict(self._targets), dict(self._referrers)
        gone, come = defaultdict[Node, set[Node]](set), defaultdict[Node, set[Node]](set)
        for node in {*changed, *removed}:
            for target in targets.pop(node, _NONE):
                gone[target].add(node)
        for node, found in changed.items():
            targets[node] = frozenset(found)
            for target in targets[node]:
                come[target].add(node)
        for target in gone.keys() | come.keys():
            referrers[target] = (referrers.get(target, _NONE) - gone[target]) | come[target]
        return ReferenceGraph(targets, referrers)


def _reach(nodes: Iterable[Node], step: Callable[[Node], Iterable[Node]]) -> set[Node]:
    reached = set(nodes)
    ahead = list(reached)
    while ahead:
        for node in step(ahead.pop()):
            if node not in reached:
                reached.add(node)
                ahead.append(node)
    return reached
