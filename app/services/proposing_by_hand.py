"""Proposals made by hand, which are checked as the write itself would be."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from app.access.entry import Access, Entry
from app.access.visible import tenant_of
from app.domain.commands import Command, Slug, Text, validate
from app.domain.errors import AppError, invalid
from app.domain.named import Id, Named, named_in
from app.domain.operations import Operation
from app.domain.policy import AskedKey
from app.domain.proposals import DELETES, DIFF, PROMOTION, PROPOSABLE, Proposable, ProposalKind
from app.engine import json_text
from app.engine.kinds import KILLED, KeyRef, Kind
from app.engine.rules import RULES_EXAMPLE
from app.engine.suggestions import unknown
from app.models import Primitive
from app.services import promotion_changes
from app.services.blast_radius import of_changes, of_delete
from app.services.changes import NOTHING_CHECKED, Checked, at_present, check_state, difference, propose, require_valid
from app.services.evaluation import Contexts
from app.services.primitives import propose_delete, require_unused
from app.services.promotion import Selection, changes_by_now, plan_of
from app.services.promotion_changes import place_of, try_out
from app.services.proposing import LIFETIME, Opened, Terms
from app.store import states
from app.store.unit_of_work import UnitOfWork

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=30)
NO_CHANGE = "Changes nothing: it is so already."


class CreateProposal(
    Command,
    json_schema_extra={
        "examples": [
            {
                "envId": "acme:web:prod",
                "kind": "set_rules_flag",
                "resourceKey": "checkout",
                "diff": {"rules": RULES_EXAMPLE},
                "reason": "Agreed with the team",
            }
        ]
    },
):
    """A change to be applied later, by somebody else where four eyes are asked for."""

    env_id: str | None = None
    project_id: str | None = None
    kind: Annotated[ProposalKind, Field(strict=False)]
    resource_key: Slug | None = None
    diff: dict[str, Any]
    spot_check: Contexts | None = None
    expires_in_seconds: Annotated[int, Field(ge=SHORTEST.total_seconds(), le=LONGEST.total_seconds())] | None = None
    reason: Text | None = None

    @property
    def terms(self) -> Terms:
        """Those that the body has; what it would do is not known yet."""
        seconds = self.expires_in_seconds
        return Terms(self.reason, None, LIFETIME if seconds is None else timedelta(seconds=seconds))


class _PromotionBody(Command):
    """Where a promotion's body names what it is about."""

    diff: Selection


async def create_proposal(uow: UnitOfWork, body: object) -> Opened:
    """Proposes a change by hand. Raises `invalid_request` for one that changes nothing, and whatever the write would be
    refused with."""
    tenant_of(uow)
    proposable = _proposable_in(body)
    if proposable is PROMOTION:
        return await _propose_promotion(uow, body)
    entry, faults, checked = _entry_in(body, proposable), _faults_of_place(body, proposable), NOTHING_CHECKED
    access = None if entry is None else await entry.enter(uow)
    diff: Any = body.get(DIFF) if isinstance(body, Mapping) else None
    if proposable is not None and isinstance(diff, Mapping):
        faults |= _faults_of_diff(proposable, diff)
        checked = await _check_diff(access, proposable, diff)
    command = validate(CreateProposal, body, {**faults, **checked.faults})
    if access is None or proposable is None:
        raise LookupError("a valid body names what it changes")
    primitive, contexts, terms = access.primitive, command.spot_check, command.terms
    if command.kind in DELETES:
        terms = terms._replace(radius=await of_delete(uow, primitive, contexts))
        access = await access.to_write()
        await require_unused(access, access.primitive)
        return await propose_delete(access, access.primitive, terms)
    wanted = command.diff if proposable.dimension is not None else {KILLED: proposable.killed}
    radius = await of_changes(uow, access.environment, [(primitive, wanted)], contexts)
    access = await access.to_write()
    current = await states.current(uow.session, access.environment.id, access.primitive)
    change = await difference(uow, current, wanted, checked)
    if change.is_none:
        raise invalid({DIFF: NO_CHANGE})
    await require_valid(access, [change])
    radius = await at_present(access, radius, [(access.primitive, wanted)], contexts)
    return await propose(access, change, terms._replace(radius=radius))


async def _propose_promotion(uow: UnitOfWork, body: object) -> Opened:
    """Proposes to take over what the diff, which is a promotion's body, selects of another environment."""
    members: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    environment_id, diff = members.get("envId"), members.get(DIFF)
    access, faults = None, _faults_of_place(body, PROMOTION)
    if isinstance(environment_id, str):
        ids = tuple((Id("project"), one) for one in [members.get("projectId")] if isinstance(one, str))
        named = named_in(_PromotionBody, body)
        named = named._replace(ids=(*named.ids, *ids))
        access = await Entry.of_environment(environment_id, Operation.PROPOSE, named=named).enter(uow)
    selection = None
    if isinstance(diff, Mapping):
        try:
            selection = validate(Selection, diff)
        except AppError as refused:
            faults |= {f"{DIFF}.{path}": text for path, text in refused.fields.items()}
    command = validate(CreateProposal, body, faults)
    if access is None or selection is None:
        raise LookupError("a valid body names what it changes")
    source_id, contexts = access.ids[selection.from_env_id], command.spot_check
    plan = await plan_of(access, source_id, selection, f"{DIFF}.")
    if not plan.differences:
        raise invalid({DIFF: NO_CHANGE})
    tried = await try_out(access, plan.differences, _place_in_diff, contexts, proposes=True)
    access = await access.to_write()
    _, made = await changes_by_now(access, source_id, selection, tried, f"{DIFF}.")
    if not made:
        raise invalid({DIFF: NO_CHANGE})
    return await promotion_changes.propose(access, made, source_id, tried.radius, contexts, command.terms)


def _place_in_diff(primitive: Primitive) -> str:
    return f"{DIFF}.{place_of(primitive)}"


async def _check_diff(access: Access | None, proposable: Proposable, diff: Mapping[str, Any]) -> Checked:
    """What is wrong with an unread diff's dimension, where it is known which state it is for."""
    dimension = proposable.dimension
    if access is None or dimension is None or dimension.name not in diff:
        return NOTHING_CHECKED
    if access.resolved.environment is None or access.resolved.primitive is None:
        return NOTHING_CHECKED
    return await check_state(access, access.primitive, {dimension.name: diff[dimension.name]}, f"{DIFF}.")


def _entry_in(body: object, proposable: Proposable | None) -> Entry | None:
    """What an unread body enters, if that can be known."""
    members = body if isinstance(body, Mapping) else {}
    environment_id, project_id, key = (members.get(name) for name in ("envId", "projectId", "resourceKey"))
    ref: KeyRef | None = None
    asked: tuple[AskedKey, ...] = ()
    if isinstance(key, str) and proposable is not None and proposable.kind is not None:
        ref = KeyRef(proposable.kind, key)
    elif isinstance(key, str):
        asked = (AskedKey(tuple(Kind), key),)
    if isinstance(environment_id, str):  # a project that is named too is refused with the rest, once it is known
        ids = ((Id("project"), project_id),) if isinstance(project_id, str) else ()
        return Entry.of_environment(environment_id, Operation.PROPOSE, ref, named=Named(ids, asked))
    if isinstance(project_id, str):
        return Entry.of_project(project_id, Operation.PROPOSE, ref, named=Named(asked=asked))
    return None


def _proposable_in(body: object) -> Proposable | None:
    kind = body.get("kind") if isinstance(body, Mapping) else None
    return PROPOSABLE[ProposalKind(kind)] if isinstance(kind, str) and kind in list(ProposalKind) else None


def _faults_of_place(body: object, proposable: Proposable | None) -> dict[str, str]:
    """Whether an unread body names a project, for a delete, or an environment, for all else; and a key, but for a
    promotion."""
    if not isinstance(body, Mapping) or proposable is None:
        return {}
    wanted, other = (
        ("projectId", "envId") if proposable.operation is Operation.DELETE_PRIMITIVE else ("envId", "projectId")
    )
    faults = {}
    if proposable is not PROMOTION and body.get("resourceKey") is None:
        faults["resourceKey"] = "Is required for this kind."
    elif proposable is PROMOTION and isinstance(body.get("resourceKey"), str):
        faults["resourceKey"] = f"Is not for this kind: {DIFF} says what is promoted."
    if body.get(wanted) is None:
        faults[wanted] = "Is required for this kind."
    if isinstance(body.get(other), str):  # what has the wrong type is refused for that
        faults[other] = f"Is not for this kind: it takes {wanted}."
    return faults


def _faults_of_diff(proposable: Proposable, diff: Mapping[str, Any]) -> dict[str, str]:
    """What is missing in a diff, and what does not belong there."""
    known = [] if proposable.dimension is None else [proposable.dimension.name]
    faults = {f"{DIFF}.{name}": "Is required." for name in known if name not in diff}
    for name in diff:
        if name not in known and len(faults) < json_text.MAX_FAULTS:
            faults[json_text.dotted_path([DIFF, name])] = unknown("field", name, known, len(faults))
    return faults
