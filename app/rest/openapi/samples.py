"""The ids, times and secrets that the examples of the OpenAPI document share, so that they agree with each other."""

from app.domain.token_secrets import hint


def _id(number: int) -> str:
    """A UUIDv7 of one morning; they differ in the order in which the things were made."""
    return f"019cadc6-9a{number:02x}-7c41-8f3e-5b0d9e2a6c{number:02x}"


def _secret(prefix: str, length: int) -> str:
    """As long as a real one."""
    return prefix + ("EXAMPLE" * length)[:length]


ADA_ID, ORG_ID, PROJECT_ID, ENVIRONMENT_ID, FLAG_ID = map(_id, range(5))
STATE_ID, API_KEY_ID, GRACE_ID, INVITATION_ID, MEMBERSHIP_ID, SESSION_ID = map(_id, range(5, 11))
CONFIG_ID, CONFIG_STATE_ID, SEGMENT_ID, SEGMENT_STATE_ID = map(_id, range(11, 15))
PROPOSAL_ID, REVIEW_ID, EVENT_ID = map(_id, range(15, 18))
MORNING, NOON = "2026-03-02T09:00:00.000000Z", "2026-03-02T12:00:00.000000Z"
NEXT_WEEK, NEXT_MONTH = "2026-03-09T09:00:00.000000Z", "2026-04-01T09:00:00.000000Z"
API_KEY = _secret("sbx_", 49)
API_KEY_HINT = hint(API_KEY)
ACCEPT_URL = f"https://flags.acme.example/app/invitations/{_secret('sbi_', 43)}"
CHANGED = {"createdAt": MORNING, "updatedAt": MORNING}
