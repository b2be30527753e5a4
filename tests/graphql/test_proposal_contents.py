"""What may be long of proposals: each part is decoded, and counted, for itself."""

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.engine import json_text
from app.graphql.limits import CHARACTERS_AN_OBJECT, MAX_RESPONSE
from app.models import ProposalContent
from tests.factories import Instance, Workspace
from tests.graphql.asking import ask


def document(*fields: str) -> str:
    """These of a proposal."""
    return f"query ($id: ID!) {{ proposal(id: $id) {{ {' '.join(fields)} }} }}"


@pytest.mark.parametrize("field", ["diff", "blastRadius"])
async def test_what_is_not_asked_for_is_not_decoded(instance: Instance, workspace: Workspace, field: str) -> None:
    damaged = {"blast_radius": "{"} if field == "diff" else {"before": "{", "after": "{"}
    own = col(ProposalContent.proposal_id) == workspace.proposal_id
    await instance.execute(update(ProposalContent).where(own).values(**damaged))
    client, variables = workspace.org.viewer.client, {"id": workspace.proposal_id}
    assert (await ask(client, document(field), variables))["data"]["proposal"][field] is not None
    answer = await ask(client, document("diff", "blastRadius"), variables)
    assert answer["data"]["proposal"][field] is not None
    assert [(error["path"][-1], error["extensions"]["code"]) for error in answer["errors"]] == [
        ("blastRadius" if field == "diff" else "diff", "unavailable")
    ]


@pytest.mark.parametrize("field", ["diff", "blastRadius"])
async def test_what_is_long_counts_where_it_is_asked_for(instance: Instance, workspace: Workspace, field: str) -> None:
    long = json_text.encode("x" * CHARACTERS_AN_OBJECT * MAX_RESPONSE)
    own = col(ProposalContent.proposal_id) == workspace.proposal_id
    values = {"after": long} if field == "diff" else {"blast_radius": long}
    await instance.execute(update(ProposalContent).where(own).values(**values))
    client, variables = workspace.org.viewer.client, {"id": workspace.proposal_id}
    other = "blastRadius" if field == "diff" else "diff"
    assert "errors" not in await ask(client, document("id", other), variables)
    answer = await ask(client, document("id", field), variables)
    assert (answer["data"]["proposal"][field], answer["errors"][0]["extensions"]["code"]) == (None, "invalid_request")
