"""OpenFeature's SDK and OFREP provider for Python, told line by line what to do; it runs with the stock packages."""

import json
import sys
from typing import Any

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext


def connect(address: str, headers: dict[str, str]) -> None:
    api.set_provider(OFREPProvider(address, headers_factory=lambda: headers))


def evaluate(value_type: str, key: str, default: Any, context: dict[str, Any]) -> dict[str, Any]:
    attributes = {name: value for name, value in context.items() if name != "targetingKey"}
    named = EvaluationContext(context.get("targetingKey"), attributes)
    details = getattr(api.get_client(), f"get_{value_type}_details")(key, default, named)
    return {
        "value": details.value,
        "reason": details.reason,
        "variant": details.variant,
        "errorCode": details.error_code,
        "errorMessage": details.error_message,
    }


def fetch_all(address: str, headers: dict[str, str], tag: str | None) -> dict[str, Any]:
    """The provider asks for one key at a time, so its session asks for all."""
    known = {} if tag is None else {"If-None-Match": tag}
    answer = OFREPProvider(address).session.post(
        f"{address}/ofrep/v1/evaluate/flags", json={"context": {}}, headers={**headers, **known}
    )
    return {"status": answer.status_code, "tag": answer.headers.get("ETag")}


COMMANDS = {"connect": connect, "evaluate": evaluate, "fetchAll": fetch_all}
for line in sys.stdin:
    command, arguments = json.loads(line)
    sys.stdout.write(json.dumps(COMMANDS[command](*arguments)) + "\n")
    sys.stdout.flush()
