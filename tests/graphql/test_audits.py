"""GraphQL over HTTP, to the letter: the audits of the npm package graphql-http against a real server."""

from pathlib import Path

import pytest

from tests import npm
from tests.processes import serving

AUDITS = 61


def test_all_audits_pass(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with serving(tmp_path) as served:
        audits = npm.run("audit.mjs", f"{served.url}/graphql", cache=request.config.cache)
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == AUDITS
