"""Checks JSON Schemas, and values against them, in a process of its own (`runtime.schema_worker`).

A schema of a few hundred bytes can take hours or gigabytes, and the library lets no other thread run meanwhile.
"""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, cast
from weakref import WeakValueDictionary

import orjson

from app.domain.errors import AppError
from app.engine.faults import Faults
from app.engine.json_schemas import TOO_MUCH

MAX_WAITING = 20  # questions of one asker
_TOP = Path(__file__).resolve().parents[2]


class SchemaChecks:
    """The process is started for the first question, and again once it was cut off; it has one question at a time.

    `seconds` of computing are for whether there are faults, and as many again for what they are. Of each asker one
    question waits with those of others, so that nobody's checks hold up everybody else's.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="schemas")
        self._process: subprocess.Popen[bytes] | None = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._waiting = Counter[str]()

    async def __call__(
        self, asker: str, schema: str, values: Sequence[tuple[str, Any]], new: str | None = None
    ) -> Faults:
        """What is wrong with the values, by path. A text of a schema that is `new`, at that path, is checked before.

        Raises `unavailable` where the asker waits for too many answers already.
        """
        if self._waiting[asker] >= MAX_WAITING:
            raise AppError("unavailable", "Too many checks of JSON Schemas are waiting. Send fewer at once.")
        turn = self._turns.setdefault(asker, asyncio.Lock())
        self._waiting[asker] += 1
        try:
            async with turn:
                ask = partial(self._ask, schema, values, new)
                return await asyncio.get_running_loop().run_in_executor(self._thread, ask)
        finally:
            self._waiting[asker] -= 1
            if not self._waiting[asker]:
                del self._waiting[asker]

    def close(self) -> None:
        """Whoever waits for an answer gets none."""
        if self._process is not None:
            self._process.kill()
        self._thread.shutdown(cancel_futures=True)
        self._end()

    def _ask(self, schema: str, values: Sequence[tuple[str, Any]], new: str | None) -> Faults:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = _start(self._seconds)
        answers = _exchange(self._process, orjson.dumps({"schema": schema, "values": values, "new": new}))
        if not answers or answers[-1].get("stays") is not True:  # it was cut off, has failed, or has grown too large
            self._end()
        if answers and "bug" in answers[-1]:
            raise RuntimeError(answers[-1]["bug"])
        # Of the two answers the first says which values are wrong, the second what exactly is wrong with them.
        unanswered = dict.fromkeys([path for path, _ in values] if new is None else [new], TOO_MUCH)
        faults: Faults = answers[-1]["faults"] if answers else unanswered
        return faults

    def _end(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        process.communicate()
        if process.returncode > 0:
            raise RuntimeError(f"the process that checks schemas has failed, with status {process.returncode}")


def _start(seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # it is our own
        [sys.executable, "-m", "app.runtime.schema_worker", str(seconds)],
        cwd=_TOP,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # where the library says that it has no memory
        env={**os.environ, "RUST_BACKTRACE": "0"},  # which takes memory itself, when there is none
        start_new_session=True,  # for Ctrl-C is for the server
    )


def _exchange(process: subprocess.Popen[bytes], question: bytes) -> list[dict[str, Any]]:
    given, taken = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    with suppress(BrokenPipeError):
        given.write(question + b"\n")
        given.flush()
        return [orjson.loads(line) for line in (taken.readline(), taken.readline()) if line]
    return []
