"""Tokens: what machines call with. The secret is shown once, and only its SHA-256 is kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, Relationship

from app.domain.usage import TokenRefusal
from app.models.base import Instant, Revised
from app.models.usage import TokenUsage


class ApiKey(Revised, table=True):
    """A token of an organisation. `minted_by` is the person as they were then: the token outlives its minter.

    `environments` is `{"org": true}`, `{"projects": [id]}` or `{"envs": [id]}`, as it was asked for.
    """

    __tablename__ = "api_key"

    org_id: str = Field(foreign_key="org.id", index=True, ondelete="CASCADE")
    name: str
    level: str | None = None
    actions: list[str] = Field(sa_type=JSON)
    environments: dict[str, Any] = Field(sa_type=JSON)
    resources: list[str] = Field(sa_type=JSON)
    rate_limit_per_min: int
    approval_required: bool = False
    ip_allowlist: list[str] = Field(sa_type=JSON)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    usage: TokenUsage | None = Relationship(sa_relationship_kwargs={"lazy": "joined", "uselist": False})
    secret_hash: str = Field(unique=True)
    hint: str
    minter_id: str = Field(index=True)
    minted_by: dict[str, Any] = Field(sa_type=JSON)

    @property
    def first_evaluated_at(self) -> datetime | None:
        return None if self.usage is None else self.usage.first_evaluated_at

    @property
    def last_refusal(self) -> TokenRefusal | None:
        found = self.usage
        if found is None or found.refused_at is None:
            return None
        return TokenRefusal(str(found.refusal_code), found.refused_at, str(found.refused_request_id))
