"""The one door through which a state changes: what really differs is checked, and written or refused.

Bodies, proposals and promotions all speak of the same dimensions (`engine.kinds`); `killed` is none of them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.access.entry import Access, Diverted
from app.access.etags import state_etag
from app.domain.errors import AppError, invalid
from app.domain.preconditions import IfMatch
from app.engine import json_text
from app.engine.kinds import SPECS, Kind, Spec
from app.engine.reference_checks import check_references
from app.engine.references import Node, Reference, node, references_of
from app.models import Environment, Primitive, State
from app.store import json_columns, states
from app.store.states import Current

KILLED = "killed"
_BEYOND = "The token's resources do not match this."


async def faults_in(
    spec: Spec,
    entered: Access | Diverted,
    body: object,
    value_type: str | None,
    environment_ids: Collection[str],
    key: str = "",
) -> dict[str, str]:
    """What is wrong with the dimensions of an unread body that is meant for `key` in the environments, by path.

    Raises `token_resource_out_of_scope` for references beyond the token's resources.
    """
    faults: dict[str, str] = {}
    if isinstance(body, Mapping):
        rules = spec.check(body, value_type, faults)
        references = references_of(rules) if rules else []
        for environment_id in environment_ids if references else ():
            found = await _reference_faults(entered, environment_id, node(spec.kind, key), references)
            faults = {**found, **faults}
    return faults


async def change_state(
    entered: Access | Diverted, wanted: Mapping[str, Any], if_match: IfMatch, reason: str | None
) -> Current:
    """The state with what is wanted, by dimension or as `killed`; one that has it already is left as it is.

    Raises `precondition_failed`, `invalid_request` for references that lead nowhere meanwhile,
    `approval_not_supported`.
    """
    entered = await entered.reopen_to_write()
    uow, primitive, environment = entered.uow, entered.primitive, entered.environment
    current = await states.current(uow.session, environment.id, primitive)
    if_match.require(state_etag(current))
    columns = _differing(primitive, current.state, wanted)
    if not columns:
        return current
    references = None
    if "rules" in columns:
        references = await _changed_references(entered, current, columns["rules"])
    if isinstance(entered, Diverted):
        raise AppError("approval_not_supported")
    state = uow.write_state(environment, primitive, current.state, references=references, **columns)
    entered.record(reason, entered.subject(primitive))
    return Current(primitive, state)


async def write_first_state(
    access: Access, environment: Environment, primitive: Primitive, columns: Mapping[str, Any]
) -> None:
    """A new primitive's state. Raises `invalid_request` for references that lead nowhere meanwhile."""
    references = references_in(primitive.kind, columns["rules"])
    await _require_references(access, environment.id, primitive, references)
    access.uow.write_state(environment, primitive, None, references=references, **columns)


def references_in(kind: Kind, rules: str) -> list[Reference]:
    """What the JSON text of a state's rules refers to. Nearly none refer to anything, and to know costs little."""
    if '"$segment"' not in rules and '"$flag"' not in rules:
        return []
    return references_of(SPECS[kind].check({"rules": json_columns.rules(rules)}, None, {}))


def _differing(primitive: Primitive, state: State, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that would hold something else, with what they would hold."""
    columns: dict[str, Any] = {}
    for dimension in SPECS[primitive.kind].dimensions:
        if dimension.name in wanted and dimension.column is not None:
            present, text = getattr(state, dimension.column), json_text.encode(wanted[dimension.name])
            # Scalars have one text each; of lists and objects other texts may say the same.
            if present != text and not (
                text[0] in "[{" and dimension.same(json_columns.value(present), json_columns.value(text))
            ):
                columns[dimension.column] = text
    if wanted.get(KILLED, state.killed) != state.killed:
        columns[KILLED] = wanted[KILLED]
    return columns


async def _changed_references(entered: Access | Diverted, current: Current, rules: str) -> list[Reference] | None:
    """Those of the rules; None where neither these nor the present ones have any."""
    primitive, environment_id = current.primitive, entered.environment.id
    references = references_in(primitive.kind, rules)
    await _require_references(entered, environment_id, primitive, references)
    return references if references or references_in(primitive.kind, current.state.rules) else None


async def _require_references(
    entered: Access | Diverted, environment_id: str, primitive: Primitive, references: Sequence[Reference]
) -> None:
    if references:
        source = node(primitive.kind, primitive.key)
        if faults := await _reference_faults(entered, environment_id, source, references):
            raise invalid(faults)


async def _reference_faults(
    entered: Access | Diverted, environment_id: str, source: Node, references: Sequence[Reference]
) -> dict[str, str]:
    """References must lead somewhere, in no cycle and in no long chain.

    What the live rules do not refer to already must be the caller's to read, for the rules then tell what it is.
    """
    graph = await states.reference_graph(entered.uow.session, environment_id)
    denied = {path: _BEYOND for path, to in references if to not in graph.targets(source) and not _sees(entered, to)}
    if denied:
        raise AppError("token_resource_out_of_scope", fields=denied)
    faults: dict[str, str] = {}
    changed = graph.with_changes({source: {target for _, target in references}})
    check_references({source: references}, changed, faults)
    return faults


def _sees(entered: Access | Diverted, target: Node) -> bool:
    kinds = (Kind.SEGMENT,) if target.kind == Kind.SEGMENT else (Kind.FLAG, Kind.CONFIG)
    return any(entered.sees(kind, target.key) for kind in kinds)
