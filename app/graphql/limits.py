"""What a document may ask for: limits on its text, and on the cost of running it. All are here, with how they count."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    SKIP,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLNamedType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    VisitorAction,
    get_argument_values,
    get_directive_values,
    get_named_type,
    get_nullable_type,
    is_interface_type,
    is_list_type,
    is_object_type,
    visit,
)
from graphql.execution.values import VariableValues

from app.store.paging import DEFAULT_LIMIT, MAX_LIMIT

MAX_CHARACTERS = 100_000
MAX_TOKENS = 2000
MAX_DEPTH = 30
MAX_ALIASES = 30
MAX_DIRECTIVES = 50
MAX_MENTIONS = 100
MAX_COST = 200_000
MAX_RESPONSE = 15_000
CHARACTERS_AN_OBJECT = 256  # of rules and values in a response count as one
MAX_VALUES = 25_000  # as many as both lists of a segment have, and some
LIST_LENGTH = 100  # as many states as a flag has where a project has all the environments that it may have
SCHEMA_LIST_LENGTH, SCHEMA_WEIGHT = 10, 10


class Limit(NamedTuple):
    """A row of the table that is published."""

    name: str
    most: int
    counted: str


LIMITS = (
    Limit("characters", MAX_CHARACTERS, "characters of the document, without the values of variables"),
    Limit("tokens", MAX_TOKENS, "lexical tokens of the document"),
    Limit("depth", MAX_DEPTH, "levels of nested fields and fragments"),
    Limit("aliases", MAX_ALIASES, "aliases of the document"),
    Limit("directives", MAX_DIRECTIVES, "directives of the document"),
    Limit("mentions", MAX_MENTIONS, "occurrences of the same field or alias"),
    Limit(
        "values",
        MAX_VALUES,
        "values in variables, counting each entry of lists and inputs, but nothing inside a `JSON` value",
    ),
    Limit(
        "cost",
        MAX_COST,
        f"objects with an id that the response can contain. A connection counts its `first` or `last` ({DEFAULT_LIMIT} "
        f"without them), a plain list {LIST_LENGTH}; nested ones multiply, and a fragment counts wherever it is spread",
    ),
    Limit(
        "response",
        MAX_RESPONSE,
        "objects that the response really contains, each `viewerCan` and `viewerCannot`, and each "
        f"{CHARACTERS_AN_OBJECT} characters of rules and values; what is beyond the limit is null",
    ),
)


def check(document: DocumentNode) -> None:
    """Raises GraphQLError for a text beyond the limits. Called before validation, whose work grows with its size."""
    census = _Census()
    visit(document, census)
    if census.depth() > MAX_DEPTH:
        raise GraphQLError(f"The document is more than {MAX_DEPTH} fields and fragments deep.")
    for name, most, found in (
        ("aliases", MAX_ALIASES, census.aliases),
        ("directives", MAX_DIRECTIVES, census.directives),
    ):
        if found > most:
            raise GraphQLError(f"The document has {found} {name}; {most} are allowed.")
    for name, found in census.mentions.most_common(1):
        if found > MAX_MENTIONS:
            raise GraphQLError(f"The document has {name} {found} times; {MAX_MENTIONS} are allowed.")


class _Census(Visitor):
    """Counts what the text of each operation and fragment holds; `depth` follows the fragments."""

    def __init__(self) -> None:
        super().__init__()
        self.aliases = 0
        self.directives = 0
        self.mentions: Counter[str] = Counter()
        self._definition: str | int = ""  # a fragment's name, or a number for an operation
        self._level = 0
        self._levels: dict[str | int, int] = defaultdict(int)
        self._spreads: dict[str | int, list[tuple[int, str]]] = defaultdict(list)

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        self._definition = id(node)

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> None:
        self._definition = node.name.value

    def enter_selection_set(self, _: SelectionSetNode, *__: Any) -> None:
        self._level += 1
        self._levels[self._definition] = max(self._levels[self._definition], self._level)

    def leave_selection_set(self, _: SelectionSetNode, *__: Any) -> None:
        self._level -= 1

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.aliases += node.alias is not None
        self.mentions[(node.alias or node.name).value] += 1

    def enter_directive(self, _: DirectiveNode, *__: Any) -> None:
        self.directives += 1

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self._spreads[self._definition].append((self._level, node.name.value))

    def depth(self) -> int:
        """The most selections within each other, those of fragments included."""
        depths: dict[str | int, int] = {}
        return max((self._depth(definition, depths) for definition in list(self._levels)), default=0)

    def _depth(self, definition: str | int, depths: dict[str | int, int]) -> int:
        if definition not in depths:
            depths[definition] = 0  # while it is measured: a fragment within itself is refused by validation
            deepest = self._levels.get(definition, 0)
            for level, name in self._spreads.get(definition, ()):
                deepest = max(deepest, level + self._depth(name, depths))
            depths[definition] = deepest
        return depths[definition]


@dataclass(slots=True)
class Cost:
    """What selections cost: `times` their own `weight` and what is below them.

    Where the arguments of a connection say how many `times`, which may be in variables, `page` is their field.
    """

    weight: int = 0
    times: int = 1
    page: tuple[GraphQLField, FieldNode] | None = None
    below: list["Cost"] = field(default_factory=list)
    spreads: list[str] = field(default_factory=list)


class Costs(NamedTuple):
    """The costs of a document's operations and fragments, by name."""

    operations: dict[str | None, Cost]
    fragments: dict[str, Cost]


def costs_of(schema: GraphQLSchema, document: DocumentNode) -> Costs:
    """The costs in a valid document."""
    info = TypeInfo(schema)
    costs = _Costs(info)
    visit(document, TypeInfoVisitor(info, costs))
    return Costs(costs.operations, costs.fragments)


class _Costs(Visitor):
    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.operations: dict[str | None, Cost] = {}
        self.fragments: dict[str, Cost] = {}
        self._info = info
        self._within: list[Cost] = []

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        self._within = [Cost()]
        self.operations[node.name.value if node.name else None] = self._within[0]

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> None:
        self._within = [Cost()]
        self.fragments[node.name.value] = self._within[0]

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        if node.selection_set is not None:
            cost = self._cost_of(node)
            self._within[-1].below.append(cost)
            self._within.append(cost)

    def leave_field(self, node: FieldNode, *_: Any) -> None:
        if node.selection_set is not None:
            self._within.pop()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self._within[-1].spreads.append(node.name.value)

    def enter_argument(self, *_: Any) -> VisitorAction:
        return SKIP

    def _cost_of(self, node: FieldNode) -> Cost:
        parent, definition = self._info.get_parent_type(), self._info.get_field_def()
        if parent is None or definition is None:
            raise LookupError(node.name.value)
        found = get_named_type(definition.type)
        if parent.name.endswith(("Connection", "Edge")):
            return Cost()  # what a connection holds is counted with it
        if found.name.endswith("Connection"):
            return Cost(weight=1, page=(definition, node))
        if not is_list_type(get_nullable_type(definition.type)):
            return Cost(_weight(found))
        return Cost(_weight(found), SCHEMA_LIST_LENGTH if found.name.startswith("__") else LIST_LENGTH)


def _weight(found: GraphQLNamedType) -> int:
    """What has an id is fetched; what has none comes with it, but for the schema's own description, which is long."""
    interfaces: Any = found.interfaces if is_object_type(found) or is_interface_type(found) else ()
    if found.name.startswith("__"):
        return SCHEMA_WEIGHT
    return int(found.name == "Node" or any(one.name == "Node" for one in interfaces))


def root_fields(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], values: VariableValues
) -> dict[str, str]:
    """The fields of a valid operation that are run at its root, by their name in the answer, without `__typename`."""
    names: dict[str, str] = {}
    seen, waiting = set(), [*operation.selection_set.selections]
    while waiting:
        node = waiting.pop()
        skip = get_directive_values(GraphQLSkipDirective, node, values)
        include = get_directive_values(GraphQLIncludeDirective, node, values)
        if (skip and skip["if"]) or (include and not include["if"]):
            continue
        if isinstance(node, FieldNode):
            if node.name.value != "__typename":
                names[(node.alias or node.name).value] = node.name.value
        elif isinstance(node, InlineFragmentNode):
            waiting += node.selection_set.selections
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            waiting += fragments[node.name.value].selection_set.selections
    return names


def check_cost(operation: OperationDefinitionNode, costs: Costs, values: VariableValues) -> None:
    """Raises when the answer to a valid document could be too large."""
    cost = _total(costs.operations[operation.name.value if operation.name else None], costs.fragments, values, {})
    if cost > MAX_COST:
        raise GraphQLError(
            f"The document costs {cost}; {MAX_COST} are allowed. "
            f"Ask for smaller parts: a connection without `first` or `last` counts as {DEFAULT_LIMIT}."
        )


def _total(cost: Cost, fragments: dict[str, Cost], values: VariableValues, known: dict[str, int]) -> int:
    """Each fragment is computed once, so that the work is proportional to the document."""
    found = cost.weight
    for below in cost.below:
        found += _total(below, fragments, values, known)
    for name in cost.spreads:
        if name not in known:
            known[name] = _total(fragments[name], fragments, values, known)
        found += known[name]
    return (cost.times if cost.page is None else _page_size(*cost.page, values)) * found


def _page_size(definition: GraphQLField, node: FieldNode, values: VariableValues) -> int:
    """How many are asked for, within what the list allows: more are refused when it is read."""
    try:
        given = get_argument_values(definition, node, values)
    except GraphQLError:
        return DEFAULT_LIMIT  # the field will be refused for it
    wanted = given.get("first") or given.get("last") or DEFAULT_LIMIT
    return min(max(int(wanted), 1), MAX_LIMIT)
