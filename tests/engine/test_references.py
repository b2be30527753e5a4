"""References: where they stand, who needs whom, circles and chains in graphs of any shape."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from app.engine.reference_checks import MAX_CHAIN, check_references
from app.engine.reference_graph import ReferenceGraph
from app.engine.references import Node, Reference, primitive, references_of, segment
from app.engine.rules import parse_rules
from tests.engine.rulesets import any_value

NODES = [primitive(str(number)) for number in range(6)]
graphs = st.dictionaries(st.sampled_from(NODES), st.sets(st.sampled_from(NODES)), max_size=6)


def environment(targets: dict[Node, set[Node]]) -> dict[Node, set[Node]]:
    return {node: targets.get(node, set()) for node in NODES}


def line(length: int) -> dict[Node, set[Node]]:
    """A chain of `length` references."""
    return {segment(str(n)): {segment(str(n + 1))} if n < length else set() for n in range(length + 1)}


def refused(saved: list[Node], targets: dict[Node, set[Node]]) -> set[tuple[Node, Node]]:
    faults: dict[str, str] = {}
    paths = {f"{n}>{t}": (n, t) for n in saved for t in targets[n]}
    references = {n: [Reference(f"{n}>{t}", t) for t in targets[n]] for n in saved}
    check_references(references, ReferenceGraph().with_changes(targets), faults)
    return {paths[path] for path in faults}


def test_references_stand_at_their_paths() -> None:
    condition = {
        "$and": [
            {"$segment": "staff"},
            {"$not": {"$or": [{"$flag": "base", "$equals": 1}, {"field": "x", "$exists": True}]}},
        ]
    }
    rules = parse_rules([{"value": 1}, {"if": condition, "value": 1}], "rules", {}, any_value)
    assert references_of(rules, "flags.checkout.rules") == [
        Reference("flags.checkout.rules.1.if.$and.0.$segment", segment("staff")),
        Reference("flags.checkout.rules.1.if.$and.1.$not.$or.0.$flag", primitive("base")),
    ]


def test_a_segment_and_a_flag_may_have_the_same_key() -> None:
    graph = ReferenceGraph().with_changes({segment("a"): [], primitive("a"): [segment("a")]})
    faults: dict[str, str] = {}
    check_references({primitive("a"): [Reference("p", segment("a"))]}, graph, faults)
    assert faults == {}


def test_messages() -> None:
    faults: dict[str, str] = {}
    graph = ReferenceGraph().with_changes({primitive("f"): [primitive("f"), segment("s"), primitive("g")]})
    references = [Reference("a", primitive("f")), Reference("b", segment("s")), Reference("c", primitive("g"))]
    check_references({primitive("f"): references}, graph, faults)
    assert faults == {
        "a": "Creates a reference cycle.",
        "b": "There is no segment 's' in this environment.",
        "c": "There is no flag or config 'g' in this environment.",
    }


@given(graphs, st.sets(st.sampled_from(NODES)))
def test_circles_are_refused_where_a_way_leads_back(targets: dict[Node, set[Node]], saved: set[Node]) -> None:
    targets = environment(targets)
    reach = {node: {node} for node in NODES}
    for _ in NODES:
        for node, other in product(NODES, NODES):
            if other in reach[node]:
                reach[node] |= targets[other]
    expected = {(node, target) for node in saved for target in targets[node] if node in reach[target]}
    assert refused(sorted(saved), targets) == expected


@given(st.integers(1, 30), st.integers(0, 29))
def test_a_chain_is_counted_whole_from_any_of_its_links(length: int, saved: int) -> None:
    node = segment(str(min(saved, length - 1)))
    assert bool(refused([node], line(length))) is (length > MAX_CHAIN)


def test_a_promotion_of_a_long_line_is_refused_link_by_link_and_without_recursion() -> None:
    targets = line(5_000)
    assert len(refused(list(targets), targets)) == 5_000


def test_of_two_ways_only_the_long_one_is_refused() -> None:
    targets = line(20) | {primitive("f"): {segment("0"), segment("1")}}
    assert refused([primitive("f")], targets) == {(primitive("f"), segment("0"))}


@given(graphs, graphs, st.sets(st.sampled_from(NODES)))
def test_changes_give_the_graph_that_is_built_anew(
    before: dict[Node, set[Node]], after: dict[Node, set[Node]], removed: set[Node]
) -> None:
    changed = {node: targets for node, targets in after.items() if node not in removed}
    left = {node: targets for node, targets in before.items() if node not in removed} | changed
    graph = ReferenceGraph().with_changes(before).with_changes(changed, removed)
    for node in NODES:
        assert (node in graph) is (node in left)
        assert graph.targets(node) == left.get(node, set())
        assert graph.referrers(node) == {other for other, targets in left.items() if node in targets}


def test_needs_and_users_reach_all_the_way() -> None:
    graph = ReferenceGraph().with_changes(line(3))
    assert graph.needs([segment("1")]) == {segment("1"), segment("2"), segment("3")}
    assert graph.users([segment("1")]) == {segment("1"), segment("0")}
