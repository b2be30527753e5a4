"""Install-claim: whoever holds the claim code creates the first organisation and its owner on an empty instance."""

import hmac

from app.domain.commands import Command, Email, Name, Slug, validate
from app.domain.emails import email_key, local_part
from app.domain.errors import AppError, invalid
from app.domain.ids import digest
from app.domain.security_events import SecurityEvent
from app.models import Instance, Org, User
from app.services.instance import forget_code
from app.services.orgs import create_org_with_owner
from app.services.sessions import SignedIn, start_session
from app.services.throttling import count_guess
from app.store import instance
from app.store.unit_of_work import Subject, UnitOfWork


class InstallClaim(
    Command,
    json_schema_extra={
        "examples": [
            {
                "email": "ada@acme.example",
                "displayName": "Ada",
                "orgName": "Acme",
                "orgSlug": "acme",
                "claimCode": "EXAMPLEEXAMPLEEXAMPLEEXA",
            }
        ]
    },
):
    """Who claims the instance, and the organisation to begin with."""

    email: Email
    display_name: Name | None = None
    org_name: Name
    org_slug: Slug
    claim_code: str


async def install_claim(uow: UnitOfWork, body: object) -> tuple[SignedIn, Org]:
    """Makes the owner and the organisation, and signs the owner in. Raises `already_claimed`, `rate_limited`.

    The code is looked at before the lock is taken, and whether somebody was first inside it: of two at the same
    moment one wins.
    """
    command = validate(InstallClaim, body)
    await _require_unclaimed(uow)
    await _require_code(uow, command.claim_code)
    await uow.begin_write()
    await uow.lock_email(email_key(command.email))
    await uow.lock(Instance, [instance.ID])
    await _require_unclaimed(uow)
    (await instance.get(uow.session)).claimed_at = uow.now
    uow.on_commit(lambda: forget_code(uow.host.settings))
    user = User(
        email=command.email,
        email_key=email_key(command.email),
        display_name=command.display_name or local_part(command.email),
        email_verified_at=uow.now,  # the claim code is proof enough
    )
    uow.add(user)
    await uow.flush()
    signed_in = await start_session(uow, user)
    org = await create_org_with_owner(uow, user.id, command.org_slug, command.org_name)
    uow.record(SecurityEvent.CLAIM, Subject(org.id, "org", org.id, org.slug))
    return signed_in, org


async def is_claimed(uow: UnitOfWork) -> bool:
    """Whether the instance has, or ever had, an organisation."""
    return (await instance.get(uow.session)).claimed_at is not None


async def _require_unclaimed(uow: UnitOfWork) -> None:
    if await is_claimed(uow):
        raise AppError("already_claimed")


async def _require_code(uow: UnitOfWork, code: str) -> None:
    expected = (await instance.get(uow.session)).claim_code_hash or ""
    right = hmac.compare_digest(digest(code), expected)
    if not right:
        uow.note_refusal(SecurityEvent.CLAIM_FAILED, "invalid_request")
    await count_guess(uow, right=right)
    if not right:
        raise invalid({"claimCode": "The claim code is incorrect."})
