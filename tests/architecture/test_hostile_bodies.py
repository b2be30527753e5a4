"""Whatever a caller sends, the answer is short, and the work grows no faster than that of reading it.

Everybody's requests wait while one is worked on, so the work is measured in processor time, beside that of Python's own
JSON decoder for the same bytes. The sums over all endpoints are compared, because single requests vary.
"""

import contextlib
import json
import re
import time
from collections.abc import Iterator
from http import HTTPStatus

import httpx2
import pytest

from app.rest.app import TABLE
from app.web.handlers import MAX_FORM
from tests.documents import DOCUMENTS
from tests.factories import Workspace

SIZE = 40_000
MOST_BYTES = 20 * 1024
MOST_TIMES = 8
MOST_SECONDS_A_DOCUMENT = 0.5
BODIES_EACH = 7
JSON = {"Content-Type": "application/json"}
UNKNOWN_ID = "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"


def filled(item: str, before: str = "[", after: str = "]") -> str:
    """A list, or what is around one, as large as the bodies here are."""
    return before + ",".join([item] * (SIZE // (len(item) + 1))) + after


def numbered(item: str) -> str:
    """An object with many members, whose `%d` is numbered."""
    return "{" + ",".join(item % number for number in range(SIZE // (len(item) + 4))) + "}"


BODIES = {
    "a long key over many members": '{"' + "k" * (SIZE // 2) + '":' + filled("1")[: SIZE // 2].rstrip(",") + "]}",
    "surrogates below a long key": '{"' + "k" * (SIZE // 2) + '":[' + ",".join(['"\\ud800"'] * 200) + "]}",
    "surrogates": '{"name":' + filled('"\\ud800"') + "}",
    "one surrogate after much": '{"name":' + filled('"text"', after=',"\\ud800"]') + "}",
    "many small members": '{"name":' + filled("1") + "}",
    "many objects": '{"rules":' + filled('{"a":1}') + "}",
    "many empty objects": '{"rules":' + filled("{}") + "}",
    "many unknown keys": numbered('"k%d":1'),
    "unknown keys within": '{"environments":' + numbered('"k%d":1') + "}",
    "deep": '{"a":' * (SIZE // 6) + "1" + "}" * (SIZE // 6),
    "as deep as allowed": '{"a":' * 90 + filled("[[[]]]") + "}" * 90,
    "a key twice": filled('"a":1', "{", "}"),
    "doubled keys in many objects": '{"rules":' + filled('{"a":1,"a":1}') + "}",
    "a doubled key after much": '{"rules":' + filled('{"a":1}') + ',"b":1,"b":1}',
    "wrong entries of lists": '{"resources":'
    + filled("1")
    + ',"actions":'
    + filled('"x"')
    + ',"keys":'
    + filled("1")
    + "}",
    "names": '{"environments":{"envs":' + filled(f'"{UNKNOWN_ID}"') + "}}",
    "long texts": '{"name":"' + "n" * SIZE + '","level":"' + "l" * SIZE + '","email":"' + "e" * SIZE + '"}',
    "faulty rules": '{"rules":' + filled('{"if":{"$x":1},"y":1}') + "}",
    "no JSON": filled("1", after=""),
    "numbers": '{"name":' + filled("9" * 400) + "}",
}
HOSTILE_DOCUMENTS = {
    "a long name": "{ " + "n" * 90_000 + " }",
    "many unknown fields": "{ " + " ".join(f"orgz{number}" for number in range(1_900)) + " }",
    "a wrong value": '{ orgs(first: "' + "x" * 90_000 + '") { totalCount } }',
    "an unknown member": 'mutation { createOrg(input: {slug: "a", name: "b", '
    + "n" * 90_000
    + ": 1}) { org { id } } }",
    "unknown members": "mutation { createOrg(input: {"
    + " ".join(f"nam{number}: 1" for number in range(600))
    + "}) { org { id } } }",
    "a deep value": "mutation { createOrg(input: " + "{a: " * 400 + "1" + "}" * 400 + ") { org { id } } }",
    "an unknown word": "{ flags(projectId: 1, type: " + "N" * 90_000 + ") { totalCount } }",
    "a long variable": "query ($" + "v" * 40_000 + ": Int!) { orgs(first: $" + "v" * 40_000 + ") { totalCount } }",
    "no syntax": "{" * 1_900,
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FORMS = {
    "many fields": "&".join(["a=1"] * (MAX_FORM // 5)),
    "long names": "n" * (MAX_FORM - 10) + "=1",
    "a long value": "email=" + "&quot;" * (MAX_FORM // 8),
    "escapes": "name=" + "%ff" * (MAX_FORM // 4),
    "too much": "name=" + "x" * SIZE,
}


def addresses(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """The method and path of each of REST's endpoints that reads a body, for something that exists."""
    filling = {
        "slug": workspace.org.slug,
        "project_id": workspace.project_id,
        "env_id": workspace.environment_id,
        "key": "banner",
        "api_key_id": workspace.key_of_api["apiKeyId"],
        "user_id": workspace.guest["userId"],
        "invitation_id": workspace.invitation["invitationId"],
        "session_id": UNKNOWN_ID,
        "proposal_id": workspace.proposal_id,
        "token": "sbi_unknown",
    }
    for endpoint in TABLE:
        if not endpoint.safe and endpoint.path != "/auth/logout":
            yield endpoint.method, re.sub(r"\{(\w+)\}", lambda found: filling[found[1]], endpoint.address)


def some_bodies(number: int) -> list[str]:
    """Some of the bodies, others for each number: each is tried on a third of the operations."""
    bodies = list(BODIES.values())
    start = number * BODIES_EACH % len(bodies)
    return (bodies + bodies)[start : start + BODIES_EACH]


class Measured:
    """Processor time of requests, beside that of reading what they send."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client
        self.spent = self.reading = 0.0
        self._idle: dict[tuple[str, str], float] = {}

    async def send(self, method: str, path: str, content: str, headers: dict[str, str] = JSON) -> None:
        """Asserts on the answer, and adds the time beyond that of a request with next to nothing in it."""
        data = content.encode()
        if (method, path) not in self._idle:
            await self._spent(method, path, b"{}", headers)
            self._idle[method, path], _ = await self._spent(method, path, b"{}", headers)
        spent, response = await self._spent(method, path, data, headers)
        self.spent += spent - self._idle[method, path]
        self.reading += self._read(data)
        assert len(response.content) <= MOST_BYTES, (path, content[:60], len(response.content))
        assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, (path, content[:60], response.text)
        assert response.status_code != HTTPStatus.TOO_MANY_REQUESTS, path

    async def _spent(
        self, method: str, path: str, data: bytes, headers: dict[str, str]
    ) -> tuple[float, httpx2.Response]:
        started = time.process_time()
        response = await self.client.request(method, path, content=data, headers=headers)
        return time.process_time() - started, response

    @staticmethod
    def _read(data: bytes) -> float:
        started = time.process_time()
        with contextlib.suppress(ValueError, RecursionError):
            json.loads(data)
        return time.process_time() - started


@pytest.fixture
def measured(workspace: Workspace) -> Measured:
    """What the owner sends."""
    return Measured(workspace.org.owner.client)


@pytest.mark.parametrize("instance", ["rest"], indirect=True)
async def test_every_endpoint_answers_a_hostile_body_shortly_and_soon(workspace: Workspace, measured: Measured) -> None:
    for number, (method, path) in enumerate(addresses(workspace)):
        for body in some_bodies(number):
            await measured.send(method, path, body)
    assert measured.spent <= MOST_TIMES * measured.reading


@pytest.mark.parametrize("instance", ["graphql"], indirect=True)
async def test_every_mutation_answers_hostile_variables_shortly_and_soon(measured: Measured) -> None:
    documents = [document for document in DOCUMENTS.values() if "$input" in document]
    for number, document in enumerate(documents):
        for body in some_bodies(number):
            content = f'{{"query":{json.dumps(document)},"variables":{{"input":{body}}}}}'
            await measured.send("POST", "/graphql", content)
    assert measured.spent <= MOST_TIMES * measured.reading


@pytest.mark.parametrize("instance", ["graphql"], indirect=True)
@pytest.mark.parametrize("document", HOSTILE_DOCUMENTS.values(), ids=HOSTILE_DOCUMENTS)
async def test_a_hostile_document_is_answered_shortly_and_soon(measured: Measured, document: str) -> None:
    await measured.send("POST", "/graphql", json.dumps({"query": document}))
    assert measured.spent < MOST_SECONDS_A_DOCUMENT


@pytest.mark.parametrize("instance", ["rest"], indirect=True)
@pytest.mark.parametrize(
    "page", ["claim", "signin", "signup", "orgs", "orgs/acme/members", "orgs/acme/tokens", "account"]
)
async def test_a_page_answers_a_hostile_form_shortly_and_soon(workspace: Workspace, page: str) -> None:
    client, spent = workspace.org.owner.client, 0.0
    shown = len((await client.get(f"/app/{page}")).content)
    for form in FORMS.values():
        started = time.process_time()
        response = await client.post(f"/app/{page}", content=form, headers=FORM)
        spent += time.process_time() - started
        assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
        assert len(response.content) <= shown + MOST_BYTES + 6 * MAX_FORM  # what was typed is shown again, escaped
    assert spent < MOST_SECONDS_A_DOCUMENT * len(FORMS)
