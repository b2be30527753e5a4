"""Organisations: the tenants."""

from sqlmodel import Field

from app.models.base import Revised

DEFAULT_ORG_RATE_PER_MIN = 60_000


class Org(Revised, table=True):
    """A tenant. `slug` never changes."""

    slug: str = Field(unique=True)
    name: str
    default_target_id_field: str | None = None
    max_rate_limit_per_min: int = DEFAULT_ORG_RATE_PER_MIN
