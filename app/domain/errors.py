"""The one catalogue of errors, the one exception that carries them, and the one envelope callers see.

Nothing else in the product defines a code, a status or the shape of a failure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code means: `status` is the HTTP status, `action` what a caller should do about it."""

    code: str
    title: str
    status: int
    meaning: str
    action: str


def _catalogue(*rows: tuple[str, int, str, str, str]) -> dict[str, Entry]:
    return {code: Entry(code, title, status, meaning, action) for code, status, title, meaning, action in rows}


CATALOGUE: Mapping[str, Entry] = _catalogue(
    (
        "invalid_request",
        400,
        "The request is not valid",
        "Bad shape, missing field, wrong type, unknown field, bad enum, bad JSON, NaN or Infinity, "
        "wrong media type, too large or too deep. `fields` names each fault by its path.",
        "Mend every path named in `fields` and send the request again.",
    ),
    (
        "invalid_confirmation",
        400,
        "The confirmation does not match",
        "A destructive call whose `confirm` is missing or is not the slug or key of what it destroys.",
        "Send the slug or key of the resource as `confirm`, in the body or the query string.",
    ),
    (
        "unauthorized",
        401,
        "Credentials are missing or not valid",
        "No credentials, or malformed, unknown, revoked or expired ones.",
        "Sign in again, or send a live token as `Authorization: Bearer sbx_…`.",
    ),
    (
        "forbidden",
        403,
        "This caller may not do this at all",
        "A known caller of the wrong kind: a token on a session-only operation, a cookie request from a "
        "foreign origin, or a person applying their own proposal where four eyes are asked for.",
        "Use the kind of caller the operation asks for, or call from the instance's own pages.",
    ),
    (
        "insufficient_role",
        403,
        "Your role is too low",
        "The session's role in the organisation is below the operation's minimum.",
        "Ask an admin or owner of the organisation for a higher role, or to do it for you.",
    ),
    (
        "scope_denied",
        403,
        "The token's scope falls short",
        "A token falls short in two or more of action, environment and resource at once, or in a call that "
        "names several primitives. `fields` names what is refused.",
        "Mint a token whose scope covers every part named in `fields`.",
    ),
    (
        "token_action_denied",
        403,
        "The token lacks the action",
        "The token's actions do not include the verb that the operation needs.",
        "Mint a token whose level or actions include the verb.",
    ),
    (
        "token_env_out_of_scope",
        403,
        "The environment is outside the token's scope",
        "The token's environments lack this one, or do not cover the whole project or organisation where the "
        "operation acts on it.",
        "Mint a token whose environments cover what the operation acts on.",
    ),
    (
        "token_resource_out_of_scope",
        403,
        "The key is outside the token's resources",
        "The token's resource patterns do not match the key of this primitive.",
        "Mint a token whose resources match the key.",
    ),
    (
        "token_ip_denied",
        403,
        "The address is outside the token's allowlist",
        "The request came from an address that is in none of the token's CIDRs.",
        "Call from an allowed address, or mint a token that allows this one.",
    ),
    (
        "approval_not_supported",
        403,
        "The change would need approval and cannot be proposed",
        "A call that must be diverted to a proposal and cannot be: an identity or metadata change, a create, "
        "or a change that touches more than one dimension.",
        "Split the change by dimension, or let a person with the right role do it.",
    ),
    (
        "not_found",
        404,
        "Nothing is here",
        "It does not exist, or it belongs to somebody else.",
        "Check the id, slug or key, and that you are signed in to the right organisation.",
    ),
    (
        "method_not_allowed",
        405,
        "The method is not supported here",
        "The path exists, but not with this method. The `Allow` header lists the ones it takes.",
        "Use one of the methods in the `Allow` header.",
    ),
    (
        "last_owner_cannot_demote_or_remove",
        409,
        "The last owner must stay",
        "The call would demote or remove the last active owner of an organisation.",
        "Make somebody else an owner first.",
    ),
    (
        "already_member",
        409,
        "Already a member",
        "The invited email belongs to a member of the organisation.",
        "Change the member's role instead.",
    ),
    (
        "invitation_pending",
        409,
        "An invitation is already pending",
        "There is a fresh pending invitation for the same organisation and email.",
        "Wait for it to be accepted, or revoke it and invite again.",
    ),
    (
        "already_claimed",
        409,
        "The instance is claimed",
        "The instance has an organisation, or once had one, so it cannot be claimed again.",
        "Sign in, or ask an owner for an invitation.",
    ),
    (
        "slug_unavailable",
        409,
        "The slug is taken",
        "Another organisation on the instance has this slug.",
        "Choose another slug.",
    ),
    (
        "in_use",
        409,
        "Something still refers to it",
        "A segment, or a flag or config that is a prerequisite, is referred to in at least one environment. "
        "`fields` names each referrer with its environments.",
        "Remove the references named in `fields` first.",
    ),
    (
        "version_drift",
        409,
        "The environment has moved on",
        "The environment's version is not the one the proposal was made against. The body has `liveVersion` "
        "and `proposedVersion`.",
        "Look at what changed, and propose the change again.",
    ),
    (
        "key_collision",
        409,
        "The key exists",
        "There is already one with this key. `fields.key` says so.",
        "Choose another key, or change the existing one.",
    ),
    (
        "approval_missing",
        409,
        "Approvals are missing",
        "The proposal has fewer approvals than asked for, or a reviewer's last word is to change it.",
        "Get the missing approvals, then apply again.",
    ),
    (
        "invitation_used",
        410,
        "The invitation was used",
        "The invitation was accepted already.",
        "Sign in instead.",
    ),
    (
        "invitation_expired",
        410,
        "The invitation has expired",
        "The invitation is older than 7 days.",
        "Ask for a new invitation.",
    ),
    (
        "invitation_email_locked",
        410,
        "The email cannot be invited",
        "The email belongs to a user who deleted their account.",
        "Use another email address, or ask the operator to purge the user.",
    ),
    (
        "proposal_gone",
        410,
        "The proposal is closed",
        "The proposal was applied, cancelled, or has expired.",
        "Make a new proposal if the change is still wanted.",
    ),
    (
        "precondition_failed",
        412,
        "It changed in the meantime",
        "The `If-Match` tag is not the tag of the current row.",
        "Read it again, look at what changed, and send the write with the new tag.",
    ),
    (
        "token_rate_limit",
        429,
        "The token's rate limit is reached",
        "The bucket of the token or of its organisation is empty.",
        "Wait for `Retry-After` seconds.",
    ),
    (
        "rate_limited",
        429,
        "Too many attempts",
        "A limit on sign-in mails, signups, invitations, claim codes, previews or streams is reached.",
        "Wait for `Retry-After` seconds.",
    ),
    (
        "internal",
        500,
        "Something broke on our side",
        "An unexpected failure. The cause is in the server's log beside the request id, and nowhere else.",
        "Give the `requestId` to the operator.",
    ),
    (
        "ruleset_not_cached",
        503,
        "The environment has no ruleset yet",
        "The environment was never written to, so there is nothing to evaluate.",
        "Make a first change in the environment, then try again.",
    ),
    (
        "unavailable",
        503,
        "The service cannot answer now",
        "The database, the shared memory or the queue of writes cannot serve at the moment.",
        "Wait for `Retry-After` seconds and try again.",
    ),
    (
        "magic_link_invalid",
        400,
        "The sign-in link is not valid",
        "The link is unknown or malformed.",
        "Ask for a new link, and open it whole.",
    ),
    (
        "magic_link_used",
        410,
        "The sign-in link was used",
        "A link signs in once, and this one has.",
        "Ask for a new link.",
    ),
    (
        "magic_link_expired",
        410,
        "The sign-in link has expired",
        "A link is good for 15 minutes.",
        "Ask for a new link.",
    ),
    (
        "no_invitation",
        403,
        "There is no invitation for this email",
        "The email is unknown here, and no invitation is pending for it.",
        "Ask a member of the organisation to invite you.",
    ),
)


_HEADERS = {
    "unauthorized": {"WWW-Authenticate": "Bearer"},
    "unavailable": {"Retry-After": "1"},
    "ruleset_not_cached": {"Retry-After": "1"},
}


class AppError(Exception):
    """A failure from the catalogue.

    `fields` maps dotted paths to messages; `extra` holds the few members that a code adds to the envelope
    (`liveVersion`, `proposedVersion`); `headers` are sent with the REST answer (`Retry-After`, `Allow`).
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        fields: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.entry = CATALOGUE[code]
        self.message = message or f"{self.entry.title}."
        self.fields = dict(fields or {})
        self.extra = dict(extra or {})
        self.headers = {**_HEADERS.get(code, {}), **(headers or {})}
        super().__init__(f"{code}: {self.message}")

    @property
    def code(self) -> str:
        """The catalogue's code."""
        return self.entry.code

    @property
    def status(self) -> int:
        """The HTTP status that the catalogue gives the code."""
        return self.entry.status


def envelope(error: AppError, request_id: str) -> dict[str, Any]:
    """The flat body of a failure: `{code, message, fields?, requestId}` and what the code adds."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.fields:
        body["fields"] = error.fields
    return {**body, **error.extra, "requestId": request_id}


def invalid(fields: Mapping[str, str], message: str | None = None) -> AppError:
    """`invalid_request` with the path and message of each fault."""
    return AppError("invalid_request", message, fields=fields)


def not_found(what: str) -> AppError:
    """`not_found`; `what` is the kind of thing ("project"), never whether it exists for somebody else."""
    return AppError("not_found", f"There is no such {what}.")
