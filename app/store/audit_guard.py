"""Notes changes of audited rows, so that a commit of such changes without any audit event fails; and keeps the audit as
it was written."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.models import AuditEvent, SpotChecks, State, TrafficSample
from app.models.base import Revised


class GuardedSession(Session):
    """Remembers whether a state, or a row that people change, was made, changed or deleted."""

    touched_audited = False


@event.listens_for(GuardedSession, "before_flush")
def _guard(session: GuardedSession, *_: Any) -> None:
    if any(isinstance(row, AuditEvent) for row in (*session.dirty, *session.deleted)):
        raise RuntimeError("the audit is only added to")
    rows = (*session.new, *session.dirty, *session.deleted)
    session.touched_audited |= any(isinstance(row, (Revised, SpotChecks, State, TrafficSample)) for row in rows)
