"""One Api, two transports: what a behaviour test says once runs over REST and over GraphQL.

Operations have GraphQL's names. REST finds its route by the same name in the route table; both give a `Reply` whose
data has REST's shape.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import httpx2

from app.rest.app import PREFIX, TABLE
from app.rest.routing import Endpoint
from scripts._parity import REST_ONLY, graphql_name

PATH_ARGUMENTS = {"project_id": "projectId", "env_id": "environmentId", "slug": "slug", "key": "key"}
PATH_ARGUMENTS |= {"api_key_id": "apiKeyId"}
PATH_ARGUMENTS |= {"user_id": "userId", "invitation_id": "invitationId", "session_id": "sessionId", "token": "token"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: `code` is None on success; `data` is the resource, or the list of them."""

    code: str | None
    data: Any
    fields: dict[str, str] = field(default_factory=dict)
    status: int = 200
    message: str = ""
    etag: str | None = None
    next: str | None = None
    request_id: str = ""

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
    return PREFIX + re.sub(r"\{(\w+)\}", lambda found: _taken(arguments, found[1]), endpoint.path)


def _taken(arguments: dict[str, Any], parameter: str) -> str:
    name = PATH_ARGUMENTS[parameter]
    given = arguments.pop("orgSlug") if name == "slug" and "orgSlug" in arguments else arguments.pop(name)
    return quote(given, safe="")


def rest_reply(response: httpx2.Response) -> Reply:
    """A REST answer as a Reply."""
    body = response.json() if response.content else None
    status, request_id = response.status_code, response.headers["x-request-id"]
    if not response.is_success:
        return Reply(body["code"], None, body.get("fields", {}), status, body["message"], request_id=request_id)
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
        found = next(iter(answer["data"].values()))
        return replace(_shaped(operation, found), request_id=response.headers["x-request-id"])

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
        request_id=extensions["requestId"],
    )


def _upper(variables: dict[str, Any]) -> dict[str, Any]:
    """REST says `boolean` where GraphQL says `BOOLEAN`."""
    given = variables.get("input", variables)
    for name in ("type", "level", "role"):
        if isinstance(given.get(name), str):
            given[name] = given[name].upper()
    if isinstance(given.get("actions"), list):
        given["actions"] = [one.upper() if isinstance(one, str) else one for one in given["actions"]]
    return variables


def _shaped(operation: str, found: Any) -> Reply:
    """GraphQL's answer in REST's shape."""
    if operation == "logout" or operation.startswith(("delete", "revoke")):
        return Reply(None, None, status=204)
    if operation in {"evaluate", "ruleset", "errorCatalog"}:
        return Reply(None, _SHAPES.get(operation, lambda data: data)(found))
    if operation in {"requestMagicLink", "signUp"}:
        return Reply(None, found)
    if operation == "removeMember":
        return Reply(None, _removed(found))
    if operation == "invitation":
        return Reply(None, _resource(found))
    if operation == "createInvitation":
        return Reply(None, {**_resource(found["invitation"]), "acceptUrl": found["acceptUrl"]})
    if operation in {"me", "installClaim", "redeemLink", "acceptInvitation"}:
        return Reply(None, _me_or_claim(found))
    if operation == "createApiKey":
        shaped = _shaped("apiKey", found["apiKey"])
        return replace(shaped, data={**shaped.data, "token": found["token"]})
    while isinstance(found, dict) and "id" not in found and "nodes" not in found and len(found) == 1:
        found = next(iter(found.values()))
    if found is None:
        return Reply("not_found", None, status=404)
    if "nodes" in found:
        page = found["pageInfo"]
        return Reply(
            None, [_resource(node) for node in found["nodes"]], next=page["endCursor"] if page["hasNextPage"] else None
        )
    return Reply(None, _resource(found), etag=found.get("etag"))


def _resource(node: dict[str, Any]) -> dict[str, Any]:
    shaped = {name: value for name, value in node.items() if name != "etag"}
    if "flag" in shaped:
        flag = shaped.pop("flag")
        shaped |= {"primitiveId": flag["id"], "key": flag["key"], "type": flag["type"].lower()}
        shaped |= {"description": flag["description"], "environmentId": _id_of(shaped.pop("environment"))}
        shaped["updatedBy"] = _actor(shaped["updatedBy"])
    elif "type" in shaped:
        shaped["type"] = shaped["type"].lower()
    for name in ("role", "status"):
        if name in shaped:
            shaped[name] = shaped[name].lower()
    if "invitedBy" in shaped:
        shaped["invitedBy"] = _actor(shaped["invitedBy"])
    if "rules" in shaped:
        shaped["rules"] = [_without_nulls(rule) for rule in shaped["rules"]]
    if "mintedBy" in shaped:
        shaped["mintedBy"] = _actor(shaped["mintedBy"])
        shaped["level"] = shaped["level"] and shaped["level"].lower()
        shaped["actions"] = [one.lower() for one in shaped["actions"]]
        shaped["environments"] = {name: value for name, value in shaped["environments"].items() if value is not None}
    for parent, name in (("org", "orgId"), ("project", "projectId")):
        if parent in shaped:
            shaped[name] = _id_of(shaped.pop(parent))
    return shaped


def _without_nulls(rule: dict[str, Any]) -> dict[str, Any]:
    """REST leaves out what a rule does not have."""
    given = {name: value for name, value in rule.items() if value is not None}
    if "split" in given:
        given["split"] = [_without_nulls(share) for share in given["split"]]
    return given


def _removed(found: dict[str, Any]) -> dict[str, Any]:
    tokens = [{"id": token["tokenId"], "name": token["name"]} for token in found["tokens"]]
    return {**found, "member": _resource(found["member"]), "tokens": tokens}


def _id_of(parent: dict[str, Any] | None) -> str | None:
    """A parent that a token may not read is null in GraphQL, where REST has its id."""
    return None if parent is None else str(parent["id"])


def _me_or_claim(found: dict[str, Any]) -> dict[str, Any]:
    if "me" in found:
        return {name: _me(value) if name == "me" else _resource(value) for name, value in found.items()}
    return _me(found)


def _me(found: dict[str, Any]) -> dict[str, Any]:
    if found["orgs"] is None:
        return {"actor": _actor(found["actor"])}
    orgs = [{"org": _resource(one["org"]), "role": one["role"].lower()} for one in found["orgs"]]
    return {**found, "actor": _actor(found["actor"]), "orgs": orgs}


def _actor(found: dict[str, Any]) -> dict[str, Any]:
    shaped = {**found, "kind": found["kind"].lower()}
    if (minter := shaped.pop("onBehalfOf", None)) is not None:
        shaped["onBehalfOf"] = _actor(minter)
    return shaped


def _evaluations(found: dict[str, Any]) -> dict[str, Any]:
    by_key = {}
    for entry in found["evaluations"]:
        one = entry["evaluation"]
        if one is not None:
            one["reason"] = _without_nulls({**one["reason"], "kind": one["reason"]["kind"].lower()})
        by_key[entry["key"]] = one
    return {**found, "evaluations": by_key}


_SHAPES = {"evaluate": _evaluations}

_ACTOR = "kind id name onBehalfOf { kind id name }"
_ORG = "id slug name defaultTargetIdField maxRateLimitPerMin createdAt updatedAt etag"
_PROJECT = "id org { id } key name targetIdField createdAt updatedAt etag"
_ENVIRONMENT = "id project { id } key name protected requiredApprovals version createdAt updatedAt etag"
_FLAG = "id project { id } key type description initialValue createdAt updatedAt etag"
_STATE = (
    "id flag { id key type description } environment { id } defaultValue killed version updatedAt "
    "rules { if value split { value percent name } rolloutPercent seed bucketBy name description } "
    f"updatedBy {{ {_ACTOR} }} etag"
)
_API_KEY = (
    "id name level actions environments { org projects envs } resources rateLimitPerMin approvalRequired ipAllowlist "
    "expiresAt lastUsedAt hint mintedBy { kind id name } createdAt updatedAt etag"
)
_ME = f"actor {{ {_ACTOR} }} email orgs {{ org {{ {_ORG} }} role }}"
_SESSION = "id current createdAt lastSeenAt expiresAt"
_MEMBER = "id userId email displayName role createdAt updatedAt etag"
_INVITATION = "id email role status invitedBy { kind id name } createdAt expiresAt"
_PAGE = "pageInfo { hasNextPage endCursor }"


def _mutation(name: str, selection: str) -> str:
    return f"mutation($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {selection} }} }}"


DOCUMENTS = {
    "installClaim": _mutation("installClaim", f"me {{ {_ME} }} org {{ {_ORG} }}"),
    "redeemLink": _mutation("redeemLink", f"me {{ {_ME} }}"),
    "requestMagicLink": _mutation("requestMagicLink", "sent"),
    "signUp": _mutation("signUp", "sent"),
    "deleteMe": _mutation("deleteMe", "email"),
    "sessions": (
        f"query($limit: Int, $cursor: String) {{ sessions(first: $limit, after: $cursor) "
        f"{{ nodes {{ {_SESSION} }} {_PAGE} }} }}"
    ),
    "deleteSession": _mutation("deleteSession", "session { id }"),
    "members": (
        "query($orgSlug: String!, $limit: Int, $cursor: String) "
        f"{{ members(orgSlug: $orgSlug, first: $limit, after: $cursor) {{ nodes {{ {_MEMBER} }} {_PAGE} }} }}"
    ),
    "member": f"query($orgSlug: String!, $userId: ID!) {{ member(orgSlug: $orgSlug, userId: $userId) {{ {_MEMBER} }} }}",
    "updateMember": _mutation("updateMember", f"member {{ {_MEMBER} }}"),
    "removeMember": _mutation("removeMember", f"member {{ {_MEMBER} }} tokens {{ tokenId name }} tokensRevoked"),
    "invitations": (
        "query($orgSlug: String!, $limit: Int, $cursor: String) "
        f"{{ invitations(orgSlug: $orgSlug, first: $limit, after: $cursor) {{ nodes {{ {_INVITATION} }} {_PAGE} }} }}"
    ),
    "createInvitation": _mutation("createInvitation", f"invitation {{ {_INVITATION} }} acceptUrl"),
    "revokeInvitation": _mutation("revokeInvitation", "invitation { id }"),
    "invitation": "query($token: String!) { invitation(token: $token) { orgName orgSlug email role expiresAt } }",
    "acceptInvitation": _mutation("acceptInvitation", f"me {{ {_ME} }} org {{ {_ORG} }}"),
    "logout": "mutation { logout { signedOut } }",
    "me": f"{{ me {{ {_ME} }} }}",
    "createOrg": _mutation("createOrg", f"org {{ {_ORG} }}"),
    "updateOrg": _mutation("updateOrg", f"org {{ {_ORG} }}"),
    "org": f"query($slug: String!) {{ org(slug: $slug) {{ {_ORG} }} }}",
    "orgs": f"query($limit: Int, $cursor: String) {{ orgs(first: $limit, after: $cursor) {{ nodes {{ {_ORG} }} {_PAGE} }} }}",
    "deleteOrg": _mutation("deleteOrg", "org { id }"),
    "createProject": _mutation("createProject", f"project {{ {_PROJECT} }}"),
    "updateProject": _mutation("updateProject", f"project {{ {_PROJECT} }}"),
    "deleteProject": _mutation("deleteProject", "project { id }"),
    "project": f"query($projectId: ID!) {{ project(id: $projectId) {{ {_PROJECT} }} }}",
    "projects": (
        "query($orgSlug: String!, $limit: Int, $cursor: String, $key: String) "
        "{ projects(orgSlug: $orgSlug, first: $limit, after: $cursor, key: $key) "
        f"{{ nodes {{ {_PROJECT} }} {_PAGE} }} }}"
    ),
    "createApiKey": _mutation("createApiKey", f"token apiKey {{ {_API_KEY} }}"),
    "renewApiKey": _mutation("renewApiKey", f"apiKey {{ {_API_KEY} }}"),
    "revokeApiKey": _mutation("revokeApiKey", "apiKey { id }"),
    "apiKey": (
        f"query($orgSlug: String!, $apiKeyId: ID!) {{ apiKey(orgSlug: $orgSlug, id: $apiKeyId) {{ {_API_KEY} }} }}"
    ),
    "apiKeys": (
        "query($orgSlug: String!, $limit: Int, $cursor: String) "
        f"{{ apiKeys(orgSlug: $orgSlug, first: $limit, after: $cursor) {{ nodes {{ {_API_KEY} }} {_PAGE} }} }}"
    ),
    "createEnvironment": _mutation("createEnvironment", f"environment {{ {_ENVIRONMENT} }}"),
    "updateEnvironment": _mutation("updateEnvironment", f"environment {{ {_ENVIRONMENT} }}"),
    "deleteEnvironment": _mutation("deleteEnvironment", "environment { id }"),
    "environment": f"query($environmentId: ID!) {{ environment(id: $environmentId) {{ {_ENVIRONMENT} }} }}",
    "environments": (
        "query($projectId: ID!, $limit: Int, $cursor: String, $key: String) { project(id: $projectId) "
        f"{{ environments(first: $limit, after: $cursor, key: $key) {{ nodes {{ {_ENVIRONMENT} }} {_PAGE} }} }} }}"
    ),
    "createFlag": _mutation("createFlag", f"flag {{ {_FLAG} }}"),
    "updateFlag": _mutation("updateFlag", f"flag {{ {_FLAG} }}"),
    "deleteFlag": _mutation("deleteFlag", "flag { id }"),
    "flag": f"query($projectId: ID!, $key: String!) {{ flag(projectId: $projectId, key: $key) {{ {_FLAG} }} }}",
    "flags": (
        "query($projectId: ID!, $limit: Int, $cursor: String, $key: String, $search: String, $type: FlagType) "
        "{ project(id: $projectId) { flags(first: $limit, after: $cursor, key: $key, search: $search, type: $type) "
        f"{{ nodes {{ {_FLAG} }} {_PAGE} }} }} }}"
    ),
    "flagState": (
        "query($environmentId: ID!, $key: String!) "
        f"{{ flagState(environmentId: $environmentId, key: $key) {{ {_STATE} }} }}"
    ),
    "flagStates": (
        "query($environmentId: ID!, $limit: Int, $cursor: String, $key: String, $search: String, $type: FlagType) "
        "{ environment(id: $environmentId) "
        "{ flagStates(first: $limit, after: $cursor, key: $key, search: $search, type: $type) "
        f"{{ nodes {{ {_STATE} }} {_PAGE} }} }} }}"
    ),
    "updateFlagState": _mutation("updateFlagState", f"flagState {{ {_STATE} }}"),
    "replaceFlagState": _mutation("replaceFlagState", f"flagState {{ {_STATE} }}"),
    "killFlag": _mutation("killFlag", f"flagState {{ {_STATE} }}"),
    "restoreFlag": _mutation("restoreFlag", f"flagState {{ {_STATE} }}"),
    "ruleset": (
        "query($environmentId: ID!) { ruleset(environmentId: $environmentId) "
        "{ environmentId version targetIdField flags configs segments } }"
    ),
    "evaluate": (
        "query($input: EvaluateInput!) { evaluate(input: $input) { environmentId version "
        "evaluations { key evaluation { value defaultValue "
        "reason { kind ruleIndex ruleName variant trace truncated } } } } }"
    ),
    "errorCatalog": "{ errorCatalog { code title status meaning causes action examples { rest graphql } } }",
}

ENDPOINTS = {graphql_name(endpoint): endpoint for endpoint in TABLE if graphql_name(endpoint) not in REST_ONLY}
