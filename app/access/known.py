"""The policy, asked for callers and places that are in memory: what an `Entry` decides, without a unit of work."""

from collections.abc import Sequence

from app.domain.actors import ResourcePattern, Token
from app.domain.operations import Operation
from app.domain.policy import NO_PROPOSAL, Allow, AskedKey, Proposed, Target, decide
from app.engine.kinds import Kind
from app.store.resolve import Place


def target_of(place: Place, asked: tuple[AskedKey, ...] = (), proposed: Proposed = NO_PROPOSAL) -> Target:
    """What the policy wants to know of an environment, and of what is asked for there."""
    role, project_id, environment_id, protected = place
    return Target(role, project_id, environment_id, frozenset(), asked, protected, proposed)


def may(actor: Token, operation: Operation, place: Place, asked: tuple[AskedKey, ...] = ()) -> bool:
    """Whether the token may do it there, at once, to what it asks for."""
    return isinstance(decide(actor, operation, target_of(place, asked)), Allow)


def sees(resources: Sequence[ResourcePattern], kind: Kind, key: str) -> bool:
    """Whether the primitive is within the resources that a token's lists are limited to."""
    return any(pattern.matches(kind, key) for pattern in resources)


def sees_all(actor: Token) -> bool:
    """Whether the token's lists include every primitive."""
    return any(pattern.everything for pattern in actor.resources)
