"""The person who calls, for what any user may do."""

from app.access.visible import tenant_of
from app.domain.actors import SESSION_ENDED, Member
from app.domain.errors import AppError
from app.models import User
from app.store import people
from app.store.unit_of_work import UnitOfWork


def signed_in(uow: UnitOfWork) -> Member:
    """The person who calls. Raises `unauthorized` or `forbidden` for anybody else."""
    tenant_of(uow)
    if not isinstance(uow.actor, Member):
        raise AppError("forbidden")
    return uow.actor


async def user_of(uow: UnitOfWork) -> User:
    """The row of the person who calls. Raises `unauthorized` for one who has been deleted meanwhile."""
    user = await people.user(uow.session, signed_in(uow).user_id)
    if user is None or user.deleted_at is not None:
        raise AppError("unauthorized", SESSION_ENDED)
    return user


async def locked_user_of(uow: UnitOfWork) -> User:
    """The row, locked within the current write, so that nobody deletes the person meanwhile."""
    await uow.lock(User, [signed_in(uow).user_id])
    return await user_of(uow)
