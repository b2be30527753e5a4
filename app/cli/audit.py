"""The operator's command for the audit."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from app.cli.people import all_pages
from app.cli.runner import DataDir, on_node, settings_of
from app.engine.instants import rfc3339
from app.runtime.node import Node
from app.services.audit import list_audit
from app.store.audit import Audited

SINCE = typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"], help="From this UTC time on.")


def show_audit(
    org: Annotated[str | None, typer.Option(help="Slug of an organisation; of a deleted one too, for 90 days.")] = None,
    since: Annotated[datetime | None, SINCE] = None,
    data_dir: DataDir = None,
) -> None:
    """List changes, sign-ins and refusals, oldest first: time, organisation, action, actor, subject, and why.

    Says where protection was overridden, and who approved of a proposal that was applied.
    """
    start = None if since is None else since.replace(tzinfo=UTC)

    async def show(node: Node) -> None:
        async for page in all_pages(node, partial(list_audit, slug=org, since=start), lambda one: one.event.id):
            for audited in page.rows:
                typer.echo(_format(audited))

    on_node(settings_of(data_dir=data_dir), show)


def _format(audited: Audited) -> str:
    event = audited.event
    actor = f"{event.actor['name']} ({event.actor_kind} {event.actor_id})"
    subject = " ".join(filter(None, (event.resource_type, event.resource_key or event.resource_id)))
    rest = {
        "unproven": "yes" if event.actor.get("unproven") else None,
        "from": event.address,
        "break glass": "yes" if event.break_glass else None,
        "approvers": ", ".join(approver["name"] for approver in event.approvers),
        "reason": event.reason,
        "before": event.previous_value,
        "after": event.new_value,
        "request": event.request_id,
    }
    told = [f"{name}: {value}" for name, value in rest.items() if value]
    return "\t".join((rfc3339(event.at), audited.slug or "-", event.action, actor, subject, *told))
