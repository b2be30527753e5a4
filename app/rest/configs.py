"""Configs over REST: identities below a project, states below an environment."""

from typing import Annotated, Any

from pydantic import Field

from app.models import Primitive
from app.rest.openapi.samples import CHANGED, CONFIG_ID, CONFIG_STATE_ID, ENVIRONMENT_ID, GRACE_ID, NOON, PROJECT_ID
from app.rest.primitives import Identities, States, ValuedIdentitySchema, ValuedStateSchema
from app.services.configs import CONFIGS, LIMITS_EXAMPLE, LIMITS_RULES, LIMITS_SCHEMA, SCHEMA_TYPES
from app.store import json_columns


def _as_schema(schema: dict[str, Any]) -> None:
    """It is there or not, and never null."""
    schema["anyOf"] = SCHEMA_TYPES
    del schema["default"]


class ConfigSchema(
    ValuedIdentitySchema,
    json_schema_extra={
        "examples": [
            {
                "id": CONFIG_ID,
                "projectId": PROJECT_ID,
                "key": "limits",
                "name": "Limits",
                "type": "json",
                "description": "How much each plan may call.",
                "tags": ["plans"],
                "maintainer": {"id": GRACE_ID, "name": "Grace"},
                "permanent": True,
                "jsonSchema": LIMITS_SCHEMA,
                "initialValue": LIMITS_EXAMPLE,
                **CHANGED,
            }
        ]
    },
):
    """A config's identity."""

    json_schema: Annotated[Any, Field(json_schema_extra=_as_schema)] = None

    @classmethod
    def members_of(cls, row: Primitive) -> dict[str, Any]:
        schema = {} if row.json_schema is None else {"json_schema": json_columns.value(row.json_schema)}
        return {**super().members_of(row), **schema}


class ConfigStateSchema(
    ValuedStateSchema,
    json_schema_extra={
        "examples": [
            {
                "id": CONFIG_STATE_ID,
                "primitiveId": CONFIG_ID,
                "key": "limits",
                "name": "Limits",
                "type": "json",
                "description": "How much each plan may call.",
                "environmentId": ENVIRONMENT_ID,
                "defaultValue": LIMITS_EXAMPLE,
                "rules": LIMITS_RULES,
                "summary": {
                    "kind": "rules",
                    "rules": 1,
                    "percent": None,
                    "text": '1 rule; everyone else gets {"daily":1000,"burst":20}.',
                },
                "openProposals": 0,
                "version": 3,
                "updatedAt": NOON,
            }
        ]
    },
):
    """A config's state in an environment; `version` is the environment's when the state last changed."""


ENDPOINTS = [
    *Identities(CONFIGS, ConfigSchema).endpoints(),
    *States(CONFIGS, ConfigStateSchema, ConfigStateSchema).endpoints(),
]
