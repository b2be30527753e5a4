"""`signalbox` with one path more: how long its event loop was held, and what it has compiled.

The loop is held while its own thread computes, and while another has the interpreter. What other processes take of the
CPU meanwhile is not counted.
"""

import asyncio
import gc
import json
import time
from typing import Any

from starlette.types import Receive, Scope, Send

from app.cli import server
from app.cli.commands import cli

HEARTBEAT = "/heartbeat"
_EVERY_SECONDS = 0.001


class Heartbeat:
    """Around the app. Whoever asks gets what there was since it was last asked."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.state = app.state
        self._held = self._collected = self._began = 0.0
        self._loads = 0
        self._reports = False
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != HEARTBEAT:
            await self.app(scope, receive, send)
            return
        if self._task is None:
            self._task = asyncio.create_task(self._beat())
            self._count_loads()
            gc.callbacks.append(self._note_collection)
        body = json.dumps(self._report(scope["query_string"].decode())).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _count_loads(self) -> None:
        rulesets = self.state.node.rulesets
        load = rulesets.load

        async def counted(session: Any, environment_id: str) -> Any:
            self._loads += 1
            return await load(session, environment_id)

        rulesets.load = counted

    def _note_collection(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.process_time()
        else:
            self._collected = max(self._collected, time.process_time() - self._began)

    async def _beat(self) -> None:
        while True:
            began, computed = time.perf_counter(), time.process_time()
            await asyncio.sleep(_EVERY_SECONDS)
            passed = time.perf_counter() - began - _EVERY_SECONDS
            if not self._reports:  # which takes long itself
                self._held = max(self._held, min(passed, time.process_time() - computed))
            self._reports = False

    def _report(self, environment_ids: str) -> dict[str, Any]:
        found = [self.state.node.rulesets.present(one) for one in environment_ids.split(",")]
        batches = [batch for one in found if one is not None for batch in one.compiled.batches]
        report = {
            "held": self._held * 1000,
            "collected": self._collected * 1000,
            "loads": self._loads,
            "environments": sum(one is not None for one in found),
            "batches": len(batches),
            "generated": sum(one.decide is not None for one in batches),
        }
        self._held = self._collected = 0.0
        self._loads = 0
        self._reports = True
        return report


if __name__ == "__main__":
    make = server.create_app

    def make_watched(*given: Any, **named: Any) -> Any:
        return Heartbeat(make(*given, **named))

    watched: Any = make_watched
    server.create_app = watched
    cli()
