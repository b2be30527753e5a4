"""What a document may ask for: limits on its text, and on the cost of running it. All are here, with how they count."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    GraphQLString,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_argument_values,
    get_named_type,
    get_nullable_type,
    get_variable_values,
    is_input_object_type,
    is_list_type,
    is_object_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues

from app.store.paging import DEFAULT_LIMIT, MAX_LIMIT

MAX_CHARACTERS = 100_000
MAX_TOKENS = 2000
MAX_DEPTH = 30
MAX_ALIASES = 30
MAX_DIRECTIVES = 50
MAX_MENTIONS = 100
MAX_COST = 100_000
MAX_VALUES = 10_000
LIST_LENGTH = 10


class Limit(NamedTuple):
    """A row of the table that is published."""

    name: str
    most: int
    counted: str


LIMITS = (
    Limit("characters", MAX_CHARACTERS, "characters of the document; values in variables do not count"),
    Limit("tokens", MAX_TOKENS, "words, numbers, texts and signs of the document"),
    Limit("depth", MAX_DEPTH, "fields and fragments within each other"),
    Limit("aliases", MAX_ALIASES, "aliases in the document"),
    Limit("directives", MAX_DIRECTIVES, "directives in the document"),
    Limit("mentions", MAX_MENTIONS, "how often the document has one field, or one alias"),
    Limit(
        "values",
        MAX_VALUES,
        "values in variables, each member of a list and of an input; what stands inside a `JSON` value does not count",
    ),
    Limit(
        "cost",
        MAX_COST,
        f"things with an id that the answer can hold: a connection counts its `first` or `last` ({DEFAULT_LIMIT} if it "
        f"has none), a plain list {LIST_LENGTH}; within each other they multiply, and a fragment counts wherever it is "
        "spread",
    ),
)


def check(document: DocumentNode) -> None:
    """Raises what stands against the text. It comes before validation, whose own work grows with these numbers."""
    census = _Census(document)
    for name, most, found in (
        ("aliases", MAX_ALIASES, census.aliases),
        ("directives", MAX_DIRECTIVES, census.directives),
    ):
        if found > most:
            raise GraphQLError(f"The document has {found} {name}; {most} are allowed.")
    for name, found in census.mentions.most_common(1):
        if found > MAX_MENTIONS:
            raise GraphQLError(f"The document has {name} {found} times; {MAX_MENTIONS} are allowed.")


def check_variables(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: dict[str, Any]) -> None:
    """Raises what stands against the variables. It comes before they are coerced, which takes time for each value."""
    values = _Values()
    for definition in operation.variable_definitions or ():
        if (of := type_from_ast(schema, definition.type)) is not None:
            values.count(variables.get(definition.variable.name.value), of)


class _Values:
    """How many values GraphQL reads by their types."""

    def __init__(self) -> None:
        self._counted = 0

    def count(self, value: Any, of: Any) -> None:
        self._counted += 1
        if self._counted > MAX_VALUES:
            raise GraphQLError(f"The variables hold more than {MAX_VALUES} values.")
        of = get_nullable_type(of)
        if is_list_type(of) and isinstance(value, list):
            for member in value:
                self.count(member, of.of_type)
        elif is_input_object_type(of) and isinstance(value, dict):
            for name in value:
                self.count(value[name], of.fields[name].type if name in of.fields else GraphQLString)


class _Census:
    """Counts once what each definition holds, and measures how deep the document goes."""

    def __init__(self, document: DocumentNode) -> None:
        self.aliases = 0
        self.directives = 0
        self.mentions: Counter[str] = Counter()
        self._fragments = _fragments(document)
        self._heights: dict[str, int] = {}
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self._count(definition)
                self._height(definition.selection_set, 1)
        for name in self._fragments:
            self._fragment_height(name, 1)

    def _height(self, selection_set: SelectionSetNode, level: int) -> int:
        """How many levels the selections are high; they begin at `level`."""
        _require_depth(level)
        return 1 + max(self._height_below(selection, level + 1) for selection in selection_set.selections)

    def _height_below(self, selection: SelectionNode, level: int) -> int:
        self.directives += len(selection.directives or ())
        if isinstance(selection, FragmentSpreadNode):
            return self._fragment_height(selection.name.value, level)
        if isinstance(selection, FieldNode):
            self.aliases += selection.alias is not None
            self.mentions[(selection.alias or selection.name).value] += 1
        inner: SelectionSetNode | None = getattr(selection, "selection_set", None)
        return 0 if inner is None else self._height(inner, level)

    def _fragment_height(self, name: str, level: int) -> int:
        if name in self._heights:
            _require_depth(level + self._heights[name] - 1)
        elif (fragment := self._fragments.get(name)) is not None:
            self._heights[name] = 0  # while it is measured: a fragment within itself is refused by validation
            self._count(fragment)
            self._heights[name] = self._height(fragment.selection_set, level)
        return self._heights.get(name, 0)

    def _count(self, definition: ExecutableDefinitionNode) -> None:
        self.directives += len(definition.directives or ())
        self.directives += sum(len(one.directives or ()) for one in definition.variable_definitions or ())


def _require_depth(level: int) -> None:
    if level > MAX_DEPTH:
        raise GraphQLError(f"The document is more than {MAX_DEPTH} fields and fragments deep.")


def check_cost(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]
) -> None:
    """Raises when the answer to a valid document could be too large."""
    values = get_variable_values(schema, operation.variable_definitions or (), variables)
    if isinstance(values, list):
        return  # the variables are at fault, so nothing will be run
    root = schema.get_root_type(operation.operation)
    cost = 0 if root is None else _Cost(schema, _fragments(document), values).of(operation.selection_set, root)
    if cost > MAX_COST:
        raise GraphQLError(
            f"The document costs {cost}; {MAX_COST} are allowed. "
            f"Ask for smaller parts: a connection without `first` or `last` counts as {DEFAULT_LIMIT}."
        )


class _Cost:
    """Reckons the cost of selections, that of a fragment only once, so that the work grows as the document does."""

    def __init__(
        self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], values: VariableValues
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._values = values
        self._known: dict[str, int] = {}

    def of(self, selection_set: SelectionSetNode, parent: GraphQLNamedType) -> int:
        """What the selections of one `parent` cost."""
        return sum(self._selected(selection, parent) for selection in selection_set.selections)

    def _selected(self, selection: SelectionNode, parent: GraphQLNamedType) -> int:
        if isinstance(selection, FieldNode):
            return 0 if selection.selection_set is None else self._field(selection, selection.selection_set, parent)
        if isinstance(selection, FragmentSpreadNode):
            return self._fragment(selection.name.value)
        if isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition
            return self.of(selection.selection_set, parent if condition is None else self._type(condition.name.value))
        raise TypeError(selection.kind)

    def _fragment(self, name: str) -> int:
        if name not in self._known:
            fragment = self._fragments[name]
            self._known[name] = self.of(fragment.selection_set, self._type(fragment.type_condition.name.value))
        return self._known[name]

    def _field(self, node: FieldNode, selection_set: SelectionSetNode, parent: GraphQLNamedType) -> int:
        definition = self._schema.get_field(parent, node.name.value)  # type: ignore[arg-type]
        if definition is None:
            raise LookupError(node.name.value)
        found = get_named_type(definition.type)
        below = self.of(selection_set, found)
        if _is_part_of_connection(parent):
            return below
        if _is_connection(found):
            return self._page_size(definition, node) * (1 + below)
        times = LIST_LENGTH if is_list_type(get_nullable_type(definition.type)) else 1
        return times * (_weight(found) + below)

    def _page_size(self, definition: GraphQLField, node: FieldNode) -> int:
        """How many are asked for, within what the list allows: more are refused when it is read."""
        try:
            given = get_argument_values(definition, node, self._values)
        except GraphQLError:
            return DEFAULT_LIMIT  # the field will be refused for it
        wanted = given.get("first") or given.get("last") or DEFAULT_LIMIT
        return min(max(int(wanted), 1), MAX_LIMIT)

    def _type(self, name: str) -> GraphQLNamedType:
        return self._schema.type_map[name]


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}


def _is_connection(found: GraphQLNamedType) -> bool:
    return found.name.endswith("Connection")


def _is_part_of_connection(found: GraphQLNamedType) -> bool:
    """What a connection holds was counted with it."""
    return found.name.endswith(("Connection", "Edge"))


def _weight(found: GraphQLNamedType) -> int:
    """What has an id is fetched; what has none comes with it, but for the schema's own description, which is long."""
    interfaces: Iterable[Any] = found.interfaces if is_object_type(found) else ()
    fetched = found.name == "Node" or any(one.name == "Node" for one in interfaces)
    return int(fetched or found.name.startswith("__"))
