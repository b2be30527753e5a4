"""Destructive calls say what they destroy."""

from app.domain.commands import Command, Text, validate
from app.domain.errors import AppError


class Confirm(Command, json_schema_extra={"examples": [{"confirm": "ada@acme.example"}]}):
    """The body of a destructive call."""

    confirm: str = ""


class Delete(Confirm, json_schema_extra={"examples": [{"confirm": "web", "reason": "No longer used"}]}):
    """The body of a delete that also takes a reason, which is in `X-Reason` over REST."""

    reason: Text | None = None


def require(body: object, name: str) -> Delete:
    """The command. Raises `invalid_confirmation` unless its `confirm` is the resource's slug or key."""
    command = validate(Delete, body)
    if command.confirm != name:
        raise AppError("invalid_confirmation", fields={"confirm": f"Must be {name}."})
    return command
