"""The command line: `python -m app`, installed as `signalbox`."""

from app.cli.commands import main

__all__ = ["main"]
