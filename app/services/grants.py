"""What a person has granted ends with their power to grant it.

Whatever a person can give to others, or keep for themselves, that works without asking for their role again belongs
here: `end_grants` is called wherever a role is lowered or a membership ends.
"""

from collections.abc import Sequence

from app.domain.actors import Role
from app.domain.operations import Operation
from app.domain.policy import may_still_grant
from app.models import Invitation, Org
from app.services.invitations import end_invitation
from app.store import invitations
from app.store.unit_of_work import UnitOfWork


async def end_grants(
    uow: UnitOfWork, org: Org, user_id: str, role: Role | None, reason: str | None = None
) -> Sequence[Invitation]:
    """Ends what the user could not grant with the role that they have from now on (None: they are no member any more),
    within the current write and that holds the organisation's lock. Gives the invitations that were revoked.
    """
    made = await invitations.open_by(uow.session, org.id, user_id, uow.now)
    ended = [one for one in made if not may_still_grant(role, Operation.MANAGE_INVITATIONS, one.role)]
    for invitation in ended:
        await end_invitation(uow, invitation, reason)
    return ended
