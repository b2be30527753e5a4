"""An example of each body: its schema, filled with values by the names of its properties."""

from collections import ChainMap
from dataclasses import dataclass
from typing import Any

from app.domain.catalogue import CATALOGUE
from app.domain.token_secrets import hint
from app.rest.errors import CatalogueEntry

Json = dict[str, Any]


def _id(number: int) -> str:
    """A UUIDv7 of one morning; they differ in the order in which the things were made."""
    return f"019cadc6-9a{number:02x}-7c41-8f3e-5b0d9e2a6c{number:02x}"


def _secret(prefix: str, length: int) -> str:
    """Of a secret's length, and nobody's."""
    return prefix + ("EXAMPLE" * length)[:length]


_ADA, _ORG, _PROJECT, _ENVIRONMENT, _FLAG = map(_id, range(5))
_STATE, _TOKEN, _GRACE, _INVITATION, _MEMBERSHIP, _SESSION = map(_id, range(5, 11))
_MORNING, _NOON = "2026-03-02T09:00:00.000000Z", "2026-03-02T12:00:00.000000Z"
_NEXT_WEEK, _NEXT_MONTH = "2026-03-09T09:00:00.000000Z", "2026-04-01T09:00:00.000000Z"
_API_KEY = _secret("sbx_", 49)
_RULES = [
    {
        "name": "half of the pro plan",
        "if": {"field": "plan", "$equals": "pro"},
        "rolloutPercent": 50,
        "value": True,
    }
]
_VALUES: Json = {
    "acceptUrl": f"https://flags.acme.example/app/invitations/{_secret('sbi_', 43)}",
    "actions": ["read", "propose", "write", "toggle", "promote"],
    "approvalRequired": False,
    "claimCode": _secret("", 24),
    "configs": {},
    "context": {"userId": "u-1", "plan": "pro"},
    "createdAt": _MORNING,
    "current": True,
    "defaultTargetIdField": "userId",
    "defaultValue": False,
    "description": "The new checkout.",
    "displayName": "Ada",
    "email": "ada@acme.example",
    "environmentId": _ENVIRONMENT,
    "environments": {"envs": [_ENVIRONMENT]},
    "expiresAt": _NEXT_MONTH,
    "expiresInSeconds": 30 * 24 * 60 * 60,
    "flags": {"checkout": {"type": "boolean", "defaultValue": False, "killed": False, "rules": _RULES}},
    "hint": hint(_API_KEY),
    "initialValue": False,
    "ipAllowlist": ["192.0.2.0/24"],
    "key": "checkout",
    "keys": ["checkout"],
    "killed": False,
    "kind": "member",
    "lastSeenAt": _NOON,
    "lastUsedAt": _NOON,
    "level": "maintainer",
    "maxRateLimitPerMin": 600_000,
    "orgId": _ORG,
    "orgName": "Acme",
    "orgSlug": "acme",
    "primitiveId": _FLAG,
    "projectId": _PROJECT,
    "protected": False,
    "rateLimitPerMin": 600,
    "reason": "Agreed with the team",
    "requiredApprovals": 1,
    "resources": ["flag:checkout"],
    "revokeTokens": True,
    "role": "owner",
    "rules": _RULES,
    "segments": {},
    "sent": True,
    "slug": "acme",
    "status": "pending",
    "targetIdField": "userId",
    "token": _API_KEY,
    "tokensRevoked": True,
    "type": "boolean",
    "updatedAt": _MORNING,
    "userId": _GRACE,
    "value": True,
    "version": 3,
}
"""By the property's name."""

_OF_GRACE = {"displayName": "Grace", "email": "grace@acme.example", "role": "editor"}
_OF_ENVIRONMENT = {"id": _ENVIRONMENT, "key": "prod", "name": "Production"}
_OF_INVITATION = {**_OF_GRACE, "id": _INVITATION, "expiresAt": _NEXT_WEEK}
_OF_ORG = {"id": _ORG, "name": "Acme"}
_OF_PROJECT = {"id": _PROJECT, "key": "web", "name": "Web shop"}
_OF_TOKEN = {"id": _TOKEN, "name": "ci"}
_UNUSED = {"reason": "No longer used"}
_IN_SCHEMA: dict[str, Json] = {
    "Actor": {"id": _ADA, "name": "Ada"},
    "ApiKey": _OF_TOKEN,
    "CatalogueEntry": CatalogueEntry.from_entry(CATALOGUE["key_collision"]).body(),
    "CreateEnvironment": _OF_ENVIRONMENT,
    "CreateInvitation": _OF_INVITATION,
    "CreateOrg": _OF_ORG,
    "CreateProject": _OF_PROJECT,
    "CreatedInvitation": _OF_INVITATION,
    "Delete": _UNUSED,
    "DeleteFlag": _UNUSED,
    "Environment": _OF_ENVIRONMENT,
    "Evaluation": {"reason": {"kind": "rule_match", "ruleIndex": 0, "ruleName": "half of the pro plan"}},
    "Flag": {"id": _FLAG},
    "FlagState": {"id": _STATE, "updatedAt": _NOON},
    "Invitation": _OF_INVITATION,
    "Invited": _OF_INVITATION,
    "LeftToken": _OF_TOKEN,
    "Member": {**_OF_GRACE, "id": _MEMBERSHIP},
    "CreateApiKey": _OF_TOKEN,
    "CreatedApiKey": {**_OF_TOKEN, "lastUsedAt": None},
    "Org": _OF_ORG,
    "OwnSession": {"id": _SESSION},
    "Project": _OF_PROJECT,
    "RedeemLink": {"token": _secret("sbl_", 43)},
    "RevokeToken": _UNUSED,
    "UpdateMember": _OF_GRACE,
}
"""Where the name alone does not tell the value, by the schema that the property is in."""

_IN_OPERATION: dict[str, Json] = {
    "acceptInvitation": {**_OF_GRACE, "actor": {"kind": "member", "id": _GRACE, "name": "Grace"}},
    "createEnvironment": {"version": 1},
    "createOrg": {"defaultTargetIdField": None},
    "deleteEnvironment": {"confirm": "prod"},
    "deleteMe": {"confirm": "ada@acme.example"},
    "deleteOrg": {"confirm": "acme"},
    "deleteProject": {"confirm": "web"},
    "getOpenapi": {"openapi": "3.1.0", "info": {"title": "Signalbox", "version": "1"}, "paths": {}},
    "installClaim": {"defaultTargetIdField": None},
    "killFlag": {"killed": True, "version": 4, "reason": "Orders are lost"},
    "restoreFlag": {"version": 5, "reason": "Orders arrive again"},
    "updateEnvironment": {"protected": True},
}
"""Where the schema does not tell it either, by the call; this counts first."""

_SHOWN: dict[str, tuple[str, ...]] = {
    "Actor": ("kind", "id", "name"),
    "CreateEnvironment": ("key", "name"),
    "Evaluate": ("context", "keys"),
    "CreateApiKey": ("name", "level", "environments", "resources", "expiresInSeconds", "ipAllowlist"),
    "UpdateEnvironment": ("protected", "reason"),
    "UpdateFlag": ("description", "reason"),
    "UpdateFlagState": ("rules", "reason"),
    "UpdateOrg": ("defaultTargetIdField", "reason"),
    "UpdateProject": ("targetIdField", "reason"),
}
"""The properties that are shown of a schema whose properties do not all stand together."""


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples of one call's bodies."""

    components: Json
    operation: str

    def of(self, schema: Json, owner: str = "", member: str = "") -> Any:
        """The example of a schema, which is the component `owner` or that of its member. Raises LookupError."""
        if "$ref" in schema:
            owner = schema["$ref"].rpartition("/")[2]
            return self.of(self.components[owner], owner)
        if "anyOf" in schema:  # what it is when it is not null
            return self.of(schema["anyOf"][0], owner, member)
        if "items" in schema:
            return [self.of(schema["items"], owner, member)]
        if "properties" in schema:
            shown = _SHOWN.get(owner) or schema["properties"]
            return {name: self._member(schema["properties"][name], owner, name) for name in shown}
        if isinstance(schema.get("additionalProperties"), dict):
            return {"checkout": self.of(schema["additionalProperties"], owner, member)}
        raise LookupError(f"There is no value for {member} of {owner}.")

    def _member(self, schema: Json, owner: str, name: str) -> Any:
        values = ChainMap(_IN_OPERATION.get(self.operation, {}), _IN_SCHEMA.get(owner, {}), _VALUES)
        return values[name] if name in values else self.of(schema, owner, name)
