"""Scripts outlive a change of the product: what they import is there."""

from importlib import import_module
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "scripts"


@pytest.mark.parametrize("name", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_a_script_can_be_imported(name: str) -> None:
    assert import_module(f"scripts.{name}").__name__ == f"scripts.{name}"
