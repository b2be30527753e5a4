"""One Api, two transports: what a behaviour test says once runs over REST and over GraphQL.

Operations have GraphQL's names. REST finds its route by the same name in the route table; both give a `Reply` whose
data has REST's shape.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx2

from app.rest.app import TABLE
from app.rest.routing import Endpoint
from scripts._parity import REST_ONLY, graphql_name
from tests.documents import DOCUMENTS
from tests.shapes import innermost, shaped

PATH_ARGUMENTS = {"project_id": "projectId", "env_id": "environmentId", "slug": "slug", "key": "key"}
PATH_ARGUMENTS |= {"api_key_id": "apiKeyId"}
PATH_ARGUMENTS |= {"user_id": "userId", "invitation_id": "invitationId", "session_id": "sessionId", "token": "token"}
PATH_ARGUMENTS |= {"proposal_id": "proposalId", "event_id": "eventId"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: `code` is None on success; `data` is the resource, or the list of them; `extra` what an error of
    this code says beyond what all say."""

    code: str | None
    data: Any
    fields: dict[str, str] = field(default_factory=dict)
    status: int = 200
    message: str = ""
    etag: str | None = None
    next: str | None = None
    request_id: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def unwrap(self) -> Any:
        """The data of a success."""
        assert self.code is None, (self.code, self.message, self.fields)
        return self.data


class Api:
    """A caller: its cookies are its own. `do` names an operation and its arguments in camelCase."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def do(self, operation: str, *, if_match: str | None = None, **arguments: Any) -> Reply:
        """Runs the operation."""
        raise NotImplementedError

    async def make(self, operation: str, **arguments: Any) -> Any:
        """Runs an operation that must succeed, and gives its data."""
        return (await self.do(operation, **arguments)).unwrap()


class RestApi(Api):
    """Over REST."""

    async def do(self, operation: str, *, if_match: str | None = None, **arguments: Any) -> Reply:
        endpoint = ENDPOINTS[operation]
        path = address(endpoint, arguments)
        reading = endpoint.method == "GET"
        headers = {"If-Match": if_match, "X-Break-Glass": arguments.pop("breakGlass", None)}
        if (min_version := arguments.pop("minVersion", None)) is not None:
            headers["X-Signalbox-Min-Version"] = str(min_version)
        response = await self.client.request(
            endpoint.method,
            path,
            params=arguments if reading else None,
            json=arguments if not reading and arguments else None,
            headers={name: value for name, value in headers.items() if value is not None},
        )
        return rest_reply(response)


def address(endpoint: Endpoint, arguments: dict[str, Any]) -> str:
    """Where the endpoint is; what stands in its path is taken out of the arguments."""
    return re.sub(r"\{(\w+)\}", lambda found: _taken(arguments, found[1]), endpoint.address)


def _taken(arguments: dict[str, Any], parameter: str) -> str:
    name = PATH_ARGUMENTS[parameter]
    given = arguments.pop("orgSlug") if name == "slug" and "orgSlug" in arguments else arguments.pop(name)
    return quote(given, safe="")


def rest_reply(response: httpx2.Response) -> Reply:
    """A REST answer as a Reply."""
    body = response.json() if response.content else None
    status, request_id = response.status_code, response.headers["x-request-id"]
    if not response.is_success:
        tag, fields = response.headers.get("etag"), body.get("fields", {})
        return Reply(
            body["code"], None, fields, status, body["message"], tag, request_id=request_id, extra=_beyond(body)
        )
    link = re.search(r'cursor=([^&>]+)[^>]*>; rel="next"', response.headers.get("link", ""))
    next_page = link[1] if link else None
    return Reply(None, body, {}, status, "", response.headers.get("etag"), next_page, request_id)


class GraphQLApi(Api):
    """Over GraphQL."""

    async def do(self, operation: str, *, if_match: str | None = None, **arguments: Any) -> Reply:
        document = DOCUMENTS[operation]
        variables = {"input": arguments} if "$input" in document else arguments
        if if_match is not None:
            variables["input"]["ifMatch"] = if_match
        response = await self._post(document, _upper(variables))
        answer = response.json()
        if "errors" in answer:
            return graphql_reply(answer)
        return _success(operation, next(iter(answer["data"].values())), response.headers["x-request-id"])

    async def run(self, document: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The whole answer to a document."""
        body: dict[str, Any] = (await self._post(document, variables or {})).json()
        return body

    async def _post(self, document: str, variables: dict[str, Any]) -> httpx2.Response:
        return await self.client.post("/graphql", json={"query": document, "variables": variables})


def graphql_reply(answer: dict[str, Any]) -> Reply:
    """The first error of an answer as a Reply."""
    error = answer["errors"][0]
    extensions = error["extensions"]
    return Reply(
        extensions["code"],
        None,
        extensions.get("fields", {}),
        extensions["status"],
        error["message"],
        extensions.get("etag"),
        request_id=extensions["requestId"],
        extra=_beyond(extensions),
    )


def _beyond(error: dict[str, Any]) -> dict[str, Any]:
    return {name: error[name] for name in error.keys() - {"code", "message", "fields", "requestId", "status", "etag"}}


def _upper(variables: dict[str, Any]) -> dict[str, Any]:
    """REST says `boolean` where GraphQL says `BOOLEAN`."""
    given = variables.get("input", variables)
    for name in ("type", "level", "role", "color", "state", "kind", "verdict", "granularity"):
        if isinstance(given.get(name), str):
            given[name] = given[name].upper()
    if isinstance(sort := given.get("sort"), str):
        given["sort"] = (sort.removeprefix("-") + "_desc" * sort.startswith("-")).upper()
    if isinstance(given.get("status"), list):
        given["status"] = [one.upper() if isinstance(one, str) else one for one in given["status"]]
    if isinstance(given.get("actions"), list):
        given["actions"] = [one.upper() if isinstance(one, str) else one for one in given["actions"]]
    return variables


def _success(operation: str, found: Any, request_id: str) -> Reply:
    data, inner = shaped(operation, found), innermost(found)
    if found is not None and inner is None:
        return Reply("not_found", None, status=404, request_id=request_id)
    page = inner.get("pageInfo") if isinstance(inner, dict) else None
    return Reply(
        None,
        data,
        etag=inner.get("etag") if isinstance(inner, dict) else None,
        next=page["endCursor"] if page and page["hasNextPage"] else None,
        request_id=request_id,
    )


ENDPOINTS = {graphql_name(endpoint): endpoint for endpoint in TABLE if graphql_name(endpoint) not in REST_ONLY}
