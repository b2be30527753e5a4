"""JSON Schemas (draft 2020-12) that the values of a config must match, and what is wrong with either.

A schema can take exponential time to compile or to check, and no other thread runs meanwhile: whatever is callable here
is called in a process of its own (`runtime.schema_worker`), where it is cut off.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema_rs import (
    Draft202012,
    Draft202012Validator,
    ReferencingError,
    RegexOptions,
    Registry,
    Resolver,
    ValidationError,
    ValidationErrorKind,
)

from app.engine import json_text
from app.engine.faults import FaultPath, Faults
from app.engine.json_text import MAX_FAULTS, dotted_path

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DOES_NOT_MATCH = "Does not match the config's JSON Schema."
TOO_MUCH = "Takes too long to check, or too much memory. Simplify the JSON Schema or the value."

_MAX_MESSAGE = 200
_MAX_PATTERN_BYTES = 1024 * 1024  # of one compiled pattern
_ROOT = "json-schema:///"  # what a schema without `$id` is called, so that it can be referred to
_OPTIONS: dict[str, Any] = {
    "pattern_options": RegexOptions(size_limit=_MAX_PATTERN_BYTES),  # the engine whose time is linear
    "offline": True,  # a reference to another document fails, and nothing is opened
    "validate_formats": False,  # as the draft says: `format` is an annotation
    "mask": "The value",  # messages say what is wrong, and do not repeat what was sent
}
_META = Draft202012Validator({"$ref": DIALECT}, **_OPTIONS)
_ONE = (
    *("additionalProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "items", "contains"),
    *("not", "if", "then", "else", "contentSchema"),
)
_LISTS = ("prefixItems", "allOf", "anyOf", "oneOf")
_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_OTHER_DIALECT = f"Must be {DIALECT}, or left out: no other dialect is supported."
_ELSEWHERE = "Refers to something that is not in this schema. Other documents are never fetched."
_PATTERN = (
    "Must be a regular expression without look-around and back-references, "
    f"of at most {_MAX_PATTERN_BYTES >> 20} MiB when compiled."
)
_TYPES = "Must be array, boolean, integer, null, number, object or string, or a list of some of them."


def faults_of_schema(schema: Any, path: str) -> Faults:
    """What is wrong with a decoded schema itself, by path: of its form, references, patterns and dialects all."""
    faults: Faults = {}
    for error in islice(_META.iter_errors(schema), MAX_FAULTS):
        message = _TYPES if isinstance(error.kind, ValidationErrorKind.AnyOf) else None  # only `type` has a choice
        _add(error, path, faults, message)
    if faults:
        return faults
    elsewhere: set[str] = set()

    def retrieve(uri: str) -> bool:
        """Stands for every other document, and opens none."""
        elsewhere.add(uri)
        return True

    try:
        registry = Registry([(_ROOT, schema)], draft=Draft202012, retriever=retrieve)
        _check_parts(schema, registry.resolver(_ROOT), elsewhere, FaultPath(faults, path))
        if not faults:
            Draft202012Validator(schema, **_OPTIONS)
    except (ReferencingError, ValidationError, ValueError) as fault:
        faults.setdefault(path, _sentence(str(getattr(fault, "message", fault))))
    return faults


@lru_cache(maxsize=8)
def compiled(text: str) -> Draft202012Validator:
    """The validator of the text of a schema that has no faults."""
    return Draft202012Validator(json_text.decode(text.encode()), **_OPTIONS)


def faults_of_values(validator: Draft202012Validator, values: Sequence[tuple[str, Any]]) -> Faults:
    """What is wrong with each value, by its path and the path inside it."""
    faults: Faults = {}
    for path, value in values:
        for error in islice(validator.iter_errors(value), MAX_FAULTS):
            _add(error, path, faults)
        if len(faults) >= MAX_FAULTS:
            break
    return faults


def _check_parts(schema: Any, resolver: Resolver, elsewhere: set[str], where: FaultPath) -> None:
    """Whatever in a well-formed schema is a schema: its references, patterns and dialect."""
    if not isinstance(schema, dict):
        return
    if "$id" in schema:
        resolver = resolver.lookup(schema["$id"]).resolver
    if schema.get("$schema", DIALECT).rstrip("#") != DIALECT:
        where.at("$schema").add(_OTHER_DIALECT)
    for word in ("$ref", "$dynamicRef"):
        if word in schema and not _resolves(schema[word], resolver, elsewhere):
            where.at(word).add(_ELSEWHERE)
    _check_patterns(schema, where)
    for steps, part in _parts(schema):
        at = where
        for step in steps:
            at = at.at(step)
        _check_parts(part, resolver, elsewhere, at)


def _parts(schema: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    for word in _ONE:
        if word in schema:
            yield (word,), schema[word]
    for word in _LISTS:
        for index, part in enumerate(schema.get(word, ())):
            yield (word, index), part
    for word in _MAPS:
        for name, part in schema.get(word, {}).items():
            yield (word, name), part


def _resolves(reference: str, resolver: Resolver, elsewhere: set[str]) -> bool:
    try:
        return resolver.lookup(reference).resolver.base_uri.partition("#")[0] not in elsewhere
    except ReferencingError:
        return False


def _check_patterns(schema: dict[str, Any], where: FaultPath) -> None:
    if "pattern" in schema and not _compiles(schema["pattern"]):
        where.at("pattern").add(_PATTERN)
    for pattern in schema.get("patternProperties", ()):
        if not _compiles(pattern):
            where.at("patternProperties").at(pattern).add(_PATTERN)


def _compiles(pattern: str) -> bool:
    try:
        Draft202012Validator({"pattern": pattern}, **_OPTIONS)
    except ValidationError:
        return False
    return True


def _add(error: ValidationError, path: str, faults: Faults, message: str | None = None) -> None:
    """A member that is missing or too much is a fault at its own path."""
    steps, kind = error.instance_path, error.kind
    below: Sequence[str | int] = ()
    match kind:
        case ValidationErrorKind.Required():
            below, message = [kind.property], "Is required."
        case ValidationErrorKind.AdditionalProperties() | ValidationErrorKind.UnevaluatedProperties():
            below, message = kind.unexpected, "Is not allowed."
        case ValidationErrorKind.UnevaluatedItems():
            below, message = kind.unexpected, "Is not allowed."
        case ValidationErrorKind.FalseSchema():
            message = "Is not allowed."
        case ValidationErrorKind.Type():
            message = f"Must be of type {' or '.join(kind.types)}."
        case ValidationErrorKind.Contains():
            message = "Has too few or too many items that match the schema in `contains`."
        case ValidationErrorKind.Not():
            message = "Must not match the schema in `not`."
    for position in [[*steps, one] for one in below] or [steps]:
        if len(faults) < MAX_FAULTS:
            faults.setdefault(dotted_path(position, path), message or _sentence(error.message))


def _sentence(message: str) -> str:
    return f"{message}." if len(message) < _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}…"
