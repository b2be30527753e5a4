"""The JSON schemas of what REST takes and gives, from the commands and the shapes."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from app.http.accept import NDJSON
from app.rest.openapi.descriptions import MEMBERS, OF_SCHEMA
from app.rest.openapi.examples import Examples
from app.rest.openapi.rules import COMPONENTS, REASON, RULES
from app.rest.proposals import ProposalSchema
from app.rest.routing import Endpoint

REF = "#/components/schemas/{model}"
ERROR: dict[str, Any] = {
    "type": "object",
    "description": "The body of every error.",
    "required": ["code", "message", "requestId"],
    "additionalProperties": False,
    "properties": {
        "code": {"type": "string", "description": "For programs; the list is at `/api/v1/errors`."},
        "message": {"type": "string", "description": "For people; it may change."},
        "fields": {
            "type": "object",
            "description": "What is wrong, by dotted path.",
            "additionalProperties": {"type": "string"},
        },
        "requestId": {"type": "string", "pattern": "^req_[0-9a-f]{16}$"},
        "liveVersion": {"type": "integer", "description": "With `version_drift`: the environment's version now."},
        "proposedVersion": {"type": "integer", "description": "With `version_drift`: the version it was made for."},
        "environmentId": {
            "type": "string",
            "description": "With `version_drift` of a delete: the environment that has changed.",
        },
    },
}

OPEN_FEATURE_ERROR: dict[str, Any] = {
    "type": "object",
    "description": "The body of every error, with what clients of the protocol look for.",
    "required": [*ERROR["required"], "errorCode", "errorDetails"],
    "additionalProperties": False,
    "properties": {
        **{name: ERROR["properties"][name] for name in ("code", "message", "fields", "requestId")},
        "key": {"type": "string", "description": "The key that was asked for; absent where it was not one."},
        "errorCode": {
            "enum": ["FLAG_NOT_FOUND", "PARSE_ERROR", "INVALID_CONTEXT", "TARGETING_KEY_MISSING", "GENERAL"],
            "description": "The protocol's name for it.",
        },
        "errorDetails": {"type": "string", "description": "The message, with what is wrong in `fields`."},
    },
}
_DOCUMENT: dict[str, Any] = {
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "properties": {"openapi": {"type": "string"}, "info": {"type": "object"}, "paths": {"type": "object"}},
}


class _Generator(GenerateJsonSchema):
    """Pydantic's, without titles that repeat the names, and without `Schema` at the end of them."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def sort(self, value: Any, parent_key: str | None = None) -> Any:  # noqa: ARG002
        """Does not sort: the members of an example are in the order in which people read them."""
        return value

    def normalize_name(self, name: str) -> str:
        """The name of a component."""
        return super().normalize_name(name).removesuffix("Schema")


class Schemas:
    """The components of a route table, and the references to them."""

    def __init__(self, table: Iterable[Endpoint]) -> None:
        asked = {endpoint.query for endpoint in table}
        taken = {endpoint.body for endpoint in table if endpoint.body is not None}
        given = {endpoint.response for endpoint in table if endpoint.response is not None}
        wanted = [*_in_mode("validation", taken | asked), *_in_mode("serialization", given)]
        self._refs, generated = models_json_schema(wanted, ref_template=REF, schema_generator=_Generator)
        self.components: dict[str, Any] = {
            "Error": ERROR,
            "OpenFeatureError": OPEN_FEATURE_ERROR,
            **deepcopy(COMPONENTS),
            **generated["$defs"],
        }
        for name, schema in self.components.items():
            schema.pop("title", None)
            _refer_to_rules(name, schema.get("properties", {}))
            _describe(name, schema)
        models = {name: schema.pop("examples")[0] for name, schema in self.components.items() if "examples" in schema}
        self._examples = Examples(self.components, models)
        self._properties = {model: self._component(model).get("properties", {}) for model in taken | asked}
        for model in taken & {endpoint.body for endpoint in table if endpoint.method == "PATCH"}:
            _forget_defaults(self._properties[model], self.components)
        for model in asked:  # a set of parameters, and no component itself
            del self.components[self._name(model)]

    def body(self, endpoint: Endpoint, command: type[BaseModel]) -> dict[str, Any]:
        example = self._examples.body(self._name(command), endpoint.name)
        return {"application/json": {"schema": dict(self._refs[command, "validation"]), "example": example}}

    def answer(self, endpoint: Endpoint) -> dict[str, Any]:
        schema = self._given(endpoint)
        if endpoint.is_stream:
            return {"text/event-stream": {"schema": schema, "example": self._examples.answer(schema, endpoint.name)}}
        lines = {NDJSON: {"schema": {"type": "string"}}} if "format" in endpoint.parameters else {}
        return {
            **lines,
            "application/json": {"schema": schema, "example": self._examples.answer(schema, endpoint.name)},
        }

    def proposal(self) -> dict[str, Any]:
        """What a write is answered with that has become a proposal."""
        schema = dict(self._refs[ProposalSchema, "serialization"])
        return {"application/json": {"schema": schema, "example": self._examples.answer(schema, "getProposal")}}

    def _given(self, endpoint: Endpoint) -> dict[str, Any]:
        if endpoint.response is None:
            return _DOCUMENT
        one = dict(self._refs[endpoint.response, "serialization"])
        return {"type": "array", "items": one} if endpoint.is_list else one

    def parameters(self, endpoint: Endpoint) -> dict[str, Any]:
        """The schemas of a call's query parameters, by name."""
        properties = self._properties[(endpoint.method == "DELETE" and endpoint.body) or endpoint.query]
        return {name: _plain(schema) for name, schema in properties.items() if name in endpoint.parameters}

    def _component(self, model: type[BaseModel]) -> dict[str, Any]:
        found: dict[str, Any] = self.components[self._name(model)]
        return found

    def _name(self, model: type[BaseModel]) -> str:
        return str(self._refs[model, "validation"]["$ref"]).rpartition("/")[2]


Mode = Literal["validation", "serialization"]


def _in_mode(mode: Mode, models: Iterable[type[BaseModel]]) -> list[tuple[type[BaseModel], Mode]]:
    """The models with the mode, in an order that does not depend on the run."""
    return [(model, mode) for model in sorted(models, key=lambda model: model.__qualname__)]


def _refer_to_rules(name: str, properties: dict[str, Any]) -> None:
    """Says what the engine reads and makes, which commands and shapes take as any JSON."""
    if "rules" in properties and name != "Summary":  # which has their number
        properties["rules"] |= RULES
    if name in {"Evaluation", "Outcome"}:
        properties["reason"] = {**REASON}


def _describe(name: str, schema: dict[str, Any]) -> None:
    texts = MEMBERS | OF_SCHEMA.get(name, {})
    for member, of in schema.get("properties", {}).items():
        if member in texts:
            of.setdefault("description", texts[member])


def _forget_defaults(properties: dict[str, Any], components: dict[str, Any]) -> None:
    """What a PATCH does not name stays: its members, and theirs, have no defaults that a caller could notice."""
    for schema in properties.values():
        schema.pop("default", None)
        if "$ref" in schema:
            of = components[schema["$ref"].rpartition("/")[2]]
            _forget_defaults(of.get("properties", {}), components)


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without null, because a parameter in a query cannot be null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    kept = {name: value for name, value in schema.items() if name not in {"anyOf", "default"}}
    return {**kept, **choices[0]} if len(choices) == 1 else kept
