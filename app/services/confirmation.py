"""Destructive calls say what they destroy."""

from app.domain.errors import AppError
from app.domain.inputs import Command, validate


class Confirm(Command):
    """The body of a destructive call."""

    confirm: str = ""


def require(body: object, name: str) -> None:
    """Raises `invalid_confirmation` unless the body's `confirm` is the resource's slug or key."""
    if validate(Confirm, body).confirm != name:
        raise AppError("invalid_confirmation", fields={"confirm": f"Must be {name}."})
