"""What GraphQLApi sends for each operation: everything that REST would answer with is selected."""

_ACTOR = "kind id name onBehalfOf { kind id name }"
_ORG = "id slug name defaultTargetIdField maxRateLimitPerMin createdAt updatedAt etag"
_PROJECT = "id org { id } key name targetIdField createdAt updatedAt etag"
_ENVIRONMENT = "id project { id } key name color position protected requiredApprovals version createdAt updatedAt etag"
_SPOT_CHECKS = f"contexts updatedAt updatedBy {{ {_ACTOR} }} etag"
_TRAFFIC_SAMPLE = f"size fields count oldestAt contexts updatedAt updatedBy {{ {_ACTOR} }} etag"
_DIFFERENCE = "resourceType key dimension value againstValue"
_FLAG = (
    "id project { id } key type name description tags maintainer { userId name } permanent initialValue "
    "createdAt updatedAt etag"
)
_STATE = (
    "id flag { id key type name description } environment { id } defaultValue killed version updatedAt "
    "summary { kind rules percent text } openProposals "
    "rules { if value split { value percent name } rolloutPercent seed bucketBy name description disabled } "
    f"updatedBy {{ {_ACTOR} }} etag"
)
_CONFIG, _CONFIG_STATE = f"{_FLAG} jsonSchema", _STATE.replace("flag {", "config {").replace("killed ", "")
_SEGMENT = _FLAG.replace("type ", "").replace("initialValue ", "")
_SEGMENT_STATE = (
    _CONFIG_STATE.replace("config {", "segment {")
    .replace("type ", "")
    .replace("defaultValue", "allowListSize denyListSize")
)
_API_KEY = (
    "id name level actions environments { org projects envs } resources rateLimitPerMin approvalRequired ipAllowlist "
    "expiresAt lastUsedAt firstEvaluatedAt lastRefusal { code at requestId } hint mintedBy { kind id name } "
    "createdAt updatedAt etag"
)
_ME = f"actor {{ {_ACTOR} }} email orgs {{ org {{ {_ORG} }} role }} notify {{ proposed reviewed applied cancelled }}"
_SESSION = "id current browser address createdAt lastSeenAt expiresAt"
_MEMBER = "id userId email displayName role createdAt updatedAt etag"
_INVITATION = "id email role status invitedBy { kind id name } createdAt expiresAt"
_PROPOSAL = (
    "id project { id } environment { id } kind resourceType resourceId resourceKey fromEnvId diff status "
    f"proposedVersion proposedVersions {{ envId version }} reason actor {{ {_ACTOR} }} requiredApprovals "
    f"approvers {{ {_ACTOR} }} blastRadius createdAt expiresAt endedAt endedBy {{ {_ACTOR} }} appliedVersion etag"
)
_REVIEW = f"id proposalId reviewer {{ {_ACTOR} }} verdict comment createdAt"
_EVENT = (
    f"id at requestId actor {{ {_ACTOR} }} approvers {{ {_ACTOR} }} action resourceType resourceId resourceKey "
    "projectId proposalId versions { envId version } reason breakGlass"
)
_CHANGE = (
    f"at version actor {{ {_ACTOR} }} action requestId reason changes {{ dimension from to }} "
    "causedBy { resourceType key }"
)
_PAGE = "pageInfo { hasNextPage endCursor }"


_INSTEAD = f"proposal {{ {_PROPOSAL} }}"


def _mutation(name: str, selection: str) -> str:
    return f"mutation($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {selection} }} }}"


_OF_IDENTITIES = {
    "key": "String",
    "prefix": "String",
    "search": "String",
    "tag": "[String!]",
    "maintainerId": "ID",
    "sort": "Sorting",
}
_OF_STATES = {**_OF_IDENTITIES, "state": "Standing", "updatedBy": "String", "hasOpenProposal": "Boolean"}
_OF_STATES |= {"stale": "Boolean", "staleDays": "Int"}


def _listing(parent: str, name: str, selection: str, arguments: dict[str, str]) -> str:
    """A list of identities or states below its parent."""
    declared = "".join(f", ${argument}: {of_type}" for argument, of_type in arguments.items())
    given = "".join(f", {argument}: ${argument}" for argument in arguments)
    return (
        f"query(${parent}Id: ID!, $limit: Int, $cursor: String{declared}) {{ {parent}(id: ${parent}Id) "
        f"{{ {name}(first: $limit, after: $cursor{given}) {{ nodes {{ {selection} }} {_PAGE} }} }} }}"
    )


def _of_kind(noun: str, identity: str, state: str, of_single: str = "") -> dict[str, str]:
    """What flags, configs and segments have in common."""
    name = noun.capitalize()
    typed = {} if noun == "segment" else {"type": f"{name}Type"}
    return {
        f"create{name}": _mutation(f"create{name}", f"{noun} {{ {identity} }}"),
        f"update{name}": _mutation(f"update{name}", f"{noun} {{ {identity} }}"),
        f"delete{name}": _mutation(f"delete{name}", f"{noun} {{ id }} {_INSTEAD}"),
        noun: f"query($projectId: ID!, $key: String!) {{ {noun}(projectId: $projectId, key: $key) {{ {identity} }} }}",
        f"{noun}s": _listing("project", f"{noun}s", identity, {**_OF_IDENTITIES, **typed}),
        f"{noun}State": (
            "query($environmentId: ID!, $key: String!, $version: Int) "
            f"{{ {noun}State(environmentId: $environmentId, key: $key, version: $version) {{ {state} {of_single} }} }}"
        ),
        f"{noun}States": _listing("environment", f"{noun}States", state, {**_OF_STATES, **typed}),
        f"{noun}References": (
            "query($projectId: ID!, $key: String!, $limit: Int, $cursor: String) "
            f"{{ {noun}References(projectId: $projectId, key: $key, first: $limit, after: $cursor) "
            f"{{ nodes {{ primitive {{ __typename key }} environment {{ id key }} paths }} {_PAGE} }} }}"
        ),
        f"{noun}History": (
            "query($environmentId: ID!, $key: String!, $limit: Int, $cursor: String) "
            f"{{ {noun}State(environmentId: $environmentId, key: $key) {{ {noun} {{ "
            f"history(environmentId: $environmentId, first: $limit, after: $cursor) {{ nodes {{ {_CHANGE} }} {_PAGE} }}"
            " } } }"
        ),
        f"update{name}State": _mutation(f"update{name}State", f"{noun}State {{ {state} }} {_INSTEAD}"),
        f"replace{name}State": _mutation(f"replace{name}State", f"{noun}State {{ {state} }} {_INSTEAD}"),
        f"promote{name}": _mutation(f"promote{name}", f"{noun}State {{ {state} }} {_INSTEAD}"),
    }


DOCUMENTS = {
    "installClaim": _mutation("installClaim", f"me {{ {_ME} }} org {{ {_ORG} }}"),
    "redeemLink": _mutation("redeemLink", f"me {{ {_ME} }}"),
    "requestMagicLink": _mutation("requestMagicLink", "sent"),
    "signUp": _mutation("signUp", "sent"),
    "updateMe": _mutation("updateMe", f"me {{ {_ME} }}"),
    "deleteMe": _mutation("deleteMe", "email"),
    "sessions": (
        f"query($limit: Int, $cursor: String) {{ sessions(first: $limit, after: $cursor) "
        f"{{ nodes {{ {_SESSION} }} {_PAGE} }} }}"
    ),
    "deleteOtherSessions": "mutation { deleteOtherSessions { session { id } } }",
    "deleteSession": _mutation("deleteSession", "session { id }"),
    "members": (
        "query($orgSlug: String!, $limit: Int, $cursor: String) "
        f"{{ members(orgSlug: $orgSlug, first: $limit, after: $cursor) {{ nodes {{ {_MEMBER} }} {_PAGE} }} }}"
    ),
    "member": (
        f"query($orgSlug: String!, $userId: ID!) {{ member(orgSlug: $orgSlug, userId: $userId) {{ {_MEMBER} }} }}"
    ),
    "updateMember": _mutation("updateMember", f"member {{ {_MEMBER} }}"),
    "removeMember": _mutation(
        "removeMember",
        f"member {{ {_MEMBER} }} tokens {{ tokenId name }} tokensRevoked invitations {{ invitationId email role }}",
    ),
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
    "orgs": (
        "query($limit: Int, $cursor: String) "
        f"{{ orgs(first: $limit, after: $cursor) {{ nodes {{ {_ORG} }} {_PAGE} }} }}"
    ),
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
    "usage": _listing(
        "environment",
        "usage",
        "environmentId primitiveId kind key total firstEvaluatedAt lastEvaluatedAt "
        "outcomes { reason value valueOmitted count share lastEvaluatedAt } series { startsAt count } "
        "stale { stale reason since days advice }",
        {
            "key": "String",
            "stale": "Boolean",
            "staleDays": "Int",
            "granularity": "Period",
            "since": "String",
            "until": "String",
        },
    ),
    "spotChecks": f"query($environmentId: ID!) {{ spotChecks(environmentId: $environmentId) {{ {_SPOT_CHECKS} }} }}",
    "setSpotChecks": _mutation("setSpotChecks", f"spotChecks {{ {_SPOT_CHECKS} }}"),
    "createStreamTicket": (
        "mutation($input: CreateStreamTicketInput!) { createStreamTicket(input: $input) { ticket expiresAt } }"
    ),
    "trafficSample": (
        f"query($environmentId: ID!) {{ trafficSample(environmentId: $environmentId) {{ {_TRAFFIC_SAMPLE} }} }}"
    ),
    "attributes": (
        "query($environmentId: ID!) { attributes(environmentId: $environmentId) "
        "{ version attributes { name types values used sampled } truncated } }"
    ),
    "setTrafficSample": _mutation("setTrafficSample", f"trafficSample {{ {_TRAFFIC_SAMPLE} }}"),
    "deleteTrafficSample": _mutation("deleteTrafficSample", "trafficSample { etag }"),
    "environmentDiff": (
        "query($environmentId: ID!, $against: ID!) { environmentDiff(environmentId: $environmentId, against: $against) "
        f"{{ version againstVersion differences {{ {_DIFFERENCE} }} }} }}"
    ),
    **_of_kind("flag", _FLAG, _STATE),
    **_of_kind("config", _CONFIG, _CONFIG_STATE),
    **_of_kind("segment", _SEGMENT, _SEGMENT_STATE, "allowList(first: 1000) { nodes } denyList(first: 1000) { nodes }"),
    "promote": _mutation(
        "promote",
        f"version flagStates {{ {_STATE} }} configStates {{ {_CONFIG_STATE} }} segmentStates {{ {_SEGMENT_STATE} }} "
        f"differences {{ {_DIFFERENCE} }} needs {{ flags configs segments }} etag {_INSTEAD}",
    ),
    "killFlag": _mutation("killFlag", f"flagState {{ {_STATE} }} {_INSTEAD}"),
    "restoreFlag": _mutation("restoreFlag", f"flagState {{ {_STATE} }} {_INSTEAD}"),
    **{
        name: (
            "query($environmentId: ID!, $key: String!, $limit: Int, $cursor: String, $search: String) "
            f"{{ segmentState(environmentId: $environmentId, key: $key) "
            f"{{ {name}(first: $limit, after: $cursor, search: $search) {{ nodes {_PAGE} }} }} }}"
        )
        for name in ("allowList", "denyList")
    },
    "updateAllowList": _mutation("updateAllowList", f"segmentState {{ {_SEGMENT_STATE} }} {_INSTEAD}"),
    "updateDenyList": _mutation("updateDenyList", f"segmentState {{ {_SEGMENT_STATE} }} {_INSTEAD}"),
    "createProposal": _mutation("createProposal", _INSTEAD),
    "applyProposal": _mutation("applyProposal", _INSTEAD),
    "cancelProposal": _mutation("cancelProposal", _INSTEAD),
    "reviewProposal": _mutation("reviewProposal", f"review {{ {_REVIEW} }}"),
    "proposal": f"query($proposalId: ID!) {{ proposal(id: $proposalId) {{ {_PROPOSAL} }} }}",
    "proposals": (
        "query($limit: Int, $cursor: String, $status: [ProposalStatus!]) "
        f"{{ proposals(first: $limit, after: $cursor, status: $status) {{ nodes {{ {_PROPOSAL} }} {_PAGE} }} }}"
    ),
    **{
        f"{parent}Proposals": _listing(parent, "proposals", _PROPOSAL, {"status": "[ProposalStatus!]"})
        for parent in ("project", "environment")
    },
    "reviews": (
        "query($proposalId: ID!, $limit: Int, $cursor: String) { proposal(id: $proposalId) "
        f"{{ reviews(first: $limit, after: $cursor) {{ nodes {{ {_REVIEW} }} {_PAGE} }} }} }}"
    ),
    "auditEvent": (
        f"query($eventId: ID!) {{ auditEvent(id: $eventId) {{ event {{ {_EVENT} }} previousValue newValue diff }} }}"
    ),
    "auditEvents": (
        "query($slug: String!, $limit: Int, $cursor: String, $resourceType: String, $resourceKey: String, $envId: ID, "
        "$actorId: String, $action: String, $since: String, $until: String) { auditEvents(orgSlug: $slug, "
        "first: $limit, after: $cursor, resourceType: $resourceType, resourceKey: $resourceKey, envId: $envId, "
        "actorId: $actorId, action: $action, "
        f"since: $since, until: $until) {{ nodes {{ {_EVENT} }} {_PAGE} }} }}"
    ),
    "ruleset": (
        "query($environmentId: ID!, $since: Int, $minVersion: Int) "
        "{ ruleset(environmentId: $environmentId, since: $since, minVersion: $minVersion) "
        "{ environmentId version targetIdField since removed { flags configs segments } flags configs segments } }"
    ),
    "evaluate": (
        "query($input: EvaluateInput!) { evaluate(input: $input) { environmentId version "
        "evaluations { key evaluation { value defaultValue "
        "reason { kind ruleIndex ruleName variant trace truncated } } } } }"
    ),
    "preview": (
        "query($input: PreviewInput!) { preview(input: $input) "
        "{ version results { context evaluations } flips truncated sampled { contexts flips share } } }"
    ),
    "history": (
        "query($input: HistoryInput!) { history(input: $input) { truncated primitives { key type "
        "entries { asOf version value reason { kind ruleIndex ruleName variant } } } } }"
    ),
    "errorCatalog": "{ errorCatalog { code title status meaning causes action examples { rest graphql } } }",
}
