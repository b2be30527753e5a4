"""JSON Schemas of configs: every value that a config holds, in whatever environment, matches its schema.

A check is made before the write begins. If what it was made of has changed until then, the write is refused, to be sent
again: nobody waits for a check under the lock.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from app.access.entry import Access
from app.domain.actors import Token
from app.domain.errors import AppError
from app.engine import json_text
from app.engine.faults import Faults
from app.engine.json_schemas import TOO_MUCH
from app.engine.json_text import MAX_FAULTS, dotted_path
from app.engine.kinds import Spec, check_typed_value
from app.models import Primitive
from app.store import environments, json_columns, states
from app.store.unit_of_work import UnitOfWork

JSON_SCHEMA = "jsonSchema"
INITIAL_VALUE = "initialValue"
MAX_SCHEMA_BYTES = 64 * 1024


class ValueSchema(NamedTuple):
    """A schema's text; `at` is where it is in the body if it is new, and to be checked itself."""

    text: str
    at: str | None = None


class CheckedIdentity(NamedTuple):
    """What is wrong with an unread body for an identity, by path; and what that rests on: nothing where it is None."""

    faults: Faults
    basis: "_Basis | None" = None

    async def require_basis(self, access: Access) -> None:
        """Within the write. Raises `unavailable`."""
        if (then := self.basis) is not None:
            kept = {"with_initial": then.initial_value is not None, "with_states": then.states is not None}
            if then != await _basis_of(access.uow, access.primitive, **kept):
                raise changed_meanwhile()


class _Basis(NamedTuple):
    """None for the initial value or the states where they do not matter."""

    json_schema: str | None
    initial_value: str | None
    states: frozenset[tuple[str, int]] | None


def changed_meanwhile() -> AppError:
    return AppError("unavailable", "The config was changed at the same moment. Send the request again.")


def schema_in(spec: Spec, body: object, value_type: str | None, faults: Faults) -> ValueSchema | None:
    """The schema in an unread body; None where there is none, or one that is refused."""
    if spec.schema_type is None or not isinstance(body, Mapping) or body.get(JSON_SCHEMA) is None:
        return None
    text = json_text.encode(body[JSON_SCHEMA])
    if value_type != spec.schema_type:
        faults[JSON_SCHEMA] = f"Only a {spec.kind} of type {spec.schema_type} can have a JSON Schema."
    elif len(text.encode()) > MAX_SCHEMA_BYTES:
        faults[JSON_SCHEMA] = f"Must be at most {MAX_SCHEMA_BYTES // 1024} KiB of JSON."
    else:
        return ValueSchema(text, JSON_SCHEMA)
    return None


async def mismatches(uow: UnitOfWork, schema: ValueSchema | None, values: Sequence[tuple[str, Any]]) -> Faults:
    """What is wrong with the values, by path, and with the schema if it is new."""
    if schema is None or (schema.at is None and not values):
        return {}
    await uow.release()  # there are few connections, and a check can take seconds
    asker = uow.actor.org_id if isinstance(uow.actor, Token) else str(uow.actor_as_json()["id"])
    return await uow.host.check_schema(asker, schema.text, values, schema.at)


async def check_identity(spec: Spec, access: Access, body: object) -> CheckedIdentity:
    """Checks the initial value that a body has against its schema, or a new schema against all values that there are.

    What environments hold has its faults below `environments` and the environment's key.
    """
    uow, primitive = access.uow, access.primitive
    faults: Faults = {}
    if not isinstance(body, Mapping) or primitive.value_type is None:
        return CheckedIdentity(faults)
    if INITIAL_VALUE in body:
        check_typed_value(spec.kind, primitive.value_type, body[INITIAL_VALUE], INITIAL_VALUE, faults)
    schema = schema_in(spec, body, primitive.value_type, faults)
    if schema is None and (
        JSON_SCHEMA in body or INITIAL_VALUE not in body or primitive.value_type != spec.schema_type
    ):
        return CheckedIdentity(faults)  # there is none to be, or nothing to check
    if schema is None and primitive.json_schema is not None:
        schema = ValueSchema(primitive.json_schema)
    replaces = schema is not None and schema.text != primitive.json_schema
    basis = await _basis_of(uow, primitive, with_initial=INITIAL_VALUE not in body, with_states=replaces)
    initial = body[INITIAL_VALUE] if INITIAL_VALUE in body else json_columns.value(primitive.initial_value)
    found = await mismatches(uow, schema, [(INITIAL_VALUE, initial)])
    if schema is not None and replaces and not any(path.startswith(JSON_SCHEMA) for path in found):
        found |= await _mismatches_of_states(access, schema)
    return CheckedIdentity({**found, **faults}, basis)


async def _mismatches_of_states(access: Access, schema: ValueSchema) -> Faults:
    """One environment at a time, until an answer is full, or the schema has turned out to take too long."""
    uow = access.uow
    faults: Faults = {}
    for environment in await environments.all_of_project(uow.session, access.project.id):
        texts = await states.texts(uow.session, environment.id, access.primitive.id)
        if texts is not None and len(faults) < MAX_FAULTS and TOO_MUCH not in faults.values():
            await uow.release()
            values = await uow.host.off_loop(partial(_values_of, *texts, environment.key))
            faults |= await mismatches(uow, ValueSchema(schema.text), values)
    return faults


def _values_of(default_value: str, rules: str, environment: str) -> list[tuple[str, Any]]:
    """The values of a state, with their paths."""
    found: list[tuple[tuple[str | int, ...], Any]] = [(("defaultValue",), json_columns.value(default_value))]
    for index, rule in enumerate(json_columns.rules(rules)):
        if "value" in rule:
            found.append((("rules", index, "value"), rule["value"]))
        for entry, share in enumerate(rule.get("split", ())):
            found.append((("rules", index, "split", entry, "value"), share["value"]))
    return [(dotted_path(("environments", environment, *steps)), value) for steps, value in found]


async def _basis_of(uow: UnitOfWork, primitive: Primitive, *, with_initial: bool, with_states: bool) -> _Basis:
    initial = primitive.initial_value if with_initial else None
    versions = await states.versions(uow.session, primitive.id) if with_states else None
    return _Basis(primitive.json_schema, initial, versions)
