"""Which codes of the catalogue a call may be refused with: they follow from its row of the route table."""

from collections.abc import Iterable

from app.domain.actors import Role
from app.domain.catalogue import CATALOGUE
from app.domain.policy import TABLE, Approval, Resource, Row
from app.rest.routing import Endpoint

_RATES = ("token_rate_limit", "rate_limited")
_ALWAYS = ("invalid_request", "unauthorized", "token_ip_denied", *_RATES, "internal", "unavailable")
_TOKEN = ("scope_denied", "token_action_denied", "token_env_out_of_scope")
_NEEDS_APPROVAL = {Approval.DIVERT, Approval.REFUSE}


def codes_of(endpoint: Endpoint, *, accepts_if_match: bool) -> list[str]:
    """The codes, in the catalogue's order."""
    rows = rows_of(endpoint)
    found = {*_ALWAYS, *endpoint.errors}
    for code, applies in (
        ("not_found", "{" in endpoint.path),
        ("forbidden", _may_be_forbidden(endpoint, rows)),
        ("insufficient_role", any(row.role not in {None, Role.VIEWER} for row in rows)),
        ("token_resource_out_of_scope", any(row.verb and row.resource is not Resource.NONE for row in rows)),
        ("approval_not_supported", any({row.for_tokens, row.protected} & _NEEDS_APPROVAL for row in rows)),
        ("invalid_confirmation", endpoint.body is not None and "confirm" in endpoint.body.model_fields),
        ("precondition_failed", accepts_if_match),
    ):
        if applies:
            found.add(code)
    if any(row.verb for row in rows):
        found.update(_TOKEN)
    return [code for code in CATALOGUE if code in found]


def rows_of(endpoint: Endpoint) -> list[Row]:
    """The rows of the policy that the call asks, or may ask."""
    return [TABLE[operation] for operation in endpoint.operations]


def _may_be_forbidden(endpoint: Endpoint, rows: Iterable[Row]) -> bool:
    """For calls from another origin, and for tokens where only people are allowed."""
    for_people = any(row.verb is None for row in rows)
    return not endpoint.safe or for_people or (endpoint.operation is None and not endpoint.public)
