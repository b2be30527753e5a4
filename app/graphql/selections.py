"""What a document selects below a field."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    get_directive_values,
)
from graphql.execution.values import VariableValues


def selects(info: strawberry.Info[Any, Any], name: str) -> bool:
    """Whether the field `name` is selected directly below the field that is being resolved."""
    raw, values = info._raw_info, VariableValues({}, info.variable_values)  # noqa: SLF001
    below = (node.selection_set.selections for node in raw.field_nodes if node.selection_set is not None)
    spread: set[str] = set()
    return any(
        found.name.value == name for selections in below for found in _fields(raw.fragments, values, selections, spread)
    )


def _fields(
    fragments: Mapping[str, FragmentDefinitionNode],
    values: VariableValues,
    selections: Iterable[SelectionNode],
    spread: set[str],
) -> Iterator[FieldNode]:
    """The fields, those of fragments as well; each fragment is looked into once."""
    for selection in selections:
        if not _is_included(values, selection):
            continue
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            yield from _fields(fragments, values, selection.selection_set.selections, spread)
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
            spread.add(selection.name.value)
            inner = fragments[selection.name.value].selection_set.selections
            yield from _fields(fragments, values, inner, spread)


def _is_included(values: VariableValues, selection: SelectionNode) -> bool:
    if not selection.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, selection, values)
    include = get_directive_values(GraphQLIncludeDirective, selection, values)
    return not (skip and skip["if"]) and (not include or include["if"])
