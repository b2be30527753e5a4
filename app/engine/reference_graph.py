"""The references between the states of one environment, in both directions."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from app.engine.references import Node

_NONE: frozenset[Node] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceGraph:
    """An immutable snapshot with every node of the environment, including those without references."""

    _targets: Mapping[Node, frozenset[Node]] = field(default_factory=dict)
    _referrers: Mapping[Node, frozenset[Node]] = field(default_factory=dict)

    def __contains__(self, node: Node) -> bool:
        return node in self._targets

    def targets(self, node: Node) -> frozenset[Node]:
        return self._targets.get(node, _NONE)

    def referrers(self, node: Node) -> frozenset[Node]:
        return self._referrers.get(node, _NONE)

    def needs(self, nodes: Iterable[Node]) -> set[Node]:
        """`nodes` and all that they refer to, directly or not: what is needed to evaluate them."""
        return reach(nodes, self.targets)

    def users(self, nodes: Iterable[Node]) -> set[Node]:
        """`nodes` and all that refer to them, directly or not."""
        return reach(nodes, self.referrers)

    def with_changes(
        self, changed: Mapping[Node, Collection[Node]], removed: Collection[Node] = ()
    ) -> "ReferenceGraph":
        """The graph with other targets for some nodes and without others. What does not change is shared."""
        targets, referrers = dict(self._targets), dict(self._referrers)
        lost, gained = defaultdict[Node, set[Node]](set), defaultdict[Node, set[Node]](set)
        for node in {*changed, *removed}:
            for target in targets.pop(node, _NONE):
                lost[target].add(node)
        for node, found in changed.items():
            targets[node] = frozenset(found)
            for target in targets[node]:
                gained[target].add(node)
        for target in lost.keys() | gained.keys():
            referrers[target] = (referrers.get(target, _NONE) - lost[target]) | gained[target]
        return ReferenceGraph(targets, referrers)


def reach(nodes: Iterable[Node], step: Callable[[Node], Iterable[Node]]) -> set[Node]:
    """The nodes and all that the steps lead to from them."""
    reached = set(nodes)
    ahead = list(reached)
    while ahead:
        for node in step(ahead.pop()):
            if node not in reached:
                reached.add(node)
                ahead.append(node)
    return reached
