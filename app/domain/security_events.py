"""What is audited besides changes: who came in, and who was refused."""

from dataclasses import dataclass
from enum import StrEnum

from app.engine.cidrs import Address


class SecurityEvent(StrEnum):
    """The value is the `action` of the audit row."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    CLAIM = "claim"
    CLAIM_FAILED = "claim_failed"
    TOKEN_REFUSED = "token_refused"  # noqa: S105


ADMISSIONS = frozenset({SecurityEvent.SIGN_IN, SecurityEvent.CLAIM})


@dataclass(frozen=True, slots=True)
class Concerned:
    """Whom or what a refusal concerns, as far as that is known."""

    org_id: str | None = None
    type: str = "instance"
    id: str = ""
    key: str = ""


NOBODY = Concerned()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A caller who did not get in, and the catalogue's code of why."""

    event: SecurityEvent
    code: str
    concerned: Concerned
    request_id: str
    address: Address | None
