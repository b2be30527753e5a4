"""Starts the server, and prints where everything is. Logs go to standard error, the greeting to standard output."""

import asyncio
import json
import os
import shlex
import socket
from urllib.parse import quote

import structlog
import typer
import uvicorn
from starlette.applications import Starlette
from uvicorn.loops.auto import auto_loop_factory

from app import VERSION
from app.cli import demo
from app.cli.data_folder import Whereabouts, prepare
from app.cli.database import exclusive, node_of_server, shown_database
from app.cli.http_connections import protocol
from app.domain.ids import new_request_id
from app.http import logs
from app.http.output import PATIENCE_SECONDS, STDERR
from app.main import create_app
from app.runtime import pauses
from app.runtime.node import Node
from app.services import claim, instance
from app.settings import BadSetting, Settings, unknown_variables
from app.store.engines.lease import Lease

GRACE_SECONDS = 20
NO_CODE = """  This instance has no owner yet, and its claim code is not known on this machine.
  Run `signalbox claim-code` to create a new one.
"""
BACKLOG = 2048
log = structlog.get_logger()


class Server(uvicorn.Server):
    """uvicorn's server, which greets once it is ready, and finishes requests before it stops."""

    def __init__(self, app: Starlette, settings: Settings, greeting: str) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol(settings, app.state.front),
                ws="none",
                backlog=BACKLOG,
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._settings = settings
        self._greeting = greeting
        self._whereabouts = Whereabouts(settings)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            log.info("started", version=VERSION, url=self._settings.public_url, data=shown_database(self._settings))
            typer.echo(self._greeting)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        log.info("stopping")
        await super().shutdown(sockets)
        self._whereabouts.forget()
        log.info("stopped")
        STDERR.flush(PATIENCE_SECONDS)  # uvicorn now ends the process by the signal that asked for it


def run(settings: Settings) -> None:
    """Serves until it is asked to stop. Raises BadSetting if the address cannot be listened on."""
    with listening(settings) as listener:
        logs.configure(settings.log_format)
        for line in unknown_variables(os.environ):
            log.warning(line)
        protocol(settings)  # which refuses a wrong setting before anything is done
        prepare(settings.data_dir)
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
            runner.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    async with exclusive(settings) as lease:
        greeting = await _prepare(settings, lease)
        pauses.shorten()
        await Server(create_app(settings, lease=lease), settings, greeting).serve([listener])


def listening(settings: Settings) -> socket.socket:
    """The socket, bound before anything else is done. Raises BadSetting."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as fault:
        where = f"SIGNALBOX_HOST and SIGNALBOX_PORT: cannot listen on {settings.host} port {settings.port}"
        why = str(fault.strerror).partition(" (")[0] if isinstance(fault, OSError) else "that is no host's name"
        raise BadSetting(f"{where}: {why}. Choose others with --host and --port.") from None


async def _prepare(settings: Settings, lease: Lease) -> str:
    """Migrates the database, fills it with the demo if asked to, and returns the greeting."""
    async with node_of_server(settings, lease) as node:
        parts = [welcome(settings)]
        if settings.demo:
            parts.append(await demo.fill(node))
        if (how := await _how_to_claim(node)) is not None:
            parts.append(how)
    return "\n".join([*parts, "  Press Ctrl+C to stop.\n"])


async def _how_to_claim(node: Node) -> str | None:
    """How to claim the instance; None if it is claimed."""
    async with node.unit(new_request_id()) as uow:
        if await claim.is_claimed(uow):
            instance.forget_code(node.settings)
            return None
        code = await instance.valid_code(uow, node.settings)
    return how_to_claim(node.settings.public_url, code) if code else NO_CODE


def welcome(settings: Settings) -> str:
    url = settings.public_url
    return f"""
  {typer.style("Signalbox is ready", fg="green", bold=True)} on {typer.style(url, bold=True)}

    Dashboard   {url}/app/
    GraphiQL    {url}/graphql
    REST        {url}/docs
    Rules       {url}/docs/rules
    Errors      {url}/docs/errors
    Data        {shown_database(settings)}
"""


def how_to_claim(url: str, code: str) -> str:
    """A link and a shell command, ready to use."""
    body = json.dumps({"email": "you@example.com", "orgName": "Acme", "orgSlug": "acme", "claimCode": code})
    return f"""  This instance has no owner yet. Claim it in the browser:

    {url}/app/claim?code={quote(code, safe="")}

  or from a shell:

    curl -c jar {url}/api/v1/auth/install-claim \\
      -H 'Content-Type: application/json' \\
      -d {shlex.quote(body)}
"""
