"""Whose rows a caller may see at all: a member's are those of their organisations, a token's those of its own."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, null
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Membership, Org
from app.store.engines.prepared import Prepared
from app.store.paging import AnySelect
from app.store.pieces import all_rows


class Tenant(NamedTuple):
    """A caller, as tenancy sees them: a user, or else an organisation's token."""

    user_id: str | None = None
    org_id: str | None = None


class Tenanted:
    """A query, which names `Org`, limited to the tenant's rows; each row ends with the caller's role there, or None.

    It is put together once, which takes longer than to run it; what it looks for are bound parameters, and no lists of
    them where it is for one `row`.
    """

    def __init__(self, query: AnySelect) -> None:
        self._of_token = query.where(col(Org.id) == bindparam("tenant")).add_columns(null())
        member = query.join(Membership, col(Membership.org_id) == col(Org.id))
        self._of_user = member.where(col(Membership.user_id) == bindparam("tenant")).add_columns(col(Membership.role))
        self._row_of_token, self._row_of_user = Prepared(self._of_token), Prepared(self._of_user)

    async def rows(self, session: AsyncSession, tenant: Tenant, **sought: Any) -> Sequence[Any]:
        query = self._of_user if tenant.org_id is None else self._of_token
        return await all_rows(session, query, {"tenant": tenant.org_id or tenant.user_id, **sought})

    async def row(self, session: AsyncSession, tenant: Tenant, **sought: Any) -> Any | None:
        """The one row, if it is the tenant's."""
        query = self._row_of_user if tenant.org_id is None else self._row_of_token
        return await query.first(session, tenant=tenant.org_id or tenant.user_id, **sought)

    def of(self, tenant: Tenant) -> AnySelect:
        """The tenant's rows, as a query that can be extended."""
        query = self._of_user if tenant.org_id is None else self._of_token
        return query.params(tenant=tenant.org_id or tenant.user_id)
