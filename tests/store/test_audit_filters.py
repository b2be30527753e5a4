"""What the audit can be narrowed by is looked up: what there is little of is not looked for among all events.

SQLite, which goes by its indexes alone, shows it of an empty table; what PostgreSQL makes of a full one is in
`test_plans_when_filled`.
"""

import pytest

from app.store import audit
from app.store.audit import Chosen
from app.store.paging import Window
from tests.factories import Instance
from tests.store.plans import plan, statements

FILTERS = {
    "resource_type": Chosen(resource_type="flag"),
    "resource_key": Chosen(resource_key="banner"),
    "actor_id": Chosen(actor_id="019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"),
    "action": Chosen(action="kill"),
}


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("column", FILTERS)
async def test_a_filter_is_looked_up(instance: Instance, column: str) -> None:
    async with instance.node.database.reading() as session:
        with statements("FROM audit_event") as executed:
            await audit.list_of_org(session, "an-organisation", FILTERS[column], Window())
        found = (await plan(session, executed[0])).text
    (looked_up,) = (line for line in found.splitlines() if "SEARCH audit_event" in line)
    conditions = looked_up.partition("(")[2]
    assert "org_id" in conditions, found
    assert column in conditions, found
