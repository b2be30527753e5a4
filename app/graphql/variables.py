"""Variables, checked against their types before anything reads them: each fault at its path, in REST's words.

GraphQL's own coercion names one fault at a time, in words of its own, and quotes what was sent.
"""

from functools import cache
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    parse,
    type_from_ast,
)

from app.domain.errors import invalid, invalid_at
from app.engine.faults import FaultPath, Faults
from app.engine.suggestions import did_you_mean, unknown
from app.graphql.limits import MAX_CHARACTERS, MAX_TOKENS, MAX_VALUES

MIN_INT, MAX_INT = -(2**31), 2**31 - 1
_SCALARS: dict[str, tuple[tuple[type, ...], str]] = {
    "String": ((str,), "Must be a string."),
    "ID": ((str,), "Must be a string."),
    "Int": ((int,), "Must be an integer."),
    "Float": ((int, float), "Must be a number."),
    "Boolean": ((bool,), "Must be true or false."),
}


def check_variables(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: dict[str, Any]) -> None:
    """Raises `invalid_request` for too many values, or with every fault.

    Paths of an operation's `input` begin below it, so that they are those of REST's body.
    """
    faults: Faults = {}
    check = _Check()
    for definition in operation.variable_definitions or ():
        name, declared = definition.variable.name.value, type_from_ast(schema, definition.type)
        where = FaultPath(faults, f"variables.{name}")
        if name in variables:
            inside = FaultPath(faults, "") if _is_input(schema, declared) else where
            check.value(variables[name], declared, where, inside)
        elif isinstance(declared, GraphQLNonNull) and definition.default_value is None:
            where.add("Is required.")
    if faults:
        raise invalid(faults)


def inputs_of(schema: GraphQLSchema, document: object, operation_name: object) -> set[str]:
    """The names of the variables that are an operation's `input`, in a document that need not be a valid one."""
    if not isinstance(document, str) or len(document) > MAX_CHARACTERS:
        return set()
    try:
        definitions = parse(document, max_tokens=MAX_TOKENS).definitions
    except GraphQLError:
        return set()
    return {
        variable.variable.name.value
        for operation in definitions
        if isinstance(operation, OperationDefinitionNode)
        and (not operation_name or (operation.name is not None and operation.name.value == operation_name))
        for variable in operation.variable_definitions or ()
        if _is_input(schema, type_from_ast(schema, variable.type))
    }


class _Check:
    """Counts the values, which take time each when they are read."""

    def __init__(self) -> None:
        self._counted = 0

    def value(self, value: Any, declared: Any, where: FaultPath, inside: FaultPath | None = None) -> None:
        """Adds what is wrong with a value at `where`. What is in it is `inside`, if that is elsewhere."""
        self._counted += 1
        if self._counted > MAX_VALUES:
            raise invalid_at("variables", f"The variables hold more than {MAX_VALUES} values.")
        of, inside = declared, inside or where
        if isinstance(declared, GraphQLNonNull):
            of = declared.of_type
        elif value is None:
            return
        if isinstance(of, GraphQLInputObjectType):
            self._members(value, of, where, inside)
        elif isinstance(of, GraphQLList):
            self._entries(value, of, where)
        elif (fault := _fault_of_leaf(value, of)) is not None:
            where.add(fault)

    def _entries(self, value: Any, of: GraphQLList[Any], where: FaultPath) -> None:
        if isinstance(value, list):
            for index, entry in enumerate(value):
                self.value(entry, of.of_type, where.at(index))
        else:
            where.add("Must be a list.")

    def _members(self, value: Any, of: GraphQLInputObjectType, where: FaultPath, inside: FaultPath) -> None:
        if not isinstance(value, dict):
            where.add("Must be an object.")
            return
        found = len(where.faults)
        for name, member in value.items():
            if name in of.fields:
                self.value(member, of.fields[name].type, inside.at(name))
            else:
                self._counted += 1
                inside.at(name).add(unknown("field", name, of.fields, len(inside.faults)))
        for name, field in of.fields.items():
            if name not in value and isinstance(field.type, GraphQLNonNull):
                inside.at(name).add("Is required.")
        one_of = of.extensions["strawberry-definition"].is_one_of
        if one_of and len(where.faults) == found and (len(value) != 1 or None in value.values()):
            *others, last = of.fields
            where.add(f"Must have exactly one of {', '.join(others)} and {last}.")


def _fault_of_leaf(value: Any, of: Any) -> str | None:
    if isinstance(of, GraphQLEnumType):
        known = isinstance(value, str) and value in of.values
        return None if known else f"Must be one of {', '.join(of.values)}.{did_you_mean(value, of.values)}"
    types, fault = _SCALARS.get(of.name, ((), ""))
    if types and type(value) not in types:
        return fault
    if value is None:
        return "Must not be null."
    if of.name == "Int" and not MIN_INT <= value <= MAX_INT:
        return f"Must be between {MIN_INT} and {MAX_INT}."
    return None


def _is_input(schema: GraphQLSchema, declared: Any) -> bool:
    """Whether a variable is what an operation takes as its one `input`."""
    of = declared.of_type if isinstance(declared, GraphQLNonNull) else declared
    return of in _inputs(schema)


@cache
def _inputs(schema: GraphQLSchema) -> frozenset[GraphQLInputType]:
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    fields = [field for root in roots if root is not None for field in root.fields.values()]
    return frozenset(get_named_type(field.args["input"].type) for field in fields if "input" in field.args)
