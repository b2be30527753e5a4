"""How many functions and files of app/ one request runs through, how many calls it makes, and how many SQL statements.

A signed-in person, SQLite, one string flag without rules, the fourth request of its sort. Run by scripts/hops.
"""

import asyncio
import logging
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any, Self

import httpx2
import structlog
from sqlalchemy import Engine, event

from app.main import create_app
from app.settings import Settings

APP = str(Path(__file__).resolve().parent.parent / "app")
CODE = "claim-code-of-the-count"
REQUEST = 4
Send = Callable[[], Awaitable[httpx2.Response]]


class Profile:
    """Counts calls of the functions below app/, in whatever thread, while it is entered."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.statements: list[str] = []

    def __enter__(self) -> Self:
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _note(self, frame: FrameType, what: str, _: Any) -> None:
        code = frame.f_code
        if what == "call" and code.co_filename.startswith(APP) and not code.co_name.startswith("<"):
            self.calls[(code.co_filename, code.co_qualname)] += 1

    @property
    def counted(self) -> tuple[int, int, int, int]:
        """Distinct functions, distinct files, calls, statements."""
        files = {file for file, _ in self.calls}
        return len(self.calls), len(files), sum(self.calls.values()), len(self.statements)


async def profile(send: Send) -> Profile:
    """What the fourth of the requests runs through."""
    for _ in range(REQUEST - 1):
        (await send()).raise_for_status()
    found = Profile()

    def note(*args: Any) -> None:
        found.statements.append(args[2])

    event.listen(Engine, "before_cursor_execute", note)
    with found:
        response = await send()
    event.remove(Engine, "before_cursor_execute", note)
    response.raise_for_status()
    return found


async def main(*, verbose: bool) -> None:
    """Prints the counts of both requests; `verbose`: and what was run."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder), claim_code=CODE))
        async with app.router.lifespan_context(app):
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1/api/v1") as client:
                await count(client, verbose=verbose)


async def count(client: httpx2.AsyncClient, *, verbose: bool) -> None:
    async def post(path: str, **body: Any) -> Any:
        return (await client.post(path, json=body)).raise_for_status().json()

    await post("/auth/install-claim", email="a@acme.example", orgName="Acme", orgSlug="acme", claimCode=CODE)
    project = await post("/orgs/acme/projects", key="web", name="Web")
    environment = await post(f"/projects/{project['id']}/environments", key="prod", name="Production")
    await post(f"/projects/{project['id']}/flags", key="banner", type="string", defaultValue="0")
    of_environment, turn = f"/envs/{environment['id']}", iter(range(1, 100))

    async def patch() -> httpx2.Response:
        return await client.patch(f"{of_environment}/flags/banner", json={"defaultValue": str(next(turn))})

    async def evaluate() -> httpx2.Response:
        return await client.post(f"{of_environment}/evaluate", json={"context": {}, "keys": ["banner"]})

    for name, send in (("evaluate one key", evaluate), ("PATCH of a state", patch)):
        found = await profile(send)
        print("{}: {} functions in {} files, {} calls, {} SQL statements".format(name, *found.counted))
        if verbose:
            for (file, function), calls in sorted(found.calls.items()):
                print(f"  {calls:4} {file.removeprefix(APP)[1:]} {function}")
            for statement in found.statements:
                print("  SQL", " ".join(statement.split())[:160])


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio.run(main(verbose="-v" in sys.argv[1:]))
