"""Versions of libraries that the product was not written for are refused at the start, in one line."""

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from app.cli.versions import SUPPORTED, unsupported
from tests.processes import TOP, environment


@pytest.mark.parametrize(
    ("package", "version", "supported"),
    [("sqlalchemy", "2.2.0b1", "2.1"), ("aiosqlite", "0.23.0", "0.22"), ("uvicorn", "0.55.1", "0.54")],
)
def test_a_start_on_another_version_ends_with_one_line(
    tmp_path: Path, package: str, version: str, supported: str
) -> None:
    folder = tmp_path / f"{package}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    ended = subprocess.run(
        [sys.executable, "-m", "app", "serve", "--port", "0"],
        check=False,
        cwd=tmp_path,
        env=environment(PYTHONPATH=f"{tmp_path}:{TOP}"),
        capture_output=True,
        text=True,
        timeout=30,
    )
    line = f"{package} {version} is installed; Signalbox works with {package} {supported} only.\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", line)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("version", ["2.1", "2.1.0", "2.1.99"])
def test_every_release_of_a_supported_version_is_fine(version: str) -> None:
    assert unsupported({**SUPPORTED, "sqlalchemy": version}.__getitem__) is None


@pytest.mark.parametrize("version", ["2.10", "2.0.44", "21", "2", "2.1rc1"])
def test_no_other_is(version: str) -> None:
    line = f"sqlalchemy {version} is installed; Signalbox works with sqlalchemy 2.1 only."
    assert unsupported({**SUPPORTED, "sqlalchemy": version}.__getitem__) == line


def test_a_package_that_is_missing_is_named() -> None:
    def missing(package: str) -> str:
        raise PackageNotFoundError(package)

    assert unsupported(missing) == "aiosqlite is not installed; Signalbox works with aiosqlite 0.22."


def test_the_versions_are_those_of_the_dependencies() -> None:
    declared = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["dependencies"]
    for package, supported in SUPPORTED.items():
        major, minor = map(int, supported.split("."))
        (found,) = [one for one in declared if one.partition(">")[0].partition("[")[0] == package]
        assert found.endswith(f">={supported},<{major}.{minor + 1}")
