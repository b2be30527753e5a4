"""The catalogue and the tests hold each other to account: no code without a test, none raised that is not in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.catalogue import CATALOGUE
from tests import catalogue_table

APP = Path(__file__).parent.parent / "app"

ONE_TRANSPORT: dict[str, str] = {}
"""Codes that one transport alone can give, and which."""


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_code_is_provoked_on_each_transport_that_can(code: str) -> None:
    found = catalogue_table.codes_met()
    wanted = [ONE_TRANSPORT[code]] if code in ONE_TRANSPORT else list(catalogue_table.TRANSPORTS)
    lacking = [transport for transport in wanted if (code, transport) not in found]
    assert not lacking, f"no test meets {code} on {lacking}"


def test_marks_and_lists_name_codes_of_the_catalogue() -> None:
    named = {code for code, _ in catalogue_table.codes_met()} | set(ONE_TRANSPORT)
    assert named <= set(CATALOGUE)


def test_what_is_raised_is_in_the_catalogue() -> None:
    assert {code for _, code in raised() if code is not None} <= set(CATALOGUE)


def test_codes_are_written_out_where_they_are_raised() -> None:
    """So that they can be found. The few calls that pass a code on take it from the policy or the catalogue."""
    passed_on = {file for file, code in raised() if code is None}
    assert passed_on <= {"app/access/entry.py", "app/domain/errors.py", "app/domain/policy.py"}


def test_the_table_names_every_test_of_a_code() -> None:
    shown = catalogue_table.table()
    assert "| `already_claimed` | 409 | `tests/behaviour/test_claim.py::" in shown
    assert len(shown.splitlines()) == 2 + len({code for code, _ in catalogue_table.codes_met()})


def raised() -> Iterator[tuple[str, str | None]]:
    """Each `AppError(…)` and `Deny(…)` of the product: its file, and the code if it is written out."""
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"AppError", "Deny"}:
                code = node.args[0] if node.args else None
                written = code.value if isinstance(code, ast.Constant) else None
                yield str(path.relative_to(APP.parent)), written
