"""Queries for what tokens do: when they first evaluated, and what they were last refused."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.usage import TokenRefusal
from app.models import ApiKey, TokenUsage
from app.store.engines.upserts import upsert_into
from app.store.pieces import pieces

AT_ONCE = 500


async def add(
    session: AsyncSession, first_evaluations: Mapping[str, datetime], refusals: Mapping[str, TokenRefusal]
) -> None:
    """Keeps the earliest evaluation of each token, and the refusal. Tokens that are gone by now are skipped."""
    connection = await session.connection()
    for piece in pieces(sorted(first_evaluations.keys() | refusals.keys()), AT_ONCE):
        live = select(col(ApiKey.id)).where(col(ApiKey.id).in_(piece))
        rows = []
        for token_id in sorted((await session.execute(live)).scalars()):
            refusal = refusals.get(token_id)
            rows.append(
                {
                    "token_id": token_id,
                    "first_evaluated_at": first_evaluations.get(token_id),
                    "refused_at": refusal and refusal.at,
                    "refusal_code": refusal and refusal.code,
                    "refused_request_id": refusal and refusal.request_id,
                }
            )
        if not rows:
            continue
        insert = upsert_into(session, TokenUsage)
        new, table = insert.excluded, TokenUsage
        kept = {"first_evaluated_at": func.coalesce(col(table.first_evaluated_at), new.first_evaluated_at)}
        for name in ("refused_at", "refusal_code", "refused_request_id"):
            kept[name] = func.coalesce(new[name], col(getattr(table, name)))
        await connection.execute(insert.on_conflict_do_update(index_elements=["token_id"], set_=kept), rows)
