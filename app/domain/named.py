"""What a body names before it is validated: ids, keys and roles, which are looked at ahead of all its other faults.

Commands declare it in the metadata of their fields. It is read leniently: what has the wrong type is refused with the
rest of the body.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from app.domain.actors import Role
from app.domain.commands import Command
from app.domain.operations import Operation
from app.domain.policy import AskedKey
from app.engine.json_values import MISSING
from app.engine.kinds import Kind


class Id(NamedTuple):
    """The field holds an id of `what`, or `many`, below what is entered; of a member, who is in the organisation.

    `reads` must be allowed there.
    """

    what: str
    reads: Operation | None = None
    many: bool = False


class Keys(NamedTuple):
    """The field holds a key, or `many`, which a token's resources are tested on whether they exist or not.

    What is `live` must exist then.
    """

    kinds: tuple[Kind, ...]
    many: bool = False
    live: bool = False


class Needs(NamedTuple):
    """A call with the field asks for one more operation; with `when` only where the field is one of these."""

    operation: Operation
    when: tuple[Any, ...] = ()


class Grants(NamedTuple):
    """The field holds a role that the call hands out: nobody hands out more than their own."""


class Named(NamedTuple):
    """What a body names. An id comes with the declaration of its field."""

    ids: tuple[tuple[Id, str], ...] = ()
    asked: tuple[AskedKey, ...] = ()
    live: tuple[AskedKey, ...] = ()
    operations: tuple[Operation, ...] = ()
    roles: tuple[Role, ...] = ()


NOTHING = Named()
MAX_NAMED = 1_000  # in one list: a longer one is refused with the rest of the body
ALL_KEYS = ["*"]


def named_in(command: type[Command], body: object) -> Named:
    """What the unread body names in the fields of the command."""
    ids: list[tuple[Id, str]] = []
    asked: list[AskedKey] = []
    live: list[AskedKey] = []
    operations: list[Operation] = []
    roles: list[Role] = []
    for path, declared in _declarations(command):
        value: Any = body
        for step in path:
            value = value.get(step, MISSING) if isinstance(value, Mapping) else MISSING
        if value is MISSING:
            continue
        match declared:
            case Id(many=many):
                listed = value[:MAX_NAMED] if isinstance(value, list) else []
                named = listed if many else [value]
                ids += [(declared, one) for one in named if isinstance(one, str)]
            case Keys(kinds, many, must_live):
                keys = _asked(kinds, value, ".".join(path)) if many else _single(kinds, value)
                asked += keys
                live += keys if must_live else ()
            case Needs(operation, when):
                if not when or any(type(value) is type(one) and value == one for one in when):
                    operations.append(operation)
            case Grants():
                roles += [Role(value)] if isinstance(value, str) and value in list(Role) else []
    if len(asked) == 1:
        asked = [AskedKey(asked[0].kinds, asked[0].key)]  # a refusal names several by their paths
    return Named(tuple(ids), tuple(asked), tuple(live), tuple(operations), tuple(roles))


def needs_of(command: type[Command]) -> tuple[Operation, ...]:
    """Every operation that some call with the command asks for in addition to its own."""
    found: list[Operation] = []
    for _, declared in _declarations(command):
        if isinstance(declared, Needs):
            found.append(declared.operation)
        if isinstance(declared, Id) and declared.reads is not None:
            found.append(declared.reads)
    return tuple(dict.fromkeys(found))


@cache
def _declarations(command: type[Command]) -> tuple[tuple[tuple[str, ...], Id | Keys | Needs | Grants], ...]:
    found: list[tuple[tuple[str, ...], Id | Keys | Needs | Grants]] = []
    for name, field in command.model_fields.items():
        alias = field.alias or name
        found += [((alias,), one) for one in field.metadata if isinstance(one, Id | Keys | Needs | Grants)]
        if isinstance(field.annotation, type) and issubclass(field.annotation, Command):
            found += [((alias, *path), one) for path, one in _declarations(field.annotation)]
    return tuple(found)


def _single(kinds: tuple[Kind, ...], value: Any) -> Sequence[AskedKey]:
    return [AskedKey(kinds, value)] if isinstance(value, str) else []


def _asked(kinds: tuple[Kind, ...], value: Any, name: str) -> Sequence[AskedKey]:
    """The keys, each where the body names it first."""
    if not isinstance(value, list) or value == ALL_KEYS:
        return []
    first: dict[str, int] = {}
    for index, key in enumerate(value[:MAX_NAMED]):
        if isinstance(key, str):
            first.setdefault(key, index)
    return [AskedKey(kinds, key, f"{name}.{index}") for key, index in first.items()]
