"""Signup on a hosted instance: redeeming the mailed link creates the organisation and its owner."""

from app.domain.commands import Command, Email, Name, Slug, validate
from app.domain.errors import not_found
from app.models import MailKind
from app.services.links import ask
from app.services.orgs import require_free
from app.services.throttling import Purpose, count_mail, has_room
from app.settings import Mode
from app.store.unit_of_work import UnitOfWork


class SignUp(
    Command,
    json_schema_extra={
        "examples": [{"email": "ada@acme.example", "displayName": "Ada", "orgName": "Acme", "orgSlug": "acme"}]
    },
):
    """Who wants to come, and the organisation to make for them."""

    email: Email
    display_name: Name | None = None
    org_name: Name
    org_slug: Slug


async def sign_up(uow: UnitOfWork, body: object) -> None:
    """Queues the mail with the link. Raises `not_found` unless hosted, `rate_limited`, `slug_unavailable`."""
    if uow.host.settings.mode is not Mode.HOSTED:
        raise not_found("path")
    command = validate(SignUp, body)
    await count_mail(uow, Purpose.SIGNUP, command.email)
    await require_free(uow, command.org_slug)
    if await has_room(uow, command.email):
        await uow.begin_write()
        signup = command.model_dump(mode="json", by_alias=True, exclude={"email"})
        ask(uow, MailKind.SIGNUP, command.email, signup=signup)
