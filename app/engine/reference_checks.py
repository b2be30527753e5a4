"""Checks that references resolve, and create neither a cycle nor a chain of more than 20.

A chain is counted as a whole: through the states that refer to the saved one as well as those that it refers to. The
check visits only states that can be reached from the saved ones in either direction.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from app.engine.faults import Faults
from app.engine.reference_graph import ReferenceGraph
from app.engine.references import Node, Reference

MAX_CHAIN = 20


def check_references(saved: Mapping[Node, Sequence[Reference]], graph: ReferenceGraph, faults: Faults) -> None:
    """Add to `faults` each reference of the saved states that does not resolve, or is part of a cycle or long chain.

    `graph` is the environment as it would be after the write.
    """
    chains = _Chains(graph, graph.needs(saved) | graph.users(saved))
    for source, references in saved.items():
        for path, target in references:
            if target not in graph:
                faults.setdefault(path, f"There is no {_WORDS[target.kind]} {target.key!r} in this environment.")
            elif chains.component[source] == chains.component[target]:
                faults.setdefault(path, "Creates a reference cycle.")
            elif chains.before[source] + 1 + chains.after[target] > MAX_CHAIN:
                faults.setdefault(path, f"Creates a chain of more than {MAX_CHAIN} references.")


_WORDS = {"segment": "segment", "primitive": "flag or config"}


class _Chains:
    """For each node its `component`, and the lengths of the longest chains `before` and `after` it.

    Nodes are in one component if each can be reached from the other. References within a component are not counted.
    """

    def __init__(self, graph: ReferenceGraph, nodes: Collection[Node]) -> None:
        order = _finishing_order(graph, nodes)
        self.component = _components(graph, order)
        self.before: defaultdict[Node, int] = defaultdict(int)
        self.after: defaultdict[Node, int] = defaultdict(int)
        for node in order:
            for target in self._onward(graph, node):
                self.after[node] = max(self.after[node], self.after[target] + 1)
        for node in reversed(order):
            for target in self._onward(graph, node):
                self.before[target] = max(self.before[target], self.before[node] + 1)

    def _onward(self, graph: ReferenceGraph, node: Node) -> Iterator[Node]:
        for target in graph.targets(node):
            if target in self.component and self.component[target] != self.component[node]:
                yield target


def _finishing_order(graph: ReferenceGraph, nodes: Collection[Node]) -> list[Node]:
    """`nodes`, each after all that it refers to, except in cycles. Not recursive, because chains can be long."""
    order: list[Node] = []
    seen: set[Node] = set()
    for start in nodes:
        if start in seen:
            continue
        seen.add(start)
        trail = [(start, iter(graph.targets(start)))]
        while trail:
            node, ahead = trail[-1]
            following = next((target for target in ahead if target in nodes and target not in seen), None)
            if following is None:
                trail.pop()
                order.append(node)
            else:
                seen.add(following)
                trail.append((following, iter(graph.targets(following))))
    return order


def _components(graph: ReferenceGraph, order: Sequence[Node]) -> dict[Node, Node]:
    """The strongly connected component of each node, named by one of its nodes (Kosaraju's algorithm)."""
    component: dict[Node, Node] = {}
    left = set(order)
    for name in reversed(order):
        ahead = [name] if name in left else []
        left.discard(name)
        while ahead:
            node = ahead.pop()
            component[node] = name
            found = graph.referrers(node) & left
            left -= found
            ahead.extend(found)
    return component
