"""Whose rows a caller may see, and what of them the caller's lists are limited to."""

from collections.abc import Collection, Iterable

from app.domain.actors import Anonymous, EnvironmentScope, Member, ResourcePattern, Token
from app.domain.errors import AppError
from app.domain.proposals import ProposalStatus
from app.engine.kinds import Kind
from app.store.proposals import Visible
from app.store.tenancy import Tenant
from app.store.unit_of_work import UnitOfWork


def scope_of(uow: UnitOfWork) -> EnvironmentScope | None:
    """What the caller's lists of projects and environments are limited to; None for people."""
    return uow.actor.scope if isinstance(uow.actor, Token) else None


def covers(uow: UnitOfWork, project_id: str, environment_id: str) -> bool:
    """Whether the caller's lists include the environment, which need not exist any more."""
    scope = scope_of(uow)
    return scope is None or scope.org or project_id in scope.projects or environment_id in scope.environments


def resources_of(uow: UnitOfWork, kind: Kind) -> tuple[ResourcePattern, ...] | None:
    """What the caller's lists of primitives of the kind are limited to; None for people."""
    if not isinstance(uow.actor, Token):
        return None
    return tuple(pattern for pattern in uow.actor.resources if pattern.kind in {None, kind})


def within(uow: UnitOfWork, kinds: Iterable[Kind]) -> dict[Kind, tuple[ResourcePattern, ...] | None]:
    """What the caller's lists of primitives of these kinds are limited to."""
    return {kind: resources_of(uow, kind) for kind in kinds}


def visible_proposals(uow: UnitOfWork, statuses: Collection[ProposalStatus]) -> Visible:
    """Proposals of the statuses, as far as the caller's lists include them."""
    return Visible(uow.now, statuses, scope_of(uow), within(uow, Kind))


def pending_proposals(uow: UnitOfWork) -> Visible:
    """Those that wait, as far as the caller's lists include them."""
    return visible_proposals(uow, [ProposalStatus.PENDING])


def tenant_of(uow: UnitOfWork) -> Tenant:
    """Whose rows the caller may see. Raises `unauthorized`."""
    match uow.actor:
        case Member(user_id=user_id):
            return Tenant(user_id=user_id)
        case Token(org_id=org_id):
            return Tenant(org_id=org_id)
        case Anonymous(reason):
            raise AppError("unauthorized", reason)
    raise AppError("forbidden")
