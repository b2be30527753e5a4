"""Users: deleting oneself, and what the operator lists and purges."""

from dataclasses import replace

from app.access.caller import locked_user_of, signed_in, user_of
from app.access.confirmation import Confirm
from app.access.paging import Listing
from app.domain.actors import Role, System
from app.domain.commands import Command, Name, validate
from app.domain.emails import email_key
from app.domain.errors import AppError, not_found
from app.domain.news import NewsEvent
from app.domain.operations import Operation
from app.models import Org, User
from app.services.members import leave, require_other_owners
from app.services.sessions import end_all, is_proven
from app.store import audit, people
from app.store.members import Member
from app.store.paging import Page
from app.store.people import Resident
from app.store.unit_of_work import UnitOfWork


class UpdateNotify(Command):
    """Which mails about proposals one wants; what is not named stays."""

    proposed: bool = True
    reviewed: bool = True
    applied: bool = True
    cancelled: bool = True


class UpdateMe(
    Command, json_schema_extra={"examples": [{"displayName": "Ada Lovelace", "notify": {"proposed": False}}]}
):
    """What may change of one's own account; what is not named stays."""

    display_name: Name = ""
    notify: UpdateNotify = UpdateNotify()


async def update_me(uow: UnitOfWork, body: object) -> None:
    """Changes what the body names. What was done before keeps the name that it was done under."""
    user = await user_of(uow)
    command = validate(UpdateMe, body)
    await uow.begin_write()
    user = await locked_user_of(uow)
    if "display_name" in command.model_fields_set:
        user.display_name = command.display_name
    user.notify = {**user.notify, **command.notify.given()}
    uow.changes.invalidate(user.id)
    uow.actor = replace(signed_in(uow), name=user.display_name)


def wanted_news(user: User) -> dict[NewsEvent, bool]:
    """Which mails about proposals the user wants."""
    return {event: user.notify.get(event, True) for event in NewsEvent}


async def delete_me(uow: UnitOfWork, body: object) -> User:
    """Deletes the caller: every session ends, every membership too, and nobody else can take a proven email over.

    Raises `invalid_confirmation`, `last_owner_cannot_demote_or_remove`.
    """
    user = await user_of(uow)
    command = validate(Confirm, body)
    if email_key(command.confirm) != user.email_key:
        raise AppError("invalid_confirmation", fields={"confirm": f"Must be {user.email}."})
    await uow.begin_write()
    user = await _leave_all(uow, user.id)
    await end_all(uow, user.id)
    if is_proven(user):
        user.deleted_at = uow.now
    else:  # whose mailbox it is was never shown, so the email is not theirs to lock
        await people.forget(uow.session, user)
    return user


async def list_users(uow: UnitOfWork, listing: Listing) -> Page[Resident]:
    """All users of the instance, for the operator."""
    return await people.page_of_residents(uow.session, listing.window("residents", ""))


async def find_resident(uow: UnitOfWork, email: str) -> Resident:
    """A user, deleted or not, for the operator. Raises `not_found`."""
    if (user := await people.user_by_email(uow.session, email_key(email))) is None:
        raise not_found("user")
    return Resident(user, [(org.slug, held) for org, held in await people.memberships(uow.session, user.id)])


async def purge(uow: UnitOfWork, email: str) -> User:
    """Erases a user, deleted or not, for the operator; what they did stays, under no name.

    Raises `not_found`, `last_owner_cannot_demote_or_remove`.
    """
    uow.actor = System()
    await uow.begin_write()
    await uow.lock_email(email_key(email))  # as a sign-in does, which may be using the links that go
    if (user := await people.user_by_email(uow.session, email_key(email))) is None:
        raise not_found("user")
    user = await _leave_all(uow, user.id)
    await people.erase(uow.session, user)
    uow.changes.invalidate(user.id)
    unwritten = uow.changes.events  # leaving is audited, too
    uow.changes.invalidate(*await audit.erase_person(uow.session, user, unwritten))
    return user


async def _leave_all(uow: UnitOfWork, user_id: str) -> User:
    """Ends all memberships. The organisations are locked, so that of two owners who go at once only one does."""
    held: set[str] = set()
    while wanted := set(await people.org_ids(uow.session, user_id)) - held:
        await uow.lock(Org, wanted)
        held |= wanted
    await uow.lock(User, [user_id])
    if (user := await people.user(uow.session, user_id)) is None:
        raise not_found("user")
    memberships = await people.memberships(uow.session, user.id)
    owned = [org.id for org, membership in memberships if membership.role is Role.OWNER]
    await require_other_owners(uow, owned, user.id)
    for org, membership in memberships:
        await leave(uow, org, Member(membership, user), Operation.LEAVE_ORG)
    return user
