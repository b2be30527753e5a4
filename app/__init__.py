"""Signalbox."""

VERSION = "0.1.0"  # as in pyproject.toml: a checkout is not installed
