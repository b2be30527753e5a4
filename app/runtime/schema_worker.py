"""The process that checks JSON Schemas and values for the server (`runtime.schema_checks`), a question a line.

The system ends it when an answer takes too long or too much memory, however deep in the library it is.
"""

import os
import resource
import signal
import sys
import time
import traceback
from typing import Any

import orjson

from app.engine.json_schemas import DOES_NOT_MATCH, compiled, faults_of_schema, faults_of_values

_MAX_BYTES = 512 * 1024 * 1024
_PATIENCE = 10  # times the seconds: by the clock, for what waits and computes nothing, and for a busy machine
_SHORT = 0.1  # of the seconds: what takes longer may leave much memory behind, which must not count against the next


def main(seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (_MAX_BYTES, _MAX_BYTES))
    for line in sys.stdin.buffer:
        try:
            _answer(seconds, **orjson.loads(line))
        except MemoryError:
            os.abort()  # as the library does
        except Exception as fault:  # noqa: BLE001  # a bug, for the server's log
            if "panicked" in str(fault):  # in some places that is how the library says that it has no memory
                os.abort()
            _say(bug=traceback.format_exc())
            return
        finally:
            _limit(0)


def _answer(seconds: float, schema: str, values: list[tuple[str, Any]], new: str | None) -> None:
    """Says first whether and then exactly what is wrong: some faults take much longer to name than to find."""
    began = time.process_time()
    _limit(seconds)
    faults = {} if new is None else faults_of_schema(orjson.loads(schema), new)
    wrong = []
    if not faults:
        validator = compiled(schema)
        wrong = [(path, value) for path, value in values if not validator.is_valid(value)]
    _say(faults=faults or {path: DOES_NOT_MATCH for path, _ in wrong})
    _limit(seconds)
    if wrong:
        faults = faults_of_values(validator, wrong)
    _say(faults=faults, stays=time.process_time() - began < seconds * _SHORT)


def _limit(seconds: float) -> None:
    """The signals have no handler, and end the process: Python could not interrupt the library."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * _PATIENCE)


def _say(**answer: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]))
