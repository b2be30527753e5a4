"""The OpenAPI document is valid, complete, and served; what the tests' callers are answered is held to it."""

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.applications import Starlette

from app.domain.catalogue import CATALOGUE
from app.domain.commands import validate
from app.domain.ids import is_id
from app.engine.json_text import encode
from app.engine.kinds import SPECS, Kind
from app.engine.ruleset import Ruleset, StoredState
from app.rest.app import TABLE
from app.rest.openapi import descriptions
from app.rest.openapi.document import document
from app.rest.openapi.examples import Examples
from app.rest.routing import Endpoint
from tests import conformance
from tests.conftest import client_of

DOCUMENT = document(TABLE)
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
every_endpoint = pytest.mark.parametrize("endpoint", TABLE, ids=[endpoint.name for endpoint in TABLE])
HTTP_ONLY = {"method_not_allowed"}  # reported where there is no operation


def parameter_names(operation: dict[str, Any]) -> list[str]:
    known = DOCUMENT["components"]["parameters"]
    return [
        known[one["$ref"].rpartition("/")[2]]["name"] if "$ref" in one else one["name"]
        for one in operation["parameters"]
    ]


def content(name: str, status: str | None) -> dict[str, Any] | None:
    """That of the operation's answer, or without a status of its request; None where there is no body."""
    operation = OPERATIONS[name][2]
    part = operation.get("requestBody", {}) if status is None else operation["responses"][status]
    found: dict[str, Any] | None = part.get("content", {}).get("application/json")
    return found


def example(name: str, status: str | None) -> Any:
    found = content(name, status)
    assert found is not None
    return found["example"]


def texts(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict | list):
        for one in found.values() if isinstance(found, dict) else found:
            yield from texts(one)


def answer(status: int, body: dict[str, Any], **headers: str) -> httpx2.Response:
    """To a read of a project."""
    cached = {"ETag": '"1"', "Vary": "Cookie", "Cache-Control": "private, no-cache"}
    sent = cached if status == 200 else {"Cache-Control": "no-store"}
    return httpx2.Response(
        status,
        json=body,
        headers={"X-Request-Id": "req_0123456789abcdef", **sent, **headers},
        request=httpx2.Request("GET", "http://signalbox.test/api/v1/projects/p"),
    )


def test_it_is_a_valid_document() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_member_operation_and_tag_is_described() -> None:
    members = {
        (name, member): of.get("description")
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for member, of in schema.get("properties", {}).items()
    }
    assert [where for where, text in members.items() if not text] == []
    assert set(descriptions.OPERATIONS) == set(OPERATIONS)
    assert set(descriptions.TAGS) == {tag["name"] for tag in DOCUMENT["tags"]}


def test_no_text_describes_what_is_not_there() -> None:
    shown = {
        (name, member): of["description"]
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for member, of in schema.get("properties", {}).items()
    }
    of_schema = {(name, member): text for name, of in descriptions.OF_SCHEMA.items() for member, text in of.items()}
    assert {where for where, text in of_schema.items() if shown.get(where) != text} == set()
    used = {member for (_, member), text in shown.items() if descriptions.MEMBERS.get(member) == text}
    assert set(descriptions.MEMBERS) - used == set()


async def test_it_is_served_to_anybody(client: httpx2.AsyncClient) -> None:
    response = await client.get("/api/v1/openapi.json")
    assert (response.status_code, response.json()) == (200, DOCUMENT)
    again = await client.get("/api/v1/openapi.json", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


def test_each_operation_has_an_id_of_its_own() -> None:
    assert len(OPERATIONS) == len(TABLE) == sum(len(methods) for methods in DOCUMENT["paths"].values())


@every_endpoint
def test_an_operation_says_all_there_is_to_say(endpoint: Endpoint) -> None:
    path, _, operation = OPERATIONS[endpoint.name]
    assert operation["summary"]
    assert operation["tags"]
    in_path = {parameter["name"] for parameter in operation["parameters"] if parameter.get("in") == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", path))
    assert bool(operation["security"]) is not endpoint.public
    assert ("requestBody" in operation) == bool(endpoint.body and endpoint.body.model_fields)
    assert str(endpoint.status) in operation["responses"]
    has_tag = endpoint.method == "GET" and not endpoint.is_stream
    assert (has_tag or endpoint.name == "evaluateFlags") == ("304" in operation["responses"])


@every_endpoint
def test_each_refusal_has_its_codes_with_an_example_of_each(endpoint: Endpoint) -> None:
    path, method, operation = OPERATIONS[endpoint.name]
    for status, response in operation["responses"].items():
        assert "X-Request-Id" in response["headers"]
        if int(status) < 400:
            continue
        content = response["content"]["application/json"]
        codes = content["schema"]["allOf"][1]["properties"]["code"]["enum"]
        assert {CATALOGUE[code].status for code in codes} == {int(status)}
        assert list(content["examples"]) == codes
        for code in codes:
            shown = content["examples"][code]
            example = (DOCUMENT["components"]["examples"][code] if "$ref" in shown else shown)["value"]
            assert example["code"] == code
            assert conformance.schema_of(method, path, status).is_valid(example)


@every_endpoint
def test_each_body_has_an_example_that_its_schema_takes(endpoint: Endpoint) -> None:
    path, method, operation = OPERATIONS[endpoint.name]
    successes = [status for status in operation["responses"] if status < "300"]
    for status in (None, *successes):
        if (found := content(endpoint.name, status)) is None:
            continue
        faults = list(conformance.schema_of(method, path, status).iter_errors(found["example"]))
        assert not faults, f"{status}: {faults[0].json_path} {faults[0].message}"
        for text in texts(found["example"]):
            assert not re.match(r"\d{4}-", text) or re.fullmatch(r"2026-\d\d-\d\dT\d\d:00:00\.000000Z", text), text
            assert not is_id(text) or UUID(text).version == 7, text


@every_endpoint
def test_the_example_of_a_body_is_one_that_the_command_takes(endpoint: Endpoint) -> None:
    if endpoint.body is not None and (found := content(endpoint.name, None)) is not None:
        faults: dict[str, str] = {}
        noun = next((kind for kind in Kind if kind.capitalize() in endpoint.name), Kind.FLAG)
        SPECS[noun].check(found["example"], {Kind.FLAG: "boolean", Kind.CONFIG: "json"}.get(noun), faults, [])
        made = validate(endpoint.body, found["example"], faults)
        assert made.model_fields_set, "an example says something"


def test_the_examples_of_an_evaluation_belong_together() -> None:
    """The environment of one example, asked what another one asks, answers what a third one says."""
    served, asked, answered = example("getRuleset", "200"), example("evaluate", None), example("evaluate", "200")
    stored = [
        StoredState(Kind.FLAG, key, flag["type"], encode(flag["defaultValue"]), encode(flag["rules"]), flag["killed"])
        for key, flag in served["flags"].items()
    ]
    ruleset = Ruleset.of(served["environmentId"], served["version"], served["targetIdField"], stored)
    call = ruleset.compiled.call(asked["context"])
    assert json.loads(ruleset.encode()) == served
    assert answered == {
        "environmentId": ruleset.environment_id,
        "version": ruleset.version,
        "evaluations": {
            key: {"value": found.value, "defaultValue": found.default_value, "reason": found.reason}
            for key in asked["keys"]
            if (found := call.evaluate(key)) is not None
        },
    }


def test_a_property_without_a_value_is_noticed() -> None:
    members = {"key": {"type": "string"}, "colour": {"type": "string"}}
    components = {"Flag": {"properties": members, "required": list(members)}}
    with pytest.raises(LookupError, match="colour of Flag"):
        Examples(components, {"Flag": {"key": "checkout"}}).answer({"$ref": "#/components/schemas/Flag"}, "getFlag")


def test_headers_of_an_answer_stand_where_they_are_sent() -> None:
    for name, status, headers in (
        ("createFlag", "201", {"ETag", "Location"}),
        ("createApiKey", "201", {"ETag", "Location"}),
        ("createInvitation", "201", {"Location"}),
        ("updateFlagState", "200", {"ETag"}),
        ("removeMember", "200", set()),
        ("evaluate", "200", set()),
        ("getFlag", "200", {"ETag", "Vary"}),
        ("listFlags", "200", {"ETag", "Vary", "Link"}),
    ):
        found = OPERATIONS[name][2]["responses"][status]["headers"].keys()
        everywhere = {"X-Request-Id", "Set-Cookie", "Cache-Control"}
        assert {one for one in found if not one.startswith("X-RateLimit-")} == headers | everywhere, name


def test_a_cookie_is_told_by_whoever_sets_it() -> None:
    reported = {
        (name, status): response["headers"]["Set-Cookie"]["$ref"].rpartition("/")[2]
        for name, (_, _, operation) in OPERATIONS.items()
        for status, response in operation["responses"].items()
    }
    assert {one for one, cookie in reported.items() if cookie == "SignedIn"} == {
        ("installClaim", "201"),
        ("redeemLink", "200"),
    }
    signed_out = {one for one, cookie in reported.items() if cookie == "SignedOut"}
    assert signed_out == {("deleteMe", "204"), ("logout", "204"), ("deleteSession", "204")}
    assert {cookie for (_, status), cookie in reported.items() if status == "401"} == {"Stale"}


def test_the_bearer_comes_before_the_session() -> None:
    assert list(DOCUMENT["components"]["securitySchemes"]) == ["bearer", "session", "apiKey"]
    assert OPERATIONS["createFlag"][2]["security"] == [{"bearer": []}, {"session": []}, {"apiKey": []}]
    assert OPERATIONS["createOrg"][2]["security"] == [{"session": []}]
    assert OPERATIONS["listErrors"][2]["security"] == []


def test_headers_stand_where_they_apply() -> None:
    for name, headers in {
        "updateFlagState": {"If-Match", "X-Break-Glass"},
        "killFlag": {"If-Match", "X-Break-Glass"},
        "applyProposal": {"If-Match"},
        "deleteFlag": {"If-Match", "X-Reason", "X-Break-Glass"},
        "deleteProject": {"If-Match", "X-Reason", "X-Break-Glass"},
        "createFlag": set(),
        "evaluate": {"X-Signalbox-Min-Version"},
        "evaluateFlag": {"X-Signalbox-Env", "X-Signalbox-Min-Version"},
        "evaluateFlags": {"X-Signalbox-Env", "X-Signalbox-Min-Version", "If-None-Match"},
        "getFlag": {"If-None-Match"},
        "listFlags": {"If-None-Match"},
    }.items():
        found = {one for one in parameter_names(OPERATIONS[name][2]) if "-" in one}
        assert found == headers, name


def test_lists_and_deletes_name_their_parameters() -> None:
    assert parameter_names(OPERATIONS["listFlags"][2])[1:6] == ["limit", "cursor", "key", "prefix", "search"]
    assert parameter_names(OPERATIONS["listProjects"][2])[1:4] == ["limit", "cursor", "key"]
    assert "confirm" in parameter_names(OPERATIONS["deleteProject"][2])
    paged = {name for name, (_, _, one) in OPERATIONS.items() if "cursor" in parameter_names(one)}
    many = {endpoint.name for endpoint in TABLE if endpoint.is_list} - {"listErrors"}
    assert len(paged) == len(many)


def test_bodies_are_the_commands() -> None:
    schema = OPERATIONS["createFlag"][2]["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/CreateFlag"}
    created = DOCUMENT["components"]["schemas"]["CreateFlag"]
    assert created["required"] == ["key", "type", "defaultValue"]
    assert created["additionalProperties"] is False
    for changes in ("UpdateFlag", "UpdateMe", "UpdateNotify"):
        for member in DOCUMENT["components"]["schemas"][changes]["properties"].values():
            assert "default" not in member


def test_every_code_that_rest_can_tell_is_told_somewhere() -> None:
    reported = {
        code
        for _, _, operation in OPERATIONS.values()
        for response in operation["responses"].values()
        for code in response.get("content", {}).get("application/json", {}).get("examples", {})
    }
    raised = {code for endpoint in TABLE for code in endpoint.errors}
    assert raised <= reported <= set(CATALOGUE) - HTTP_ONLY


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (418, {"code": "not_found", "message": "…", "requestId": "req_0123456789abcdef"}, "is not documented"),
        (404, {"code": "forbidden", "message": "…", "requestId": "req_0123456789abcdef"}, "is not one of"),
        (404, {"code": "not_found", "message": "…", "requestId": "req_0123456789abcdef", "more": 1}, "more"),
        (200, {"id": "…"}, "is a required property"),
        (503, {"code": "unavailable", "message": "…", "requestId": "req_0123456789abcdef"}, "lacks Retry-After"),
    ],
)
async def test_an_answer_that_the_document_does_not_tell_is_noticed(
    status: int, body: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(AssertionError, match=complaint):
        await conformance.check_response(answer(status, body))


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ({"ETag": '"1"'}, r"not documented: \['etag'\]"),
        ({"X-Secret": "1", "Server": "uvicorn"}, r"not documented: \['x-secret'\]"),
        ({"Cache-Control": "public"}, "has another Cache-Control"),
    ],
)
async def test_a_header_that_the_document_does_not_tell_is_noticed(headers: dict[str, str], complaint: str) -> None:
    body = {"code": "not_found", "message": "…", "requestId": "req_0123456789abcdef"}
    await conformance.check_response(answer(404, body))
    with pytest.raises(AssertionError, match=complaint):
        await conformance.check_response(answer(404, body, **headers))


async def test_all_that_a_caller_gets_is_checked(app: Starlette) -> None:
    async with client_of(app) as client:
        assert conformance.check_response in client.event_hooks["response"]
