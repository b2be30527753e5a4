"""The catalogue of errors: every code that a request can fail with, as data.

Nothing else in the product defines a code or a status. It may only grow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code means: `status` is the HTTP status, `causes` are what most often lies behind it, `action` is what
    a caller should do about it. The samples are what its example shows as `fields` and beside them.
    """

    code: str
    status: int
    title: str
    meaning: str
    causes: tuple[str, ...]
    action: str
    sample_fields: Mapping[str, str] = field(default_factory=dict)
    sample_extra: Mapping[str, Any] = field(default_factory=dict)


_ENTRIES = (
    Entry(
        "invalid_request",
        400,
        "The request is not valid",
        "Bad shape, missing field, wrong type, unknown field, bad enum, bad JSON, NaN or Infinity, wrong media type, "
        "too large or too deep. `fields` names each fault by its path.",
        (
            "A field is missing, of the wrong type, too long, or unknown.",
            "The body is not JSON in UTF-8, or is sent as another media type.",
            "The body is larger than 1 MiB or nests more than 100 deep.",
            "A parameter, header or cursor does not have the form it needs.",
        ),
        "Mend every path named in `fields` and send the request again.",
        {"name": "Is required."},
    ),
    Entry(
        "invalid_confirmation",
        400,
        "The confirmation does not match",
        "A destructive call whose `confirm` is missing or is not the slug or key of what it destroys.",
        (
            "`confirm` is missing.",
            "`confirm` names something else than what the address names.",
        ),
        "Send the slug or key of the resource as `confirm`, in the body or the query string.",
        {"confirm": "Must be checkout-web."},
    ),
    Entry(
        "unauthorized",
        401,
        "Credentials are missing or not valid",
        "No credentials, or malformed, unknown, revoked or expired ones.",
        (
            "The call has neither a session cookie nor a token.",
            "The session has ended, or the token was revoked or has expired.",
            "The `Authorization` header is malformed.",
        ),
        "Sign in again, or send a live token as `Authorization: Bearer sbx_…`.",
    ),
    Entry(
        "forbidden",
        403,
        "This caller may not do this at all",
        "A known caller of the wrong kind: a token on a session-only operation, a cookie request from a foreign "
        "origin, or a person applying their own proposal where four eyes are asked for.",
        (
            "A token calls what only people may do.",
            "A browser's request comes from a page of another site.",
            "Whoever proposed a change approves or applies it.",
        ),
        "Use the kind of caller the operation asks for, or call from the instance's own pages.",
    ),
    Entry(
        "insufficient_role",
        403,
        "Your role is too low",
        "The session's role in the organisation is below the operation's minimum.",
        (
            "A viewer changes something.",
            "An editor does what takes an admin or an owner.",
        ),
        "Ask an admin or owner of the organisation for a higher role, or to do it for you.",
    ),
    Entry(
        "scope_denied",
        403,
        "The token's scope falls short",
        "A token falls short in two or more of action, environment and resource at once, or in a call that names "
        "several primitives. `fields` names what is refused.",
        (
            "The token lacks two or more of action, environment and resource.",
            "The call names several keys, and the token may not touch one of them.",
        ),
        "Mint a token whose scope covers every part named in `fields`.",
        {"action": "The token lacks the action write.", "resource": "The token's resources do not match this."},
    ),
    Entry(
        "token_action_denied",
        403,
        "The token lacks the action",
        "The token's actions do not include the verb that the operation needs.",
        (
            "A token that reads is used to write.",
            "The verb is one that the token's level does not hold.",
        ),
        "Mint a token whose level or actions include the verb.",
    ),
    Entry(
        "token_env_out_of_scope",
        403,
        "The environment is outside the token's scope",
        "The token's environments lack this one, or do not cover the whole project or organisation where the "
        "operation acts on it.",
        (
            "The token is for another environment.",
            "A token for one environment does what touches the whole project.",
        ),
        "Mint a token whose environments cover what the operation acts on.",
    ),
    Entry(
        "token_resource_out_of_scope",
        403,
        "The key is outside the token's resources",
        "The token's resource patterns do not match the key of this primitive.",
        (
            "The token's patterns, such as `payments.*`, do not match the key.",
            "A rule refers to a segment or flag that the token may not touch.",
        ),
        "Mint a token whose resources match the key.",
    ),
    Entry(
        "token_ip_denied",
        403,
        "The address is outside the token's allowlist",
        "The request came from an address that is in none of the token's CIDRs.",
        (
            "The caller's network has changed.",
            "A proxy stands in between that the instance does not trust.",
        ),
        "Call from an allowed address, or mint a token that allows this one.",
    ),
    Entry(
        "approval_not_supported",
        403,
        "The change would need approval and cannot be proposed",
        "A call that must be diverted to a proposal and cannot be: an identity or metadata change, a create, or a "
        "change that touches more than one dimension.",
        (
            "A token that needs approval creates something or changes what is not state.",
            "A change in a protected environment touches more than one dimension.",
            "What is to be deleted holds a protected environment.",
        ),
        "Split the change by dimension, or let a person with the right role do it.",
    ),
    Entry(
        "not_found",
        404,
        "Nothing is here",
        "It does not exist, or it belongs to somebody else.",
        (
            "The id, slug or key is mistyped, or was deleted.",
            "You are not a member of the organisation it belongs to.",
            "The path is not one of the API's.",
        ),
        "Check the id, slug or key, and that you are signed in to the right organisation.",
    ),
    Entry(
        "method_not_allowed",
        405,
        "The method is not supported here",
        "The path exists, but not with this method. The `Allow` header lists the ones it takes.",
        ("The address is right and the method is not.",),
        "Use one of the methods in the `Allow` header.",
    ),
    Entry(
        "last_owner_cannot_demote_or_remove",
        409,
        "The last owner must stay",
        "The call would demote or remove the last active owner of an organisation.",
        ("The only owner gives up the role, leaves, or deletes the account.",),
        "Make somebody else an owner first.",
    ),
    Entry(
        "already_member",
        409,
        "Already a member",
        "The invited email belongs to a member of the organisation.",
        ("Somebody with this email has joined already.",),
        "Change the member's role instead.",
    ),
    Entry(
        "invitation_pending",
        409,
        "An invitation is already pending",
        "There is a fresh pending invitation for the same organisation and email.",
        ("An invitation to the same email is younger than 7 days and not answered.",),
        "Wait for it to be accepted, or revoke it and invite again.",
    ),
    Entry(
        "already_claimed",
        409,
        "The instance is claimed",
        "The instance has an organisation, or once had one, so it cannot be claimed again.",
        (
            "Somebody claimed the instance before you.",
            "The instance's first organisation was deleted since.",
        ),
        "Sign in, or ask an owner for an invitation.",
    ),
    Entry(
        "slug_unavailable",
        409,
        "The slug is taken",
        "Another organisation on the instance has this slug.",
        ("Another organisation took the slug first.",),
        "Choose another slug.",
    ),
    Entry(
        "in_use",
        409,
        "Something still refers to it",
        "A segment, or a flag or config that is a prerequisite, is referred to in at least one environment. `fields` "
        "names each referrer with its environments.",
        (
            "A rule names the segment.",
            "A rule has the flag or config as a prerequisite.",
        ),
        "Remove the references named in `fields` first.",
        {"flag.checkout": "Refers to it in production, staging."},
    ),
    Entry(
        "version_drift",
        409,
        "The environment has moved on",
        "The environment's version is not the one the proposal was made against. The body has `liveVersion` and "
        "`proposedVersion`.",
        ("Somebody wrote to the environment after the change was proposed.",),
        "Look at what changed, and propose the change again.",
        sample_extra={"liveVersion": 42, "proposedVersion": 41},
    ),
    Entry(
        "key_collision",
        409,
        "The key exists",
        "There is already one with this key. `fields.key` says so.",
        (
            "The key is used already in the same project or organisation.",
            "A flag and a config cannot share a key.",
        ),
        "Choose another key, or change the existing one.",
        {"key": "There is already one with the key checkout."},
    ),
    Entry(
        "approval_missing",
        409,
        "Approvals are missing",
        "The proposal has fewer approvals than asked for, or a reviewer's last word is to change it.",
        (
            "Fewer people have approved than the environment asks for.",
            "A reviewer asked for changes and has not approved since.",
        ),
        "Get the missing approvals, then apply again.",
    ),
    Entry(
        "invitation_used",
        410,
        "The invitation was used",
        "The invitation was accepted already.",
        ("The invitation's link was opened a second time.",),
        "Sign in instead.",
    ),
    Entry(
        "invitation_expired",
        410,
        "The invitation has expired",
        "The invitation is older than 7 days.",
        ("More than 7 days passed since the invitation was sent.",),
        "Ask for a new invitation.",
    ),
    Entry(
        "invitation_email_locked",
        410,
        "The email cannot be invited",
        "The email belongs to a user who deleted their account.",
        ("The invited person deleted their account on this instance.",),
        "Use another email address, or ask the operator to purge the user.",
    ),
    Entry(
        "proposal_gone",
        410,
        "The proposal is closed",
        "The proposal was applied, cancelled, or has expired.",
        (
            "Somebody applied or cancelled the proposal first.",
            "The proposal's time ran out.",
        ),
        "Make a new proposal if the change is still wanted.",
    ),
    Entry(
        "precondition_failed",
        412,
        "It changed in the meantime",
        "The `If-Match` tag is not the tag of the current row.",
        (
            "Somebody wrote between your reading and your writing.",
            "The tag belongs to another resource.",
        ),
        "Read it again, look at what changed, and send the write with the new tag.",
    ),
    Entry(
        "token_rate_limit",
        429,
        "The token's rate limit is reached",
        "The bucket of the token or of its organisation is empty.",
        (
            "The token makes more calls a minute than it may.",
            "All tokens of the organisation together do.",
        ),
        "Wait for `Retry-After` seconds.",
    ),
    Entry(
        "rate_limited",
        429,
        "Too many attempts",
        "A limit on sign-in mails, signups, invitations, claim codes, previews or streams is reached.",
        (
            "Too many sign-in mails, signups or invitations within an hour.",
            "Too many wrong claim codes.",
            "Too many previews or streams at once.",
        ),
        "Wait for `Retry-After` seconds.",
    ),
    Entry(
        "internal",
        500,
        "Something broke on our side",
        "An unexpected failure. The cause is in the server's log beside the request id, and nowhere else.",
        ("A bug of the service.",),
        "Give the `requestId` to the operator.",
    ),
    Entry(
        "ruleset_not_cached",
        503,
        "The environment has no ruleset yet",
        "The environment was never written to, so there is nothing to evaluate.",
        ("The environment is new, and no flag, config or segment has been written in it.",),
        "Make a first change in the environment, then try again.",
    ),
    Entry(
        "unavailable",
        503,
        "The service cannot answer now",
        "The database, the shared memory or the queue of writes cannot serve at the moment.",
        (
            "The database cannot be reached.",
            "More writes wait than can be served in time.",
        ),
        "Wait for `Retry-After` seconds and try again.",
    ),
    Entry(
        "magic_link_invalid",
        400,
        "The sign-in link is not valid",
        "The link is unknown or malformed.",
        (
            "The link was cut off or mistyped.",
            "The link is of another instance.",
        ),
        "Ask for a new link, and open it whole.",
    ),
    Entry(
        "magic_link_used",
        410,
        "The sign-in link was used",
        "A link signs in once, and this one has.",
        ("The link was opened twice, by you or by a program that reads your mail.",),
        "Ask for a new link.",
    ),
    Entry(
        "magic_link_expired",
        410,
        "The sign-in link has expired",
        "A link is good for 15 minutes.",
        ("More than 15 minutes passed since the link was sent.",),
        "Ask for a new link.",
    ),
    Entry(
        "no_invitation",
        403,
        "There is no invitation for this email",
        "The email is unknown here, and no invitation is pending for it.",
        (
            "The email differs from the invited one.",
            "The invitation was revoked or has expired.",
        ),
        "Ask a member of the organisation to invite you.",
    ),
)

CATALOGUE: Mapping[str, Entry] = {entry.code: entry for entry in _ENTRIES}
