"""Refuses to start on other versions of libraries than those whose insides are used: they would fail at some call."""

import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

SUPPORTED = {"aiosqlite": "0.22", "sqlalchemy": "2.1", "uvicorn": "0.54"}


def unsupported(installed: Callable[[str], str] = version) -> str | None:
    """What is wrong with the first package that does not fit, in one line."""
    for package, supported in SUPPORTED.items():
        try:
            found = installed(package)
        except PackageNotFoundError:
            return f"{package} is not installed; Signalbox works with {package} {supported}."
        if found != supported and not found.startswith(f"{supported}."):
            return f"{package} {found} is installed; Signalbox works with {package} {supported} only."
    return None


def require_supported_versions() -> None:
    """Ends the process where a package does not fit."""
    if (line := unsupported()) is not None:
        sys.exit(line)
