"""The one row that describes the instance itself."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Instant, Table


class Instance(Table, table=True):
    """`claimed_at` is set once and for ever; `signing_key` signs cursors."""

    id: int = Field(default=1, primary_key=True)
    signing_key: str
    claim_code_hash: str | None = None
    claimed_at: datetime | None = Field(default=None, sa_type=Instant)
