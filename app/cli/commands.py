"""What the operator can say. Each command reads the settings, does one thing, and prints what a person needs."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from app.cli import serving
from app.domain.errors import AppError
from app.domain.ids import new_request_id
from app.main import open_node
from app.services import instance, links
from app.serving.node import Node
from app.settings import BadSetting, Settings, load

cli = typer.Typer(name="signalbox", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

DataDir = Annotated[Path | None, typer.Option(help="Where the database and the outbox live. Default: ./data.")]


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. Default: 8000.")] = None,
    data_dir: DataDir = None,
    workers: Annotated[int | None, typer.Option(help="Processes. More than one needs SIGNALBOX_REDIS_URL.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty instance with something to look at.")] = False,
) -> None:
    """Serve REST, GraphQL and the pages. Every option is a variable too: --port is SIGNALBOX_PORT."""
    options = {"host": host, "port": port, "data_dir": data_dir, "workers": workers, "demo": demo or None}
    serving.run(_settings(**options))


@cli.command("claim-code")
def claim_code(data_dir: DataDir = None) -> None:
    """Show the code that claims an empty instance."""
    settings = _settings(data_dir=data_dir)

    async def show(node: Node) -> str | None:
        async with node.unit(new_request_id()) as uow:
            return await instance.new_claim_code(uow, settings)

    if (code := _with_node(settings, show)) is None:
        _fail("This instance is claimed.")
    typer.echo(code)


@cli.command("sign-in")
def sign_in(email: Annotated[str, typer.Argument(help="Whom to sign in.")], data_dir: DataDir = None) -> None:
    """Print a link that signs a person in, once and for 15 minutes."""
    settings = _settings(data_dir=data_dir)

    async def make(node: Node) -> str:
        async with node.unit(new_request_id()) as uow:
            return await links.make_for_email(uow, email)

    typer.echo(f"{settings.public_url}/auth/link?t={_with_node(settings, make)}")


def main() -> None:
    """The entry point of the installed command."""
    cli()


T = TypeVar("T")


def _settings(**options: Any) -> Settings:
    try:
        return load(**options)
    except BadSetting as fault:
        _fail(str(fault))


def _with_node(settings: Settings, action: Callable[[Node], Awaitable[T]]) -> T:
    """Runs the action beside a server that may be running on the same database."""

    async def run() -> T:
        node = await open_node(settings)
        try:
            return await action(node)
        finally:
            await node.database.close()

    try:
        return asyncio.run(run())
    except AppError as error:
        _fail(error.message)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)
