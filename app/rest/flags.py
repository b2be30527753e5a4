"""Flags over REST: identities below a project, states below an environment."""

from typing import Any

from app.domain.operations import Operation
from app.engine.rules import RULES_EXAMPLE
from app.rest.openapi.samples import CHANGED, ENVIRONMENT_ID, FLAG_ID, GRACE_ID, NOON, PROJECT_ID, STATE_ID
from app.rest.primitives import Identities, States, ValuedIdentitySchema, ValuedStateSchema
from app.rest.routing import Endpoint
from app.services.flags import FLAGS, StateAction, kill_flag, restore_flag
from app.store.states import Current


class FlagSchema(
    ValuedIdentitySchema,
    json_schema_extra={
        "examples": [
            {
                "id": FLAG_ID,
                "projectId": PROJECT_ID,
                "key": "checkout",
                "type": "boolean",
                "name": "New checkout",
                "description": "The new checkout.",
                "tags": ["checkout", "web"],
                "maintainer": {"id": GRACE_ID, "name": "Grace"},
                "permanent": False,
                "initialValue": False,
                **CHANGED,
            }
        ]
    },
):
    """A flag's identity."""


class FlagStateSchema(
    ValuedStateSchema,
    json_schema_extra={
        "examples": [
            {
                "id": STATE_ID,
                "primitiveId": FLAG_ID,
                "key": "checkout",
                "type": "boolean",
                "name": "New checkout",
                "description": "The new checkout.",
                "environmentId": ENVIRONMENT_ID,
                "defaultValue": False,
                "rules": RULES_EXAMPLE,
                "killed": False,
                "openProposals": 0,
                "version": 3,
                "updatedAt": NOON,
            }
        ]
    },
):
    """A flag's state in an environment; `version` is the environment's when the state last changed."""

    killed: bool

    @classmethod
    def members_of(cls, current: Current) -> dict[str, Any]:
        return {**super().members_of(current), "killed": current.state.killed}


_STATES = States(FLAGS, FlagStateSchema, FlagStateSchema)
ENDPOINTS = [
    *Identities(FLAGS, FlagSchema).endpoints(),
    *_STATES.endpoints(),
    Endpoint(
        "killFlag",
        "POST",
        f"{_STATES.path}/{{key}}/kill",
        _STATES.writing(kill_flag),
        "Turn a flag off",
        Operation.KILL,
        StateAction,
        FlagStateSchema,
    ),
    Endpoint(
        "restoreFlag",
        "POST",
        f"{_STATES.path}/{{key}}/restore",
        _STATES.writing(restore_flag),
        "Turn a killed flag on again",
        Operation.RESTORE,
        StateAction,
        FlagStateSchema,
    ),
]
