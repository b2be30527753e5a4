"""JSON-Schema-Test-Suite, draft 2020-12, by saving configs: each of its schemas, and all values that it is tried with.

Whatever the suite expects is so, but for schemas that need other documents, which are refused.
"""

import json
from pathlib import Path
from typing import Any

from tests.factories import Workspace

SUITE = Path(__file__).resolve().parent.parent / "json_schema_suite" / "draft2020-12"

REMOTE = "Refers to something that is not in this schema. Other documents are never fetched."
DIALECT = "Must be https://json-schema.org/draft/2020-12/schema, or left out: no other dialect is supported."
REFUSED = {
    "dynamicRef": {
        "strict-tree schema, guards against misspelled properties": REMOTE,
        "tests for implementation dynamic anchor and reference link": REMOTE,
        "$ref and $dynamicAnchor are independent of order - $defs first": REMOTE,
        "$ref and $dynamicAnchor are independent of order - $ref first": REMOTE,
        "$ref to $dynamicRef finds detached $dynamicAnchor": REMOTE,
    },
    "refRemote": {
        "remote ref": REMOTE,
        "fragment within remote ref": REMOTE,
        "anchor within remote ref": REMOTE,
        "ref within remote ref": REMOTE,
        "base URI change": REMOTE,
        "base URI change - change folder": REMOTE,
        "base URI change - change folder in subschema": REMOTE,
        "root ref in remote ref": REMOTE,
        "remote ref with ref to defs": REMOTE,
        "Location-independent identifier in remote ref": REMOTE,
        "retrieved nested refs resolve relative to their URI not $id": REMOTE,
        "remote HTTP ref with different $id": REMOTE,
        "remote HTTP ref with different URN $id": REMOTE,
        "remote HTTP ref with nested absolute ref": REMOTE,
        "$ref to $ref finds detached $anchor": REMOTE,
    },
    "vocabulary": {
        "schema that uses custom metaschema with with no validation vocabulary": DIALECT,
        "ignore unrecognized optional vocabulary": DIALECT,
    },
}


async def test_configs_match_their_schemas_as_the_suite_expects(workspace: Workspace) -> None:
    post, path = workspace.org.editor.client.post, f"/api/v1/projects/{workspace.project_id}/configs"

    async def save(key: str, schema: Any, values: list[Any]) -> dict[str, str]:
        rules = [{"value": value} for value in values]
        body = {"key": key, "type": "json", "jsonSchema": schema, "defaultValue": values[0], "rules": rules}
        fields: dict[str, str] = (await post(path, json=body)).json().get("fields", {})
        return fields

    refused: dict[str, dict[str, str]] = {}
    others = []
    for file in sorted(SUITE.glob("*.json")):
        for number, case in enumerate(json.loads(file.read_bytes())):
            key, schema, tried = f"{file.stem.lower()}-{number}", case["schema"], case["tests"]
            faults = await save(key, schema, [one["data"] for one in tried])
            if texts := [text for at, text in faults.items() if at.startswith("jsonSchema")]:
                refused.setdefault(file.stem, {})[case["description"]] = texts[0]
                continue
            invalid = [index for index, one in enumerate(tried) if not one["valid"]]
            valid = [one["data"] for one in tried if one["valid"]]
            if sorted({int(at.split(".")[1]) for at in faults if at.startswith("rules.")}) != invalid:
                others.append((file.stem, case["description"], faults))
            if invalid and valid and (faults := await save(key, schema, valid)):
                others.append((file.stem, case["description"], faults))
    assert others == []
    assert refused == REFUSED
