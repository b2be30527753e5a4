"""The command line: `python -m app`, installed as `signalbox`."""

import os
from importlib import import_module

from app.cli.versions import require_supported_versions


def main() -> None:
    """The commands are imported after the check, for on other versions even the import may fail."""
    require_supported_versions()
    os.umask(0o077)  # whatever is written holds emails and secrets
    import_module("app.cli.commands").cli()
