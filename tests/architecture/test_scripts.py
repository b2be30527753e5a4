"""Scripts outlive a change of the product: what they import is there."""

import re
from importlib import import_module
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "scripts"


@pytest.mark.parametrize("name", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_a_script_can_be_imported(name: str) -> None:
    assert import_module(f"scripts.{name}").__name__ == f"scripts.{name}"


@pytest.mark.parametrize("lock", sorted(SCRIPTS.glob("*.lock")), ids=lambda lock: lock.name)
def test_a_lock_pins_each_package_with_hashes_and_names_no_place(lock: Path) -> None:
    entries = re.split(r"^(?=\w)", lock.read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert re.match(r"[\w.\[\]-]+==\S+ .*\\\n +--hash=sha256:[0-9a-f]{64}", entry), entry
        assert "://" not in entry


def test_whatever_a_script_installs_has_a_hash_and_is_not_built_here() -> None:
    installs = [
        line
        for path in SCRIPTS.iterdir()
        if path.suffix in {"", ".sh"} and path.is_file()
        for line in path.read_text("utf-8").splitlines()
        if "pip install" in line
    ]
    assert installs
    assert [one for one in installs if "--require-hashes --only-binary :all:" not in one] == []
