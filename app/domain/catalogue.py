"""The catalogue of errors: every code that a request can fail with, as data.

Nothing else in the product defines a code or a status. It may only grow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code means: `status` is the HTTP status, `causes` are the most frequent ones, `action` is what a caller
    should do. The samples are for its example: `fields`, and further members of the envelope.
    """

    code: str
    status: int
    title: str
    meaning: str
    causes: tuple[str, ...]
    action: str
    sample_fields: Mapping[str, str] = field(default_factory=dict)
    sample_extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The message of an error that has none of its own."""
        return f"{self.title}."


_ENTRIES = (
    Entry(
        "invalid_request",
        400,
        "The request is invalid",
        "A field is missing, unknown, of the wrong type or not an allowed value; or the body is not valid JSON, has "
        "the wrong media type, or is too large or too deeply nested. `fields` lists each fault by its path.",
        (
            "A field is missing, of the wrong type, too long, or unknown.",
            "The body is not JSON in UTF-8, or has another media type.",
            "The body is larger than 1 MiB (16 KiB without credentials) or nested more than 100 levels deep.",
            "A parameter, header or cursor is malformed.",
        ),
        "Fix each field listed in `fields` and retry.",
        {"name": "Is required."},
    ),
    Entry(
        "invalid_confirmation",
        400,
        "The confirmation does not match",
        "A destructive call requires `confirm` to be the slug or key of the resource, and it is missing or different.",
        (
            "`confirm` is missing.",
            "`confirm` names a different resource from the one in the URL.",
        ),
        "Send the slug or key of the resource as `confirm`, in the body or the query string.",
        {"confirm": "Must be checkout-web."},
    ),
    Entry(
        "unauthorized",
        401,
        "Credentials are missing or invalid",
        "The credentials are missing, malformed, unknown, revoked or expired.",
        (
            "The request has neither a session cookie nor a token.",
            "The session has ended, or the token was revoked or has expired.",
            "The `Authorization` header is malformed.",
        ),
        "Sign in again, or send a valid token as `Authorization: Bearer sbx_…`.",
    ),
    Entry(
        "forbidden",
        403,
        "This type of caller is not allowed",
        "The caller is known but of the wrong type: a token calling an operation for people only, a cookie sent from "
        "another origin, a person whose mailbox is not proven yet, or a person applying their own proposal where a "
        "second person is required.",
        (
            "A token calls an operation that is for people only.",
            "A browser sends the request from a page of another site.",
            "A person who came by an invitation's link, and has not used a mailed sign-in link yet, invites somebody "
            "or creates an organisation or a token.",
            "The person who proposed a change approves or applies it.",
        ),
        "Use the type of caller that the operation requires, or call from the instance's own pages. To show that the "
        "mailbox is yours, ask for a sign-in link and use it.",
    ),
    Entry(
        "insufficient_role",
        403,
        "Your role does not allow this",
        "Your role in the organisation is below the minimum for the operation.",
        (
            "A viewer tries to make a change.",
            "An editor calls an operation that requires an admin or an owner.",
        ),
        "Ask an owner of the organisation for a higher role, or ask an admin or owner to do it for you.",
    ),
    Entry(
        "scope_denied",
        403,
        "The token's scope is insufficient",
        "The token lacks two or more of action, environment and resource, or does not cover every key in a call that "
        "names several. `fields` lists what was denied.",
        (
            "The token lacks two or more of action, environment and resource.",
            "The call names several keys, and the token's resources do not match all of them.",
        ),
        "Create a token whose scope covers everything listed in `fields`.",
        {"action": "The token lacks the action write.", "resource": "The token's resources do not match this."},
    ),
    Entry(
        "token_action_denied",
        403,
        "The token does not allow this action",
        "The token's actions do not include the one that the operation requires.",
        (
            "A read-only token is used to make a change.",
            "The token's level does not include the action.",
        ),
        "Create a token whose level or actions include the required action.",
    ),
    Entry(
        "token_env_out_of_scope",
        403,
        "The environment is outside the token's scope",
        "The token's environments do not include this one, or do not cover the whole project or organisation that the "
        "operation affects.",
        (
            "The token is limited to other environments.",
            "A token for one environment calls an operation that affects the whole project.",
        ),
        "Create a token whose environments cover what the operation affects.",
    ),
    Entry(
        "token_resource_out_of_scope",
        403,
        "The key is outside the token's resources",
        "The token's resource patterns do not match the key of this flag, config or segment.",
        (
            "The token's patterns, such as `payments.*`, do not match the key.",
            "A rule refers to a segment, flag or config that the token's patterns do not match.",
        ),
        "Create a token whose resources match the key.",
    ),
    Entry(
        "token_ip_denied",
        403,
        "The IP address is not in the token's allowlist",
        "The request came from an IP address outside the token's allowed networks.",
        (
            "The caller's network has changed.",
            "The request goes through a proxy that the instance does not trust.",
        ),
        "Call from an allowed address, or create a token that allows this one.",
    ),
    Entry(
        "approval_not_supported",
        403,
        "The change requires approval but cannot be proposed",
        "The change requires approval, but no proposal can be made of it: it creates something, changes an identity or "
        "metadata, or changes more than one dimension of a state.",
        (
            "A token that requires approval creates a resource or changes something other than a state.",
            "A change in a protected environment affects more than one dimension.",
            "The resource to delete contains a protected environment.",
        ),
        "Change one dimension at a time, or ask a person with the required role to make the change.",
    ),
    Entry(
        "not_found",
        404,
        "Not found",
        "The resource does not exist, or you do not have access to it.",
        (
            "The id, slug or key is mistyped, or was deleted.",
            "You are not a member of the organisation it belongs to.",
            "The path is not part of the API.",
        ),
        "Check the id, slug or key, and that you are signed in to the right organisation.",
    ),
    Entry(
        "method_not_allowed",
        405,
        "The method is not allowed",
        "The path does not support this method. The `Allow` header lists the methods it supports.",
        ("The URL is correct, but the method is not.",),
        "Use one of the methods in the `Allow` header.",
    ),
    Entry(
        "last_owner_cannot_demote_or_remove",
        409,
        "The last owner cannot be demoted or removed",
        "The call would leave an organisation without an active owner.",
        ("The only owner gives up the role, leaves the organisation or deletes their account.",),
        "Make another member an owner first.",
    ),
    Entry(
        "already_member",
        409,
        "Already a member",
        "The email belongs to a member of the organisation.",
        ("The person with this email has already joined.",),
        "Change the member's role instead.",
    ),
    Entry(
        "invitation_pending",
        409,
        "An invitation is already pending",
        "An invitation of this email to the organisation is still pending.",
        ("An invitation was sent to this email within the last 7 days and has not been accepted.",),
        "Wait until it is accepted, or revoke it and send a new one.",
    ),
    Entry(
        "already_claimed",
        409,
        "The instance is already claimed",
        "The instance has, or once had, an organisation, so it cannot be claimed again.",
        (
            "Another person has claimed the instance.",
            "The instance's first organisation has been deleted.",
        ),
        "Sign in, or ask an owner for an invitation.",
    ),
    Entry(
        "slug_unavailable",
        409,
        "The slug is taken",
        "Another organisation on the instance uses this slug.",
        ("Another organisation already uses the slug.",),
        "Choose another slug.",
    ),
    Entry(
        "in_use",
        409,
        "The resource is still in use",
        "Rules in at least one environment refer to the segment, or to the flag or config as a prerequisite. `fields` "
        "lists what refers to it, with the environments.",
        (
            "A rule uses the segment.",
            "A rule uses the flag or config as a prerequisite.",
        ),
        "Remove the references listed in `fields` first.",
        {"flag.checkout": "Refers to it in production, staging."},
    ),
    Entry(
        "version_drift",
        409,
        "The environment has changed",
        "The environment's version is no longer the one that the proposal is based on. The body has `liveVersion` and "
        "`proposedVersion`, and of a proposal to delete something the `environmentId`.",
        ("The environment was changed after the proposal was made.",),
        "Review what has changed and make a new proposal.",
        sample_extra={"liveVersion": 42, "proposedVersion": 41},
    ),
    Entry(
        "key_collision",
        409,
        "The key already exists",
        "The key is already in use. `fields.key` names it.",
        (
            "The key is already used in the same project or organisation.",
            "A flag and a config cannot share a key.",
        ),
        "Choose another key, or change the existing one.",
        {"key": "The key checkout is already in use."},
    ),
    Entry(
        "approval_missing",
        409,
        "Approvals are missing",
        "The proposal has fewer approvals than required, or a reviewer has requested changes.",
        (
            "Fewer people have approved than the environment requires.",
            "A reviewer requested changes and has not approved since.",
        ),
        "Get the missing approvals and apply the proposal again.",
    ),
    Entry(
        "invitation_used",
        410,
        "The invitation has already been used",
        "The invitation has already been accepted.",
        ("The invitation's link was opened again after it was accepted.",),
        "Sign in instead.",
    ),
    Entry(
        "invitation_expired",
        410,
        "The invitation has expired",
        "The invitation is older than 7 days.",
        ("The invitation was sent more than 7 days ago.",),
        "Ask for a new invitation.",
    ),
    Entry(
        "invitation_email_locked",
        410,
        "This email cannot be invited",
        "The email belongs to a person who deleted their account.",
        ("The invited person has deleted their account on this instance.",),
        "Use another email, or ask the operator to purge the user.",
    ),
    Entry(
        "proposal_gone",
        410,
        "The proposal is closed",
        "The proposal has been applied or cancelled, or has expired.",
        (
            "Another person has applied or cancelled the proposal.",
            "The proposal has expired.",
        ),
        "Make a new proposal if the change is still needed.",
    ),
    Entry(
        "precondition_failed",
        412,
        "The resource has changed",
        "The `If-Match` tag is not the current ETag of the resource.",
        (
            "The resource was changed after you read it.",
            "The tag belongs to another resource.",
        ),
        "Read the resource again, review what has changed, and retry with the new ETag.",
    ),
    Entry(
        "token_rate_limit",
        429,
        "The token's rate limit is exceeded",
        "The token or its organisation has made too many requests.",
        (
            "The token makes more requests per minute than its limit.",
            "The organisation's tokens together make more requests per minute than its limit.",
        ),
        "Retry after the number of seconds in `Retry-After`.",
    ),
    Entry(
        "rate_limited",
        429,
        "Too many requests",
        "A limit on requests, sign-in links, signups, invitations, claim codes, previews or streams is exceeded.",
        (
            "A person makes more than 6,000 requests per minute.",
            "Too many sign-in links, signups or invitations were requested within an hour.",
            "Too many wrong claim codes were entered.",
            "Too many previews or streams are open.",
        ),
        "Retry after the number of seconds in `Retry-After`.",
    ),
    Entry(
        "internal",
        500,
        "Something went wrong on our side",
        "An unexpected error. The cause is in the server's log, under the request id.",
        ("A bug in the service.",),
        "Report the `requestId` to the operator.",
    ),
    Entry(
        "ruleset_not_cached",
        503,
        "The environment has no ruleset yet",
        "No state has been written in the environment yet, so there is nothing to evaluate.",
        ("The environment is new, and no flag, config or segment has been written in it.",),
        "Make the first write in the environment and retry: create a flag, config or segment, or set one there, even "
        "to what it has.",
    ),
    Entry(
        "unavailable",
        503,
        "The service is temporarily unavailable",
        "The database, the shared memory or the write queue is temporarily unavailable.",
        (
            "The database is unreachable.",
            "Too many writes are waiting.",
        ),
        "Retry after the number of seconds in `Retry-After`.",
    ),
    Entry(
        "magic_link_invalid",
        400,
        "The sign-in link is invalid",
        "The link is unknown or malformed.",
        (
            "The link is incomplete or mistyped.",
            "The link is for another instance.",
        ),
        "Request a new link, and copy all of it.",
    ),
    Entry(
        "magic_link_used",
        410,
        "The sign-in link has already been used",
        "A link works once, and this one has been used.",
        ("The link was opened before, by you or by a program that scans your mail.",),
        "Request a new link.",
    ),
    Entry(
        "magic_link_expired",
        410,
        "The sign-in link has expired",
        "A link works for 15 minutes.",
        ("The link was sent more than 15 minutes ago.", "Another link for the same email has been used since."),
        "Request a new link.",
    ),
    Entry(
        "no_invitation",
        403,
        "There is no invitation for this email",
        "No account has this email, and no invitation is pending for it.",
        (
            "The email differs from the invited one.",
            "The invitation was revoked or has expired.",
        ),
        "Ask a member of the organisation to invite you.",
    ),
)

CATALOGUE: Mapping[str, Entry] = {entry.code: entry for entry in _ENTRIES}
