"""Starts the server, and tells whoever started it where everything is."""

import asyncio
from typing import Any

import typer
import uvicorn

from app.domain.ids import new_request_id
from app.main import create_app, open_node
from app.middleware import logs
from app.services import claim, instance
from app.settings import Settings

GRACE_SECONDS = 20


class Server(uvicorn.Server):
    """uvicorn's, telling where it listens once it does; in-flight requests finish before it stops."""

    def __init__(self, config: uvicorn.Config, settings: Settings, code: str | None) -> None:
        super().__init__(config)
        self._settings = settings
        self._code = code

    async def startup(self, sockets: Any = None) -> None:
        """Starts to listen."""
        await super().startup(sockets)
        if self.started:
            typer.echo(welcome(self._settings, self._code))


def run(settings: Settings) -> None:
    """Serves until it is told to stop."""
    logs.configure(settings.log_format)
    code = asyncio.run(_prepare(settings))
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    Server(config, settings, code).run()


async def _prepare(settings: Settings) -> str | None:
    """The claim code to print, None for an instance that is claimed."""
    node = await open_node(settings)
    try:
        async with node.unit(new_request_id()) as uow:
            return None if await claim.is_claimed(uow) else instance.known_code(settings)
    finally:
        await node.database.close()


def welcome(settings: Settings, code: str | None) -> str:
    """Where everything is, and on an empty instance how to claim it."""
    url = settings.public_url
    lines = [
        "",
        f"  Signalbox is ready on {url}",
        "",
        f"  dashboard   {url}/app/",
        f"  GraphiQL    {url}/graphql",
        f"  REST docs   {url}/docs",
        f"  data        {settings.database_url or settings.data_dir.resolve()}",
    ]
    if code is not None:
        body = f'{{"email": "you@example.com", "orgName": "Acme", "orgSlug": "acme", "claimCode": "{code}"' + "}"
        lines += [
            "",
            "  Nobody owns this instance yet. Claim it in the browser:",
            f"    {url}/app/claim?code={code}",
            "  or from a shell:",
            f"    curl -c jar {url}/api/v1/auth/install-claim -H 'Content-Type: application/json' -d '{body}'",
        ]
    return "\n".join([*lines, ""])
