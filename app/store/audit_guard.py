"""Sees to it that no change of what is audited is forgotten."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.models import State
from app.models.base import Revised


class GuardedSession(Session):
    """Remembers whether a row was made, changed or deleted that people change, or a state."""

    touched_audited = False


@event.listens_for(GuardedSession, "before_flush")
def _guard(session: GuardedSession, *_: Any) -> None:
    rows = (*session.new, *session.dirty, *session.deleted)
    session.touched_audited |= any(isinstance(row, (Revised, State)) for row in rows)
