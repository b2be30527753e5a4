"""What people are mailed about proposals."""

from enum import StrEnum


class NewsEvent(StrEnum):
    """What happened to a proposal."""

    PROPOSED = "proposed"
    REVIEWED = "reviewed"
    APPLIED = "applied"
    CANCELLED = "cancelled"
