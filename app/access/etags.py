"""The tags of what is versioned, the same on both transports.

Each tells when the row was last changed, or what it holds, beside the number of its change: a number repeats when a
database is restored from a backup, and a tag must never repeat for another content. What is shown with a row and may
change while nobody writes it stands behind `~`: `If-None-Match` looks at it, `If-Match` does not.
"""

import hashlib
from datetime import datetime

from app.domain.actors import Actor, Token
from app.engine.ruleset import Ruleset
from app.models import ApiKey, Environment, Primitive, Proposal, SpotChecks, TrafficSample
from app.models.base import Revised
from app.store.states import Current


def row_etag(row: Revised) -> str:
    """Identifies the row and its revision; a key that was deleted and made again has another tag."""
    return f'"{_revision(row)}"'


def primitive_etag(row: Primitive) -> str:
    """Changes with the revision of the identity, and with the name of its maintainer, who may leave, too."""
    if row.maintainer is None:
        return row_etag(row)
    shown = f"{row.maintainer.id} {row.maintainer.display_name}"
    return f'"{_revision(row)}.{hashlib.blake2b(shown.encode(), digest_size=8).hexdigest()}"'


def environment_etag(row: Environment) -> str:
    """Changes with the environment's revision, and with its version, which a write of a state raises."""
    return f'"{_revision(row)}.{row.version}.{_instant(row.version_at)}"'


def state_etag(current: Current) -> str:
    """Changes with the version in which the state last changed, and with the revision of its identity."""
    state, primitive = current.state, current.primitive
    instants = f"{_instant(state.updated_at)} {_instant(primitive.updated_at)}"
    content = f"{state.id} {instants} {state.killed} {state.default_value} {state.rules}"
    digest = hashlib.blake2b(content.encode(), digest_size=8).hexdigest()
    return f'"{state.from_version}.{primitive.revision}.{digest}"'


def shown_state_etag(current: Current, open_proposals: int) -> str:
    """Changes with the number of proposals that wait for the state, too."""
    return f'{state_etag(current)[:-1]}~{open_proposals}"'


def evaluation_etag(ruleset: Ruleset, actor: Actor, body: bytes) -> str:
    """Of the values of all keys, before any is known: it changes with the version, and with who asks for what."""
    version_at = "" if ruleset.version_at is None else _instant(ruleset.version_at)
    asked = f"{ruleset.environment_id} {ruleset.version} {version_at} {_scope(actor)} ".encode()
    return f'"{hashlib.blake2b(asked + body, digest_size=12).hexdigest()}"'


def spot_checks_etag(environment_id: str, row: SpotChecks | None) -> str:
    """Changes with what is kept; that nothing was ever set has a tag, too."""
    if row is None:
        return f'"{environment_id[-12:]}.0"'
    digest = hashlib.blake2b(row.contexts.encode(), digest_size=8).hexdigest()
    return f'"{environment_id[-12:]}.{_instant(row.updated_at)}.{digest}"'


def traffic_sample_etag(environment_id: str, row: TrafficSample | None) -> str:
    """Changes with what is sampled; that nothing was ever set has a tag, too."""
    if row is None:
        return f'"{environment_id[-12:]}.0"'
    digest = hashlib.blake2b(f"{row.size} {row.fields}".encode(), digest_size=8).hexdigest()
    return f'"{environment_id[-12:]}.{_instant(row.updated_at)}.{digest}"'


def shown_traffic_sample_etag(tag: str, *shown: object) -> str:
    """Changes with what is in the sample, and with how much of it is shown, too."""
    return f'{tag[:-1]}~{hashlib.blake2b(repr(shown).encode(), digest_size=8).hexdigest()}"'


def api_key_etag(row: ApiKey) -> str:
    """Changes with the token's revision, and with how it was used, which no write depends on."""
    used = 0 if row.last_used_at is None else int(row.last_used_at.timestamp())
    refused = 0 if row.last_refusal is None else int(row.last_refusal.at.timestamp() * 1000)
    return f'"{_revision(row)}~{used}.{int(row.first_evaluated_at is not None)}.{refused}"'


def shown_proposal_etag(row: Proposal, *standing: object) -> str:
    """Changes with the proposal's revision, and with how it stands, which time, roles and settings change, too."""
    digest = hashlib.blake2b(repr(standing).encode(), digest_size=8).hexdigest()
    return f'{row_etag(row)[:-1]}~{digest}"'


def body_etag(body: bytes) -> str:
    """The tag of an answer that has no version of its own: a digest of the content."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def caller_etag(actor: Actor, body: bytes, *asked: str) -> str:
    """The tag of what is limited to the caller's scope, and to what was asked for."""
    return scoped_etag(_scope(actor), body, *asked)


def scoped_etag(scope: str, body: bytes, *asked: str) -> str:
    """As `caller_etag`. The scope is a token's id, or empty for people."""
    return body_etag(repr((scope, asked)).encode() + body)


def _revision(row: Revised) -> str:
    return f"{row.id[-12:]}.{row.revision}.{_instant(row.updated_at)}"


def _instant(at: datetime) -> str:
    """The instant in microseconds."""
    return f"{round(at.timestamp() * 1_000_000):x}"


def _scope(actor: Actor) -> str:
    """What answers are limited to: a token, or nothing for people."""
    return actor.token_id if isinstance(actor, Token) else ""
