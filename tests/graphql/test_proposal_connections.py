"""Proposals below what they are about: connections, nodes, and what of them is looked up at once."""

from typing import Any

import pytest

from tests.clients import Api
from tests.factories import Instance, Workspace
from tests.graphql.asking import ask
from tests.graphql.statements import statements

PAGE = "totalCount nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
ARGUMENTS = "$id: ID!, $first: Int, $after: String, $last: Int, $before: String, $status: [ProposalStatus!]"
LIST = "proposals(first: $first, after: $after, last: $last, before: $before, status: $status)"
PARENTS = ["Org", "Project", "Environment", "Flag", "Config", "Segment"]
on_both = pytest.mark.parametrize("engine", ["sqlite", "postgres"])
CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Flag": ("checkout", "set_default_value_flag", {"defaultValue": False}),
    "Config": ("limits", "set_default_value_config", {"defaultValue": 1}),
    "Segment": ("staff", "set_allow_list_segment", {"allowList": ["u-1"]}),
}


class Made:
    """Proposals of a workspace: of each kind one here, one in another environment, and a delete; and those that each
    parent has, newest first."""

    def __init__(self, workspace: Workspace, other_id: str) -> None:
        self.workspace, self.other_id = workspace, other_id
        self.ids: dict[str, str] = {}
        self.expected: dict[str, list[str]] = {name: [] for name in PARENTS}

    async def make(self) -> None:
        viewer, editor = self.workspace.org.viewer, self.workspace.org.editor
        self.ids["Org"] = (await viewer.make("org", slug=self.workspace.org.slug))["id"]
        self.ids |= {"Project": self.workspace.project_id, "Environment": self.workspace.environment_id}
        for name in ("Org", "Project", "Environment"):
            self.expected[name].append(self.workspace.proposal_id)
        for name, (key, kind, diff) in CHANGES.items():
            project = {"projectId": self.workspace.project_id}
            self.ids[name] = (await viewer.make(name.lower(), **project, key=key))["id"]
            for at in ({"envId": self.workspace.environment_id}, {"envId": self.other_id}, project):
                change = (
                    {"kind": f"delete_{name.lower()}", "diff": {}} if at is project else {"kind": kind, "diff": diff}
                )
                made = await editor.make("createProposal", **at, resourceKey=key, **change)
                for parent in ("Org", "Project", name, *(["Environment"] if at.get("envId") != self.other_id else [])):
                    self.expected[parent].insert(0, made["id"])


@pytest.fixture
async def made(workspace: Workspace) -> Made:
    new = {"projectId": workspace.project_id, "key": "test", "name": "Test"}
    found = Made(workspace, (await workspace.org.admin.make("createEnvironment", **new))["id"])
    await found.make()
    return found


async def page(caller: Api, made: Made, parent: str, **arguments: Any) -> dict[str, Any]:
    document = f"query ({ARGUMENTS}) {{ node(id: $id) {{ ... on {parent} {{ {LIST} {{ {PAGE} }} }} }} }}"
    answer = await ask(caller.client, document, {"id": made.ids[parent], **arguments})
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["node"]["proposals"]
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [node["id"] for node in found["nodes"]]


@on_both
@pytest.mark.parametrize("parent", PARENTS)
async def test_the_newest_comes_first_from_either_end(made: Made, parent: str) -> None:
    viewer, expected = made.workspace.org.viewer, made.expected[parent]
    whole = await page(viewer, made, parent, first=100)
    assert (ids(whole), whole["totalCount"]) == (expected, len(expected))
    for size, bound, end, more in (
        ("first", "after", "endCursor", "hasNextPage"),
        ("last", "before", "startCursor", "hasPreviousPage"),
    ):
        found: list[str] = []
        cursor = None
        while True:
            part = await page(viewer, made, parent, **{size: 2, bound: cursor})
            found = [*ids(part), *found] if size == "last" else [*found, *ids(part)]
            assert part["totalCount"] == len(expected)
            if not part["pageInfo"][more]:
                break
            cursor = part["pageInfo"][end]
        assert found == expected
    cursors = [edge["cursor"] for edge in whole["edges"]]
    between = await page(viewer, made, parent, first=100, after=cursors[0], before=cursors[-1])
    assert ids(between) == expected[1:-1]


@pytest.mark.parametrize("parent", PARENTS)
async def test_of_the_statuses_asked_for(made: Made, parent: str) -> None:
    viewer, expected = made.workspace.org.viewer, made.expected[parent]
    await made.workspace.org.admin.make("cancelProposal", proposalId=expected[0])
    found = await page(viewer, made, parent, status=["PENDING"])
    assert (ids(found), found["totalCount"]) == (expected[1:], len(expected) - 1)
    assert ids(await page(viewer, made, parent, status=["APPLIED", "CANCELLED"])) == expected[:1]
    cursor = found["pageInfo"]["startCursor"]
    document = f"query ({ARGUMENTS}) {{ node(id: $id) {{ ... on {parent} {{ {LIST} {{ {PAGE} }} }} }} }}"
    answer = await ask(viewer.client, document, {"id": made.ids[parent], "after": cursor})
    assert [*answer["errors"][0]["extensions"]["fields"]] == ["after"]


@on_both
@pytest.mark.parametrize("parent", PARENTS[1:])
async def test_a_token_has_those_of_its_environments_and_resources(instance: Instance, made: Made, parent: str) -> None:
    org, everything, at = made.workspace.org, set(made.expected[parent]), made.workspace.environment_id
    here, of_flags = set(made.expected["Environment"]), {*made.expected["Flag"], made.workspace.proposal_id}
    for asked, seen in (
        ({"environments": {"envs": [at]}}, here),
        ({"environments": {"projects": [made.workspace.project_id]}}, everything),
        ({"resources": ["flag:*"]}, of_flags),
        ({"environments": {"envs": [at]}, "resources": ["flag:*"]}, here & of_flags),
    ):
        if parent in {"Config", "Segment"} and "resources" in asked:  # which such a token does not see
            continue
        token = await instance.token(org, level="observer", **asked)
        found = await page(token, made, parent)
        expected = [one for one in made.expected[parent] if one in seen]
        assert (ids(found), found["totalCount"]) == (expected, len(expected)), asked


CONTENT = (
    "status approvers { name } requiredApprovals etag diff blastRadius viewerCan reviews(first: 5) { nodes { id } }"
)
NESTED = f"""{{ org(slug: "acme") {{ projects(first: 5) {{ nodes {{
    proposals(first: 3) {{ nodes {{ {CONTENT} environment {{ key }} project {{ key }} primitive {{ key }} }} }}
    environments(first: 5) {{ nodes {{ proposals(first: 3, status: [PENDING]) {{ totalCount nodes {{ id }} }} }} }}
    flags(first: 5) {{ nodes {{ proposals(first: 3) {{ nodes {{ id }} }} }} }} }} }} }} }}"""


@on_both
@pytest.mark.parametrize("by_token", [False, True], ids=["a person", "a token"])
async def test_nested_ones_are_looked_up_at_once(instance: Instance, workspace: Workspace, by_token: bool) -> None:
    org = workspace.org
    caller = await instance.token(org, level="observer") if by_token else org.viewer
    kept = [{"userId": "u-1"}]
    await org.editor.make("setSpotChecks", environmentId=workspace.environment_id, contexts=kept)
    await propose(workspace, 1)

    async def asked() -> tuple[int, int]:
        await ask(caller.client, "{ __typename }")  # after which the caller is known
        with statements() as run:
            answer = await ask(caller.client, NESTED)
        assert "errors" not in answer, answer
        projects = answer["data"]["org"]["projects"]["nodes"]
        assert all(one["blastRadius"] is not None for project in projects for one in project["proposals"]["nodes"])
        return len(run), sum(len(project["proposals"]["nodes"]) for project in projects)

    few, number = await asked()
    assert number == 2
    other = await instance.workspace(org, "app")
    for place in (workspace, other):
        await org.editor.make("setSpotChecks", environmentId=place.environment_id, contexts=kept)
        for value in (2, 3):
            await propose(place, value)
    assert await asked() == (few, 6)


async def propose(workspace: Workspace, value: int) -> None:
    change = {"kind": "set_default_value_config", "resourceKey": "limits", "diff": {"defaultValue": value}}
    await workspace.org.editor.make("createProposal", envId=workspace.environment_id, **change)


@on_both
async def test_proposals_and_reviews_are_nodes_for_who_sees_them(instance: Instance, made: Made) -> None:
    org, stranger = made.workspace.org, (await instance.org("strangers")).owner
    delete, there, _ = made.expected["Flag"]
    single = {"environments": {"envs": [made.workspace.environment_id]}}
    of_one = await instance.token(org, level="observer", **single)
    of_configs = await instance.token(org, level="observer", resources=["config:*"])
    for proposal_id, by_one in ((delete, True), (there, False), (made.workspace.proposal_id, True)):
        review = await org.owner.make("reviewProposal", proposalId=proposal_id, verdict="approve")
        for name, one in (("Proposal", proposal_id), ("Review", review["id"])):
            found = {"__typename": name, "id": one}
            assert await node(org.viewer, one) == found
            assert await node(of_one, one) == (found if by_one else None)
            assert await node(of_configs, one) is None
            assert await node(stranger, one) is None
            with statements() as run:
                await node(org.viewer, one)
            assert len(run) <= 3  # which table it is in, the row, and for a delete its project's environments


async def node(caller: Api, id: str) -> Any:
    answer = await ask(caller.client, "query ($id: ID!) { node(id: $id) { __typename id } }", {"id": id})
    assert "errors" not in answer, answer
    return answer["data"]["node"]
