"""Configs: values of any type that cannot be killed."""

from typing import Annotated, Any

from pydantic import Field

from app.domain.commands import Command, Slug, Text
from app.domain.named import Keys
from app.engine.kinds import CONFIG, ConfigType, Kind
from app.services.primitives import Described, Primitives, Reasoned

Value = Any  # of the config's type
Rules = Any  # a list, which is checked for the type
SCHEMA_TYPES: Any = [{"type": "object"}, {"type": "boolean"}]
JsonSchema = Annotated[Any, Field(json_schema_extra={"anyOf": [*SCHEMA_TYPES, {"type": "null"}]})]
LIMITS_EXAMPLE: Any = {"daily": 1000, "burst": 20}
LIMITS_SCHEMA: Any = {"type": "object", "properties": {"daily": {"type": "integer"}}, "required": ["daily"]}
LIMITS_RULES: Any = [
    {"name": "pro plan", "if": {"field": "plan", "$equals": "pro"}, "value": {"daily": 10_000, "burst": 200}}
]


class CreateConfig(
    Described,
    json_schema_extra={
        "examples": [
            {
                "key": "limits",
                "type": "json",
                "defaultValue": LIMITS_EXAMPLE,
                "rules": LIMITS_RULES,
                "description": "How much each plan may call.",
                "jsonSchema": LIMITS_SCHEMA,
                "reason": "Agreed with the team",
            }
        ]
    },
):
    """A new config; every environment of the project starts with `defaultValue` and `rules`."""

    key: Annotated[Slug, Keys((Kind.CONFIG,))]
    type: Annotated[ConfigType, Field(strict=False)]
    default_value: Value
    rules: Rules = []
    json_schema: JsonSchema = None


class UpdateConfig(
    Described,
    json_schema_extra={"examples": [{"description": "How much each plan may call.", "reason": "Agreed with the team"}]},
):
    """What may change of a config's identity: what is not named stays. No environment changes by it.

    A new JSON Schema must fit what every environment holds; null removes it.
    """

    json_schema: JsonSchema = None
    initial_value: Value = None


class DeleteConfig(Reasoned, json_schema_extra={"examples": [{"reason": "No longer used"}]}):
    """A delete; REST says the reason in `X-Reason`."""


class ReplaceConfigState(
    Command,
    json_schema_extra={
        "examples": [{"defaultValue": LIMITS_EXAMPLE, "rules": LIMITS_RULES, "reason": "Agreed with the team"}]
    },
):
    """A config's whole state."""

    default_value: Value
    rules: Rules
    reason: Text | None = None


class UpdateConfigState(
    Command, json_schema_extra={"examples": [{"rules": LIMITS_RULES, "reason": "Agreed with the team"}]}
):
    """What may change of a config's state: what is not named stays."""

    default_value: Value = None
    rules: Rules = []
    reason: Text | None = None


CONFIGS = Primitives(CONFIG, CreateConfig, UpdateConfig, DeleteConfig, UpdateConfigState, ReplaceConfigState)
