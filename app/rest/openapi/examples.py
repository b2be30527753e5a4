"""An example of each body: its model's own, completed along its schema, with the exceptions of some calls."""

from dataclasses import dataclass
from typing import Any

from app.domain.catalogue import CATALOGUE
from app.rest.errors import CatalogueEntry
from app.rest.openapi.samples import GRACE_ID
from app.rest.orgs import ORG_EXAMPLE

Json = dict[str, Any]

_BODIES: dict[str, Json] = {
    "deleteEnvironment": {"confirm": "prod"},
    "deleteOrg": {"confirm": "acme"},
    "restoreFlag": {"reason": "Orders arrive again"},
}
_ANSWERS: dict[str, Json] = {
    "acceptInvitation": {
        "me": {
            "actor": {"kind": "member", "id": GRACE_ID, "name": "Grace"},
            "email": "grace@acme.example",
            "orgs": [{"org": ORG_EXAMPLE, "role": "editor"}],
        }
    },
    "createEnvironment": {"version": 0},
    "getOpenapi": {"openapi": "3.1.0", "info": {"title": "Signalbox", "version": "1"}, "paths": {}},
    "killFlag": {
        "killed": True,
        "summary": {"kind": "killed", "rules": 1, "percent": None, "text": "Killed: false for everyone."},
        "version": 4,
    },
    "listErrors": CatalogueEntry.from_entry(CATALOGUE["key_collision"]).body(),
    "restoreFlag": {"version": 5},
    "updateEnvironment": {"protected": True},
    "updateOrg": {"defaultTargetIdField": "userId"},
}


@dataclass(frozen=True, slots=True)
class Examples:
    """`models` has the models' own examples by component. Raises LookupError for a member that none of them has."""

    components: Json
    models: Json

    def body(self, component: str, operation: str) -> Json:
        return {**self.models[component], **_BODIES.get(operation, {})}

    def answer(self, schema: Json, operation: str) -> Any:
        if "items" in schema:
            return [self.answer(schema["items"], operation)]
        return self._of(schema, "the answer", _ANSWERS.get(operation, {}))

    def _of(self, schema: Json, where: str, given: Json) -> Any:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if isinstance(text := self.models.get(name), str):
                return text
            return self._of(self.components[name], name, {**self.models.get(name, {}), **given})
        if "items" in schema:
            return [self._of(schema["items"], where, {})]
        if "properties" not in schema:
            raise LookupError(f"There is no value for {where}.")
        return {
            member: given[member] if member in given else self._of(inner, f"{member} of {where}", {})
            for member, inner in schema["properties"].items()
            if member in given or member in schema.get("required", ())
        }
