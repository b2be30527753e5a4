"""The whole audit of an organisation, an event a line."""

import json

import pytest

from tests.factories import Instance, Workspace

AUDIT = "/api/v1/orgs/acme/audit"


@pytest.fixture
async def busy(instance: Instance, workspace: Workspace) -> Workspace:
    """A workspace with more events than a page has."""
    await instance.create_flags(workspace.org, workspace.project_id, [f"flag-{number}" for number in range(120)])
    return workspace


@pytest.mark.parametrize(
    ("query", "headers"), [("?format=ndjson", {}), ("", {"Accept": "application/x-ndjson, application/json;q=0.5"})]
)
async def test_it_has_every_event_as_the_list_has_it(busy: Workspace, query: str, headers: dict[str, str]) -> None:
    viewer = busy.org.viewer.client
    listed = (await viewer.get(f"{AUDIT}?limit=1000")).json()
    exported = await viewer.get(AUDIT + query, headers=headers)
    assert (exported.status_code, exported.headers["content-type"]) == (200, "application/x-ndjson")
    assert [json.loads(line) for line in exported.text.splitlines()] == listed
    assert len(listed) > 100


async def test_it_is_narrowed_as_the_list_is(busy: Workspace) -> None:
    exported = await busy.org.viewer.client.get(f"{AUDIT}?format=ndjson&resourceKey=flag-7")
    assert [json.loads(line)["resourceKey"] for line in exported.text.splitlines()] == ["flag-7"]


async def test_what_is_refused_is_refused_before_it_begins(workspace: Workspace) -> None:
    wrong = await workspace.org.viewer.client.get(f"{AUDIT}?format=xml&since=x")
    assert (wrong.status_code, set(wrong.json()["fields"])) == (400, {"?format", "?since"})
