"""Clients that generators make of the OpenAPI document take every valid rule, and compile."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.rest.app import TABLE
from app.rest.openapi.document import document
from tests import npm, pypi
from tests.rest.test_rule_schemas import found

VECTORS = Path(__file__).parents[1] / "vectors"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    path.write_text(json.dumps(document(TABLE)), "utf-8")
    return path


def rules_and_conditions() -> dict[str, list[Any]]:
    """Those of the published vectors, all of which are valid."""
    documents = [json.loads(path.read_text("utf-8")) for path in VECTORS.glob("*.json") if path.stem != "refusals"]
    conditions = [one for one in found(documents, "condition") if "operator" not in one]  # the others are traces
    return {"Rule": [rule for rules in found(documents, "rules") for rule in rules], "Condition": conditions}


def test_typescript_types_take_every_valid_rule(written: Path, request: pytest.FixtureRequest) -> None:
    given = rules_and_conditions()
    code = written.with_name("code.ts")
    lines = ['import type { components } from "./api";', 'type Schemas = components["schemas"];']
    for name, values in given.items():
        lines += [
            f"const {name}{number}: Schemas['{name}'] = {json.dumps(value)};" for number, value in enumerate(values)
        ]
    lines += ["// @ts-expect-error", 'const noRule: Schemas["Rule"] = { vlue: true };']
    code.write_text("\n".join(lines), "utf-8")
    assert npm.run("types.mjs", str(written), str(code), cache=request.config.cache) == []


def test_a_python_client_takes_every_valid_rule(written: Path, request: pytest.FixtureRequest) -> None:
    programs = pypi.environment("openapi-python-client.lock", request.config.cache)
    folder, path = written.parent, {"PATH": f"{programs}:/usr/bin:/bin"}
    generate = ["generate", "--path", written.name, "--output-path", "client", "--meta", "none", "--fail-on-warning"]
    pypi.output([str(programs / "openapi-python-client"), *generate], folder, **path)
    script = str(Path(pypi.__file__).with_name("round_trips.py"))
    given = json.dumps(rules_and_conditions())
    changed = pypi.output([str(programs / "python"), script, "client"], folder, given, PYTHONPATH=".", **path)
    assert json.loads(changed) == []
