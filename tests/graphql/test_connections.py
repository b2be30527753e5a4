"""Relay connections: any part of a list, from either end, whatever comes and goes meanwhile."""

import base64
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlmodel import col

from app.models import Org as OrgRow
from app.models import Project
from tests.clients import rest_reply
from tests.clock import now
from tests.examples import examples
from tests.factories import Instance, Org, Workspace
from tests.graphql.asking import ask
from tests.graphql.statements import statements

PAGE = "nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
ARGUMENTS = "$first: Int, $after: String, $last: Int, $before: String"
WINDOW = "first: $first, after: $after, last: $last, before: $before"
ONE = f"query ($slug: String!, {ARGUMENTS}) {{ org(slug: $slug) {{ projects({WINDOW}) {{ {PAGE} }} }} }}"
ALL = f"query ({ARGUMENTS}) {{ orgs {{ nodes {{ slug projects({WINDOW}) {{ {PAGE} totalCount }} }} }} }}"

on_both = pytest.mark.parametrize("engine", ["sqlite", "postgres"])


class Projects:
    """The projects of an organisation, made and deleted behind the product's back."""

    def __init__(self, instance: Instance, org: Org) -> None:
        self.instance = instance
        self.slug = org.slug
        self.caller = org.viewer.client
        self.ids: list[str] = []

    async def make(self, number: int) -> None:
        async with self.instance.node.database.writing() as session:
            org_id = (await session.execute(select(col(OrgRow.id)).where(col(OrgRow.slug) == self.slug))).scalar_one()
            dated = {"created_at": now(), "updated_at": now()}
            rows = [Project(org_id=org_id, key="", name="", **dated) for _ in range(number)]
            for row in rows:
                row.key = row.id
            session.add_all(rows)
            await session.commit()
            self.ids += [row.id for row in rows]

    async def drop(self, *ids: str) -> None:
        await self.instance.execute(delete(Project).where(col(Project.id).in_(ids)))
        self.ids = [one for one in self.ids if one not in ids]

    async def page(self, **arguments: Any) -> dict[str, Any]:
        answer = await ask(self.caller, ONE, {"slug": self.slug, **arguments})
        found: dict[str, Any] = answer["data"]["org"]["projects"]
        return found


def ids(page: dict[str, Any]) -> list[str]:
    return [node["id"] for node in page["nodes"]]


CHANGES = st.lists(st.one_of(st.just("make"), st.integers(0, 30)), max_size=6)


@on_both
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@given(number=st.integers(0, 12), limit=st.integers(1, 5), changes=st.lists(CHANGES, max_size=8))
@examples(0.25)
async def test_nothing_is_skipped_or_seen_twice_while_things_come_and_go(
    instance: Instance, workspace: Workspace, number: int, limit: int, changes: list[list[Any]], backward: bool
) -> None:
    projects = Projects(instance, workspace.org)
    await projects.drop(workspace.project_id, *ids(await projects.page(first=1000)))
    await projects.make(number)
    throughout, seen, cursor = set(projects.ids), [], None
    size, bound, end, more = (
        ("last", "before", "startCursor", "hasPreviousPage")
        if backward
        else ("first", "after", "endCursor", "hasNextPage")
    )
    todo = iter(changes)
    while True:
        page = await projects.page(**{size: limit, bound: cursor})
        assert ids(page) == sorted(ids(page))
        seen = [*ids(page), *seen] if backward else [*seen, *ids(page)]
        if not page["pageInfo"][more]:
            break
        cursor = page["pageInfo"][end]
        for change in next(todo, []):
            if change == "make":
                await projects.make(1)
            elif change < len(projects.ids):
                throughout.discard(projects.ids[change])
                await projects.drop(projects.ids[change])
    assert seen == sorted(set(seen))
    assert throughout <= set(seen)


POSITIONS = st.one_of(st.none(), st.integers(0, 8))


@on_both
@given(
    sizes=st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 7)),
    size=st.integers(1, 9),
    backward=st.booleans(),
    after=POSITIONS,
    before=POSITIONS,
)
@examples(0.25)
async def test_the_same_part_of_many_lists_is_the_part_of_each(
    instance: Instance,
    workspace: Workspace,
    sizes: tuple[int, ...],
    size: int,
    backward: bool,
    after: int | None,
    before: int | None,
) -> None:
    """As Relay's algorithm has it; a cursor is one of the first list, and refused in the others."""
    lists = [Projects(instance, workspace.org)]
    for slug in ("second", "third"):
        await workspace.org.viewer.do("createOrg", slug=slug, name=slug)
        lists.append(Projects(instance, Org(slug, *[workspace.org.viewer] * 4)))
    for projects, number in zip(lists, sizes, strict=True):
        await projects.drop(*ids(await projects.page(first=1000)))
        await projects.make(number)
    everything = (await lists[0].page(first=1000))["edges"]
    low = everything[after] if after is not None and after < len(everything) else None
    high = everything[before] if before is not None and before < len(everything) else None
    arguments = {
        "last" if backward else "first": size,
        "after": low and low["cursor"],
        "before": high and high["cursor"],
    }
    low, high = low and low["node"]["id"], high and high["node"]["id"]
    found = {
        one["slug"]: one["projects"] for one in (await ask(lists[0].caller, ALL, arguments))["data"]["orgs"]["nodes"]
    }
    for projects in lists:
        if (low or high) and projects is not lists[0]:
            assert found[projects.slug] is None
            continue
        between = [one for one in projects.ids if (low or "") < one < (high or "~")]
        page = found[projects.slug]
        assert ids(page) == (between[-size:] if backward else between[:size])
        assert page["totalCount"] == len(projects.ids)
        assert page["pageInfo"]["hasPreviousPage" if backward else "hasNextPage"] == (len(between) > size)
        del page["totalCount"]
        assert page == await projects.page(**arguments)


FRAGMENTS = "fragment A on ProjectConnection { ...B } fragment B on ProjectConnection { totalCount }"


@pytest.mark.parametrize(
    ("selection", "counted"),
    [
        ("nodes { id }", False),
        ("totalCount", True),
        ("...{ ... on ProjectConnection { totalCount } }", True),
        ("...A", True),
        ("totalCount @include(if: false)", False),
        ("totalCount @skip(if: true)", False),
        ("... @include(if: $no) { totalCount }", False),
        ("total: totalCount @include(if: true)", True),
        ("totalCount: pageInfo { hasNextPage }", False),
    ],
)
async def test_all_is_counted_only_where_the_count_is_selected(
    workspace: Workspace, selection: str, counted: bool
) -> None:
    document = f"""
        query ($no: Boolean = false) {{
          org(slug: "acme") {{ id @skip(if: $no) projects(first: 1) {{ __typename {selection} }} }}
        }}
        {FRAGMENTS if "...A" in selection else ""}
    """
    with statements() as run:
        answer = await ask(workspace.org.viewer.client, document)
    assert "errors" not in answer
    assert any("count(*)" in one for one in run) == counted


async def test_a_count_is_of_what_the_filter_leaves(workspace: Workspace) -> None:
    document = 'query ($id: ID!) { project(id: $id) { flags(first: 1, search: "bann") { totalCount nodes { key } } } }'
    found = (await ask(workspace.org.viewer.client, document, {"id": workspace.project_id}))["data"]["project"]["flags"]
    assert found == {"totalCount": 1, "nodes": [{"key": "banner"}]}


LISTS = {
    "orgs": "{ orgs(%s) { nodes { id } } }",
    "projects": '{ org(slug: "acme") { projects(%s) { nodes { id } } } }',
    "environments": '{ project(id: "PROJECT") { environments(%s) { nodes { id } } } }',
    "flags": '{ project(id: "PROJECT") { flags(%s) { nodes { id } } } }',
    "root flags": '{ flags(projectId: "PROJECT", %s) { nodes { id } } }',
    "flagStates": '{ environment(id: "ENVIRONMENT") { flagStates(%s) { nodes { id } } } }',
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("first: 0", "first"),
        ("first: -1", "first"),
        ("first: 1001", "first"),
        ("last: 0", "last"),
        ("last: 1001", "last"),
        ("first: 1, last: 1", "last"),
        ('after: ""', "after"),
        ('after: "x"', "after"),
        ('before: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"', "before"),
        ('first: 1, before: "\\u00e4\\u0000"', "before"),
    ],
)
async def test_what_stands_against_a_part_is_named_by_its_argument(
    workspace: Workspace, name: str, arguments: str, field: str
) -> None:
    document = LISTS[name] % arguments
    document = document.replace("PROJECT", workspace.project_id).replace("ENVIRONMENT", workspace.environment_id)
    answer = await ask(workspace.org.viewer.client, document)
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], list(error["extensions"]["fields"])) == ("invalid_request", [field])
    assert answer["data"] is not None


async def test_cursors_are_opaque_and_signed(instance: Instance, workspace: Workspace) -> None:
    document = "{ orgs { edges { cursor node { id } } pageInfo { startCursor endCursor } } }"
    found = (await ask(workspace.org.viewer.client, document))["data"]["orgs"]
    (edge,) = found["edges"]
    assert found["pageInfo"] == {"startCursor": edge["cursor"], "endCursor": edge["cursor"]}
    assert re.fullmatch(r"[A-Za-z0-9_-]{40}", edge["cursor"])
    raw = bytearray(base64.urlsafe_b64decode(edge["cursor"]))
    for place_ in range(len(raw)):
        forged = bytes(byte ^ (n == place_) for n, byte in enumerate(raw))
        cursor = base64.urlsafe_b64encode(forged).decode()
        answer = await ask(
            workspace.org.viewer.client, "query ($c: String) { orgs(after: $c) { totalCount } }", {"c": cursor}
        )
        assert answer["errors"][0]["extensions"]["fields"].keys() == {"after"}
    padded = await ask(
        workspace.org.viewer.client,
        "query ($c: String) { orgs(after: $c) { totalCount } }",
        {"c": edge["cursor"] + "="},
    )
    assert padded["errors"][0]["extensions"]["code"] == "invalid_request"


async def test_rest_and_graphql_take_each_others_cursors(workspace: Workspace) -> None:
    caller = workspace.org.viewer
    path = f"/api/v1/projects/{workspace.project_id}/flags"
    from_rest = rest_reply(await caller.client.get(path, params={"limit": 1}))
    from_graphql = await caller.do("flags", projectId=workspace.project_id, limit=1)
    assert from_rest.next == from_graphql.next
    assert [
        one["key"] for one in await caller.make("flags", projectId=workspace.project_id, cursor=from_rest.next)
    ] == ["banner"]
    rest = rest_reply(await caller.client.get(path, params={"cursor": from_graphql.next}))
    assert [one["key"] for one in rest.unwrap()] == ["banner"]


BACKWARD = {
    "flags": """
        query ($id: ID!, $sort: Sorting, $before: String) { parent: project(id: $id) {
          list: flags(last: 2, before: $before, sort: $sort) {
            nodes { key } pageInfo { hasPreviousPage startCursor }
        } } }
    """,
    "flagStates": """
        query ($id: ID!, $sort: Sorting, $before: String) { parent: environment(id: $id) {
          list: flagStates(last: 2, before: $before, sort: $sort) {
            nodes { flag { key } } pageInfo { hasPreviousPage startCursor }
        } } }
    """,
}
SORTED = """
    query ($sort: Sorting) {
      orgs(first: 1) { nodes { projects(first: 5) { nodes {
        flags(sort: $sort, first: 2) { nodes { key } pageInfo { hasNextPage } }
        environments(first: 2) { nodes { flagStates(sort: $sort, last: 2) { nodes { flag { key } } totalCount } } }
      } } } }
    }
"""
SORTS = {"CREATED": False, "CREATED_DESC": True, "KEY": False, "KEY_DESC": True, "UPDATED": False, "UPDATED_DESC": True}
KEYS = ["m", "a.b", "a-b", "a", "z_1"]


def in_order(sort: str, created: list[str]) -> list[str]:
    keys = sorted(created) if sort.startswith("KEY") else created
    return keys[::-1] if SORTS[sort] else keys


@on_both
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("name", BACKWARD)
async def test_every_order_is_read_from_its_end(instance: Instance, workspace: Workspace, name: str, sort: str) -> None:
    await instance.create_flags(workspace.org, workspace.project_id, KEYS)
    expected = in_order(sort, ["checkout", "banner", *KEYS])
    parent_id = workspace.project_id if name == "flags" else workspace.environment_id
    read: list[str] = []
    page = {"hasPreviousPage": True, "startCursor": None}
    while page["hasPreviousPage"]:
        variables = {"id": parent_id, "sort": sort, "before": page["startCursor"]}
        answer = await ask(workspace.org.viewer.client, BACKWARD[name], variables)
        part, page = answer["data"]["parent"]["list"]["nodes"], answer["data"]["parent"]["list"]["pageInfo"]
        read = [*(one.get("flag", one)["key"] for one in part), *read]
    assert read == expected


@on_both
@pytest.mark.parametrize("sort", SORTS)
async def test_many_lists_are_sorted_each(instance: Instance, workspace: Workspace, sort: str) -> None:
    await instance.workspace(workspace.org, key="app")
    await instance.create_flags(workspace.org, workspace.project_id, KEYS)
    first, second = in_order(sort, ["checkout", "banner", *KEYS]), in_order(sort, ["checkout", "banner"])
    with statements() as run:
        answer = await ask(workspace.org.viewer.client, SORTED, {"sort": sort})
    projects = answer["data"]["orgs"]["nodes"][0]["projects"]["nodes"]
    assert [[one["key"] for one in project["flags"]["nodes"]] for project in projects] == [first[:2], second]
    assert [project["flags"]["pageInfo"]["hasNextPage"] for project in projects] == [True, False]
    listed = [project["environments"]["nodes"][0]["flagStates"] for project in projects]
    assert [[one["flag"]["key"] for one in states["nodes"]] for states in listed] == [first[-2:], second]
    assert [states["totalCount"] for states in listed] == [7, 2]
    assert sum("row_number" in one for one in run) == 3  # one for each kind of list, however many lists
