"""How much of something an organisation, a project or a person may have. The numbers are settings."""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import NamedTuple

from app.domain.actors import Token
from app.domain.errors import invalid
from app.models import Environment
from app.store import quotas
from app.store.unit_of_work import UnitOfWork

MEBIBYTE = 1024 * 1024
KEPT_FOR_PEOPLE = 10  # percent of the pending proposals: no token that proposes on and on is in everybody's way
_KEPT = f" The last {KEPT_FOR_PEOPLE} percent are kept for people."


class _Row(NamedTuple):
    setting: str
    text: str
    counted: Callable[..., Awaitable[int]]


class Quota(Enum):
    """What is limited in number: its setting, how the refusal puts it, and how it is counted."""

    PROJECTS = _Row("max_projects", "An organisation can have at most {} projects.", quotas.projects)
    MEMBERS = _Row("max_members", "An organisation can have at most {} members.", quotas.members)
    TOKENS = _Row("max_tokens", "An organisation can have at most {} live API keys.", quotas.live_tokens)
    INVITATIONS = _Row(
        "max_invitations", "An organisation can have at most {} open invitations.", quotas.open_invitations
    )
    ENVIRONMENTS = _Row("max_environments", "A project can have at most {} environments.", quotas.environments)
    PRIMITIVES = _Row("max_primitives", "A project can have at most {} flags, configs and segments.", quotas.primitives)
    PROPOSALS = _Row("max_proposals", "A project can have at most {} pending proposals.", quotas.pending_proposals)
    ORGS = _Row("max_orgs", "A person can create at most {} organisations.", quotas.orgs_founded)


def require_room_for_states(uow: UnitOfWork, environment: Environment, grown: int | None = None) -> None:
    """Raises `invalid_request` if the environment's states are larger than they may be.

    Called after a state grew; or with the bytes that one is going to grow by, which may be none.
    """
    most = uow.host.settings.max_state_mib
    if grown is not None and grown <= 0:
        return
    if environment.state_bytes + (grown or 0) > most * MEBIBYTE:
        raise invalid({"quota": f"The states of an environment can have at most {most:,} MiB."})


async def require_room_for_proposal(uow: UnitOfWork, project_id: str, size: int) -> None:
    """Raises `invalid_request` if the project's pending proposals, which keep whole lists, would be too large.

    They may be as large as the states of an environment.
    """
    most, kept = uow.host.settings.max_state_mib, _kept(uow)
    present = await quotas.bytes_of_pending_proposals(uow.session, project_id, uow.now)
    if present + size > most * MEBIBYTE * (100 - kept) // 100:
        text = f"The pending proposals of a project can have at most {most:,} MiB."
        raise invalid({"quota": text + (_KEPT if kept else "")})


async def require_room(uow: UnitOfWork, quota: Quota, owner_id: str) -> None:
    """Raises `invalid_request` if the organisation, project or person has as many as it may have.

    It is called within the write, while nobody else can add one.
    """
    most: int = getattr(uow.host.settings, quota.value.setting)
    kept = _kept(uow) if quota is Quota.PROPOSALS else 0
    if await quota.value.counted(uow.session, owner_id, uow.now) >= most - most * kept // 100:
        raise invalid({"quota": quota.value.text.format(f"{most:,}") + (_KEPT if kept else "")})


def _kept(uow: UnitOfWork) -> int:
    """How many percent of the pending proposals the caller leaves to others."""
    return KEPT_FOR_PEOPLE if isinstance(uow.actor, Token) else 0
