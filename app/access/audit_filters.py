"""Which events of an audit a caller asks for."""

from collections.abc import Collection

from app.access.paging import AuditArguments
from app.domain.ids import is_id, lowered
from app.models import Org
from app.store.audit import Chosen
from app.store.resolve import Level, ids_below, steps_of
from app.store.unit_of_work import UnitOfWork

NO_ID = "00000000-0000-0000-0000-000000000000"


async def chosen_of(uow: UnitOfWork, orgs: Collection[Org], asked: AuditArguments) -> Chosen:
    """What the arguments of a list of events of these organisations choose. An environment that was deleted is known by
    its id, and one that is called like none of theirs chooses no event."""
    environment_id = None
    if asked.env_id is not None:
        called = lowered(asked.env_id)
        environment_id = called if is_id(called) else NO_ID
        named = steps_of(Level.ENVIRONMENT, called) or {}
        for org in orgs:
            if org.slug == named.get("org"):
                found = await ids_below(uow.session, Level.ENVIRONMENT, [called], org, None)
                environment_id = found.get(called, NO_ID)
    chosen = asked.model_dump(include={"resource_type", "resource_key", "action", "since", "until"})
    return Chosen(**chosen, environment_id=environment_id, actor_id=asked.actor_id and lowered(asked.actor_id))
