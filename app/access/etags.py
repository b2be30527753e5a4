"""The tags of what is versioned, the same on both transports."""

from app.models import ApiKey, Environment
from app.models.base import Revised
from app.store.states import Current


def row_etag(row: Revised) -> str:
    """Identifies the row and its revision; a key that was deleted and made again has another tag."""
    return f'"{row.id[-12:]}.{row.revision}"'


def environment_etag(row: Environment) -> str:
    """Changes with the environment's revision, and with its version, which a write of a state raises."""
    return f'"{row.id[-12:]}.{row.revision}.{row.version}"'


def state_etag(current: Current) -> str:
    """Changes with the version in which the state last changed, and with the revision of its identity."""
    return f'"{current.state.from_version}.{current.primitive.revision}"'


def api_key_etag(row: ApiKey) -> str:
    """Changes with the token's revision, and with its last use, which raises no revision."""
    used = 0 if row.last_used_at is None else int(row.last_used_at.timestamp())
    return f'"{row.id[-12:]}.{row.revision}.{used}"'
