"""GraphQL's answers in the shape of REST's, so that one test reads both."""

from collections.abc import Callable
from typing import Any


def shaped(operation: str, found: Any) -> Any:
    """The data of a root field as REST's body would have been."""
    if isinstance(found, dict) and found.get("proposal") is not None and operation != "reviews":
        return _proposal(found["proposal"])
    if (special := _SPECIAL.get(operation)) is not None:
        return special(found)
    inner = innermost(found)
    if inner is not None and "nodes" in inner:
        return [_resource(node) for node in inner["nodes"]]
    return inner if inner is None else _resource(inner)


def innermost(found: Any) -> Any:
    """The resource or connection inside of payloads and parents that hold nothing else; a proposal made instead."""
    while isinstance(found, dict) and "id" not in found and "nodes" not in found:
        inside = [one for name, one in found.items() if one is not None or name != "proposal"]
        if len(inside) == 2 and inside[0] is None:
            inside = inside[1:]
        if len(inside) != 1:
            break
        found = inside[0]
    return found


def _resource(node: dict[str, Any]) -> dict[str, Any]:
    shaped = {name: value for name, value in node.items() if name != "etag"}
    for kind in {"flag", "config", "segment"} & shaped.keys():
        identity = shaped.pop(kind)
        shaped |= {"primitiveId": identity.pop("id"), **identity, "environmentId": _id_of(shaped.pop("environment"))}
        shaped |= {name: shaped[name]["nodes"] for name in {"allowList", "denyList"} & shaped.keys()}
        shaped["summary"] = {**shaped["summary"], "kind": shaped["summary"]["kind"].lower()}
    if "type" in shaped:
        shaped["type"] = shaped["type"].lower()
    for name in ("role", "status", "color"):
        if name in shaped:
            shaped[name] = shaped[name].lower()
    _name_people(shaped)
    if shaped.get("jsonSchema", ...) is None:  # which REST leaves out
        del shaped["jsonSchema"]
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


def _name_people(shaped: dict[str, Any]) -> None:
    if shaped.get("updatedBy") is not None:
        shaped["updatedBy"] = _actor(shaped["updatedBy"])
    if "invitedBy" in shaped:
        shaped["invitedBy"] = _actor(shaped["invitedBy"])
    if (maintainer := shaped.get("maintainer")) is not None:
        shaped["maintainer"] = {"id": maintainer["userId"], "name": maintainer["name"]}


def _proposal(found: dict[str, Any]) -> dict[str, Any]:
    shaped = {name: value for name, value in found.items() if name != "etag"}
    shaped |= {"projectId": _id_of(shaped.pop("project")), "envId": _id_of(shaped.pop("environment"))}
    shaped |= {name: shaped[name] and shaped[name].lower() for name in ("kind", "resourceType", "status")}
    shaped |= {"actor": _actor(shaped["actor"]), "approvers": [_actor(one) for one in shaped["approvers"]]}
    return {**shaped, "endedBy": shaped["endedBy"] and _actor(shaped["endedBy"])}


def _event(found: dict[str, Any]) -> dict[str, Any]:
    """REST leaves out what an event does not have."""
    shaped = {name: value for name, value in found.items() if value is not None and value is not False}
    return {**shaped, "actor": _actor(found["actor"]), "approvers": [_actor(one) for one in found["approvers"]]}


def _proposals(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [_proposal(one) for one in innermost(found)["nodes"]]


def _review(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "reviewer": _actor(found["reviewer"]), "verdict": found["verdict"].lower()}


def _usage(found: dict[str, Any]) -> dict[str, Any]:
    stale = found["stale"]
    stale = {**stale, "reason": stale["reason"] and stale["reason"].lower()}
    return {**found, "kind": found["kind"].lower(), "stale": stale}


def _nodes(found: dict[str, Any]) -> list[Any]:
    return list(next(iter(found.values()))["nodes"])


def _referrers(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "resourceType": one["primitive"]["__typename"].lower(),
            "resourceKey": one["primitive"]["key"],
            "environmentId": one["environment"]["id"],
            "environmentKey": one["environment"]["key"],
            "paths": one["paths"],
        }
        for one in found["nodes"]
    ]


def _diff(found: dict[str, Any]) -> dict[str, Any]:
    differences = [{**one, "resourceType": one["resourceType"].lower()} for one in found["differences"]]
    return {**found, "differences": differences}


def _promotion(found: dict[str, Any]) -> dict[str, Any]:
    if found["flagStates"] is None:
        return {"version": found["version"], "needs": found["needs"], "differences": _diff(found)["differences"]}
    states = {f"{kind}s": [_resource(one) for one in found[f"{kind}States"]] for kind in ("flag", "config", "segment")}
    return {"version": found["version"], **states}


def _changes(found: dict[str, Any]) -> list[dict[str, Any]]:
    nodes = innermost(found)["nodes"]
    for one in nodes:
        one["actor"] = _actor(one["actor"])
        one["changes"] = {of["dimension"]: {"from": of["from"], "to": of["to"]} for of in one["changes"]}
        if (cause := one.pop("causedBy")) is not None:
            one["causedBy"] = {**cause, "resourceType": cause["resourceType"].lower()}
    return list(nodes)


def _preview(found: dict[str, Any]) -> dict[str, Any]:
    """REST leaves out what was not asked for."""
    return {name: value for name, value in found.items() if value is not None}


def _without_nulls(rule: dict[str, Any]) -> dict[str, Any]:
    """REST leaves out what a rule does not have."""
    given = {name: value for name, value in rule.items() if value is not None}
    if "split" in given:
        given["split"] = [_without_nulls(share) for share in given["split"]]
    return given


def _removed(found: dict[str, Any]) -> dict[str, Any]:
    tokens = [{"id": token["tokenId"], "name": token["name"]} for token in found["tokens"]]
    invitations = [
        {"id": one["invitationId"], "email": one["email"], "role": one["role"].lower()} for one in found["invitations"]
    ]
    return {**found, "member": _resource(found["member"]), "tokens": tokens, "invitations": invitations}


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


def _my_new_self(found: dict[str, Any]) -> dict[str, Any]:
    return _me(found["me"])


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


def _history(found: dict[str, Any]) -> dict[str, Any]:
    by_key = {}
    for one in found["primitives"]:
        for entry in one["entries"]:
            if (reason := entry["reason"]) is not None:
                entry["reason"] = _without_nulls({**reason, "kind": reason["kind"].lower()})
        by_key[one["key"]] = {"type": one["type"] and one["type"].lower(), "entries": one["entries"]}
    return {"primitives": by_key, "truncated": found["truncated"]}


def _nothing(_: Any) -> None:
    """REST answers 204."""


def _same(found: Any) -> Any:
    return found


def _invited(found: dict[str, Any]) -> dict[str, Any]:
    return {**_resource(found["invitation"]), "acceptUrl": found["acceptUrl"]}


def _minted(found: dict[str, Any]) -> dict[str, Any]:
    return {**_resource(found["apiKey"]), "token": found["token"]}


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "logout": _nothing,
    "deleteOrg": _nothing,
    "deleteProject": _nothing,
    "deleteEnvironment": _nothing,
    "deleteFlag": _nothing,
    "deleteTrafficSample": _nothing,
    "deleteConfig": _nothing,
    "deleteSegment": _nothing,
    "deleteOtherSessions": _nothing,
    "deleteSession": _nothing,
    "deleteMe": _nothing,
    "revokeInvitation": _nothing,
    "revokeApiKey": _nothing,
    "auditEvent": lambda found: found and {**_event(found.pop("event")), **found},
    "auditEvents": lambda found: [_event(one) for one in found["nodes"]],
    "proposal": lambda found: found and _proposal(found),
    "proposals": _proposals,
    "projectProposals": _proposals,
    "environmentProposals": _proposals,
    "reviews": lambda found: [_review(one) for one in innermost(found)["nodes"]],
    "reviewProposal": lambda found: _review(found["review"]),
    "allowList": _nodes,
    "usage": lambda found: [_usage(one) for one in innermost(found)["nodes"]],
    "denyList": _nodes,
    "flagReferences": _referrers,
    "configReferences": _referrers,
    "segmentReferences": _referrers,
    **{f"{kind}History": _changes for kind in ("flag", "config", "segment")},
    "environmentDiff": _diff,
    "promote": _promotion,
    "ruleset": _without_nulls,
    "errorCatalog": _same,
    "requestMagicLink": _same,
    "signUp": _same,
    "evaluate": _evaluations,
    "preview": _preview,
    "history": _history,
    "removeMember": _removed,
    "invitation": _resource,
    "createInvitation": _invited,
    "createApiKey": _minted,
    "me": _me_or_claim,
    "installClaim": _me_or_claim,
    "redeemLink": _me_or_claim,
    "updateMe": _my_new_self,
    "acceptInvitation": _me_or_claim,
}
