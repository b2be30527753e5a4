"""How instants are written."""

from datetime import UTC, datetime


def rfc3339(at: datetime) -> str:
    """An instant in UTC with microseconds, ending in `Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
