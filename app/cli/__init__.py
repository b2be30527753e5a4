"""The command line: `python -m app`, installed as `signalbox`."""

from importlib import import_module

from app.cli.versions import require_supported_versions


def main() -> None:
    """The commands are imported after the check, for on other versions even the import may fail."""
    require_supported_versions()
    import_module("app.cli.commands").cli()
