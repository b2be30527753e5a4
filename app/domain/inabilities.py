"""Why somebody cannot do something, and who can: the policy's decisions in words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from app.domain.actors import Actor, Role, Token, Verb, roles_from
from app.domain.catalogue import CATALOGUE
from app.domain.operations import Operation
from app.domain.policy import (
    OWN_PROPOSAL,
    REACHES,
    TABLE,
    UNPROVEN,
    Allow,
    Approval,
    Decision,
    Deny,
    Resource,
    Row,
    Target,
    verb_of,
)

DIVERTED = "This requires approval: doing it makes a proposal, which waits for a person to apply it."
BREAK_GLASS = "by breaking glass with a reason"


@dataclass(frozen=True, slots=True)
class Inability:
    """The code and message that the operation is refused with, and who can do it."""

    code: str
    message: str
    who: str


def inability(actor: Actor, operation: Operation, target: Target, decision: Decision) -> Inability | None:
    """What keeps the actor from doing the operation without approval, by the policy's decision; None for nothing."""
    if isinstance(decision, Allow):
        return None
    denied = decision if isinstance(decision, Deny) else Deny("approval_missing", message=DIVERTED)
    message = denied.message or CATALOGUE[denied.code].sentence
    row = TABLE[operation]
    row = replace(row, verb=verb_of(row, target))
    return Inability(denied.code, message, who_can(actor, row, denied, protected=target.protected))


def who_can(actor: Actor, row: Row, denied: Deny, *, protected: bool) -> str:
    """Who can do what the actor cannot. A token is told what a token needs, whoever is unproven what to do."""
    if denied.message == UNPROVEN:
        return "You, once your mailbox is proven: ask for a sign-in link and use it."
    if denied.message == OWN_PROPOSAL:
        return f"Another {listed(roles_from(row.role), 'or')}."
    of_place = row.protected if protected else Approval.PASS
    tokens_too = "" if row.verb else "; tokens cannot"
    if of_place is Approval.REFUSE or (of_place is Approval.DIVERT and denied.code == "approval_missing"):
        return f"Owners, {BREAK_GLASS}{tokens_too}."
    proposing = ", as a proposal" if of_place is Approval.DIVERT else ""
    if isinstance(actor, Token) and (needs := _lacking(row, denied)):
        if actor.approval_required and row.for_tokens is not Approval.PASS and not proposing:
            needs.append("requires no approval")  # which would be in the way next
        return f"A token that {listed(needs)}{proposing}."
    if denied.code in {"approval_missing", "approval_not_supported"}:
        return f"{people(row.role)}, or a token that requires no approval."
    at_once = f"; owners also at once, {BREAK_GLASS}" if proposing else ""
    return f"{people(row.role)}{proposing}{at_once}{tokens_too}."


@cache
def people(lowest: Role | None) -> str:
    """Who has the role or a higher one."""
    if lowest is None:
        return "Anybody who is signed in"
    if lowest is Role.VIEWER:
        return "Members of the organisation"
    return listed([f"{role}s" for role in roles_from(lowest)]).capitalize()


def _lacking(row: Row, denied: Deny) -> list[str]:
    """What a token has that can do it, of action, environment and resource: what this one lacks."""
    signs = {denied.code, *denied.fields}
    action = "evaluate or read" if row.verb is Verb.EVALUATE else row.verb
    resource = "`*`" if row.resource is Resource.ALL else "the key"
    needs = {
        f"has the action {action}": {"action", "token_action_denied"},
        f"covers {REACHES[row.reach]}": {"environment", "token_env_out_of_scope"},
        f"has {resource} among its resources": {"resource", "token_resource_out_of_scope"},
    }
    return [need for need, those in needs.items() if those & signs]


def listed(words: Sequence[str], last: str = "and") -> str:
    """As in a sentence: with `and` or `or` before the last."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))
