"""Signup on a hosted instance: redeeming the mailed link creates the organisation and its owner."""

from app.domain.commands import Command, Email, Name, Slug, validate
from app.domain.errors import AppError, not_found
from app.models import MailKind
from app.services.links import ask
from app.services.throttling import Purpose, count_mail
from app.settings import Mode
from app.store import orgs
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
    wanted = await count_mail(uow, Purpose.SIGNUP, command.email)
    if await orgs.by_slug(uow.session, command.org_slug) is not None:
        raise AppError("slug_unavailable", f"The slug {command.org_slug} is taken.")
    if wanted:
        signup = command.model_dump(mode="json", by_alias=True, exclude={"email"})
        await ask(uow, MailKind.SIGNUP, command.email, signup)
