"""Whose rows a caller may see at all: a member's are those of their organisations, a token's those of its own."""

from typing import NamedTuple

from sqlalchemy import null
from sqlmodel import col

from app.models import Membership, Org
from app.store.paging import AnySelect


class Tenant(NamedTuple):
    """A caller, as tenancy sees them: a user, or else an organisation's token."""

    user_id: str | None = None
    org_id: str | None = None


def within(query: AnySelect, tenant: Tenant) -> AnySelect:
    """The query, which names `Org`, cut down to the tenant's; each row ends with the caller's role there, or None."""
    if tenant.org_id is not None:
        return query.where(col(Org.id) == tenant.org_id).add_columns(null())
    member = query.join(Membership, col(Membership.org_id) == col(Org.id))
    return member.where(col(Membership.user_id) == tenant.user_id).add_columns(col(Membership.role))
