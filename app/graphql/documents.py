"""Documents are parsed, checked against the limits and validated once, and cached by their text."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_variable_values,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.domain.errors import invalid
from app.graphql.context import Context
from app.graphql.limits import (
    MAX_CHARACTERS,
    MAX_TOKENS,
    Costs,
    check,
    check_cost,
    costs_of,
    root_fields,
)
from app.graphql.variables import check_variables
from app.http.authentication import take_from_buckets

MAX_FAULTS = 20  # each quotes the document, and is searched for what was meant
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
KEPT_CHARACTERS = 250_000  # a parsed character takes up to 180 bytes, 50 as a rule


class Document(NamedTuple):
    """A document, what validation found, and what a valid one costs."""

    ast: DocumentNode
    faults: list[GraphQLError]
    costs: Costs

    @property
    def operations(self) -> dict[str | None, OperationDefinitionNode]:
        return {
            one.name.value if one.name else None: one
            for one in self.ast.definitions
            if isinstance(one, OperationDefinitionNode)
        }

    @property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        return {one.name.value: one for one in self.ast.definitions if isinstance(one, FragmentDefinitionNode)}


class Documents:
    """The documents used last, as many as `most` characters hold: no caller can fill the memory with them."""

    def __init__(self, most: int = KEPT_CHARACTERS) -> None:
        self._most = most
        self._characters = 0
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def read(self, schema: GraphQLSchema, text: str) -> Document:
        """The document. Raises GraphQLError where it cannot be parsed or asks for too much."""
        if (found := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
            return found
        found = _read(schema, text)
        self._keep(text, found)
        return found

    def _keep(self, text: str, document: Document) -> None:
        self._kept[text] = document
        self._characters += len(text)
        while self._characters > self._most:
            oldest, _ = self._kept.popitem(last=False)
            self._characters -= len(oldest)


def _read(schema: GraphQLSchema, text: str) -> Document:
    if len(text) > MAX_CHARACTERS:
        raise GraphQLError(f"The document has more than {MAX_CHARACTERS} characters; long values go into variables.")
    ast = parse(text, max_tokens=MAX_TOKENS)
    check(ast)
    faults = validate(schema, ast, RULES, max_errors=MAX_FAULTS)
    return Document(ast, faults, Costs({}, {}) if faults else costs_of(schema, ast))


class Prepared(SchemaExtension):
    """Gives Strawberry the document as it was read, and refuses one that, with these variables, is too much."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._document: Document

    def on_parse(self) -> Iterator[None]:
        """Replaces Strawberry's parser."""
        run = self.execution_context
        self._document = self._documents.read(run.schema._schema, run.query or "")  # noqa: SLF001
        if len(self._document.operations) > 1 and run._provided_operation_name is None:  # noqa: SLF001
            raise invalid({"operationName": "Is required, for the document has several operations."})
        run.graphql_document = self._document.ast
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        """Replaces Strawberry's validation."""
        run, document = self.execution_context, self._document
        run.pre_execution_errors = list(document.faults)
        if not document.faults:
            schema, operation = run.schema._schema, document.operations[run.operation_name]  # noqa: SLF001
            check_variables(schema, operation, run.variables or {})
            values = get_variable_values(schema, operation.variable_definitions or (), run.variables or {})
            if not isinstance(values, list):  # else they are at fault, and nothing will be run
                check_cost(operation, document.costs, values)
                await _count(run.context, len(root_fields(operation, document.fragments, values)))
        yield


async def _count(context: Context, fields: int) -> None:
    """The root fields of an operation as requests. Authentication has counted one."""
    info = context.request
    if not info.buckets or fields < 2:  # noqa: PLR2004
        return
    most = min(bucket.limit for bucket in info.buckets)
    if fields > most:
        raise invalid({"query": f"The operation has {fields} root fields, and you have {most} requests a minute."})
    await take_from_buckets(context.node, info, fields - 1)
