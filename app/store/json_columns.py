"""JSON text that the database holds: ours, so that it can be trusted; unless somebody has changed it by hand."""

from typing import Any

import orjson
import structlog

from app.domain.errors import AppError

log = structlog.get_logger()


def value(text: str | None) -> Any:
    """The value of the text. Raises `unavailable`, and says why in the log, where there is none."""
    try:
        return orjson.loads(text or "")
    except ValueError as fault:
        raise damaged() from fault


def rules(text: str) -> list[dict[str, Any]]:
    """The rules of a state. Raises `unavailable` like `value`."""
    found = value(text)
    if not isinstance(found, list) or not all(isinstance(rule, dict) for rule in found):
        raise damaged()
    return found


def damaged() -> AppError:
    """The refusal of what is stored and cannot be read, which is logged."""
    log.error("what is stored cannot be read", stack_info=True)
    return AppError("unavailable", "The stored data is corrupt.")
