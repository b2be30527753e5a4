"""The operator's commands for users and mail."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar

import typer

from app.access.paging import Listing
from app.cli.runner import DataDir, confirm, in_one_unit, on_node, settings_of
from app.domain.ids import new_request_id
from app.engine.instants import rfc3339
from app.models import QueuedMail
from app.runtime.node import Node
from app.services import mail, users
from app.store.paging import Page
from app.store.people import Resident
from app.store.unit_of_work import UnitOfWork

people = typer.Typer(no_args_is_help=True, help="The instance's users.")
T = TypeVar("T")


@people.command("list")
def list_users(data_dir: DataDir = None) -> None:
    """List all users and their roles."""
    found = on_node(settings_of(data_dir=data_dir), lambda node: _all(node, users.list_users, lambda one: one.user.id))
    for resident in found:
        typer.echo(_format_user(resident))


@people.command("purge")
def purge_user(
    email: Annotated[str, typer.Argument(help="Email of the user to erase.")],
    data_dir: DataDir = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a user for good, deleted or not; the email can be invited again afterwards."""
    settings = settings_of(data_dir=data_dir)
    if not yes:
        resident = in_one_unit(settings, lambda uow: users.find_resident(uow, email))
        confirm(f"Erase {_described(resident)}, with all sessions, links and memberships? This cannot be undone.")
    user = in_one_unit(settings, lambda uow: users.purge(uow, email))
    typer.echo(f"{user.email} has been erased.")


def list_mail(data_dir: DataDir = None) -> None:
    """List the mail that is waiting to be sent or has failed, with the last error."""
    found = on_node(settings_of(data_dir=data_dir), lambda node: _all(node, mail.list_queued_mail, lambda one: one.id))
    for queued in found:
        typer.echo(_format_mail(queued))
    if not found:
        typer.echo("No mail is waiting.")


async def _all(
    node: Node, listed: Callable[[UnitOfWork, Listing], Awaitable[Page[T]]], row_id: Callable[[T], str]
) -> list[T]:
    return [one async for page in all_pages(node, listed, row_id) for one in page.rows]


async def all_pages(
    node: Node, listed: Callable[[UnitOfWork, Listing], Awaitable[Page[T]]], row_id: Callable[[T], str]
) -> AsyncIterator[Page[T]]:
    cursor: dict[str, str] = {}
    while True:
        async with node.unit(new_request_id()) as uow:
            page = await listed(uow, Listing(node.cursors, {"limit": 1000, **cursor}))
        yield page
        if not page.has_next:
            return
        last = page.rows[-1]
        cursor = {"cursor": node.cursors.encode(row_id(last), page.list_id, page.value_of(last))}


def _format_user(resident: Resident) -> str:
    return f"{resident.user.email}\t{resident.user.display_name}\t{_state(resident)}"


def _described(resident: Resident) -> str:
    return f"{resident.user.email} ({resident.user.display_name}, {_state(resident)})"


def _state(resident: Resident) -> str:
    roles = ", ".join(f"{slug}: {membership.role}" for slug, membership in resident.memberships)
    deleted_at = resident.user.deleted_at
    return f"deleted {_day(deleted_at)}" if deleted_at is not None else roles or "in no organisation"


def _format_mail(queued: QueuedMail) -> str:
    state = f"next try {rfc3339(queued.due_at)}" if queued.given_up_at is None else "failed"
    why = f"\t{queued.last_error}" if queued.last_error else ""
    return f"{rfc3339(queued.created_at)}\t{queued.kind}\t{queued.email}\ttries: {queued.attempts}\t{state}{why}"


def _day(at: datetime) -> str:
    return at.date().isoformat()
