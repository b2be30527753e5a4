"""What the operator can say. Each command reads the settings, does one thing, and prints what a person needs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from app.cli import serving
from app.cli.nodes import opened
from app.domain.errors import AppError
from app.domain.ids import new_request_id
from app.services import instance, links
from app.settings import BadSetting, Settings, load
from app.store.unit_of_work import UnitOfWork

cli = typer.Typer(name="signalbox", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

DataDir = Annotated[Path | None, typer.Option(help="Where the database lives. Default: ./data.")]


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, 0 for a free one. Default: 8000.")] = None,
    data_dir: DataDir = None,
    workers: Annotated[int | None, typer.Option(help="Processes. More than one needs SIGNALBOX_REDIS_URL.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty instance with something to look at.")] = False,
) -> None:
    """Serve REST, GraphQL and the pages. Every option is a variable too: --port is SIGNALBOX_PORT."""
    settings = _settings(host=host, port=port, data_dir=data_dir, workers=workers, demo=demo or None)
    with _faults_in_one_line():
        serving.run(settings)


@cli.command("claim-code")
def claim_code(data_dir: DataDir = None) -> None:
    """Show the code that claims an empty instance."""
    settings = _settings(data_dir=data_dir)
    code = _in_one_unit(settings, lambda uow: instance.new_claim_code(uow, settings))
    if code is None:
        _fail("This instance is claimed.")
    typer.echo(code)


@cli.command("sign-in")
def sign_in(
    email: Annotated[str, typer.Argument(help="Whom to sign in.")],
    data_dir: DataDir = None,
    base_url: Annotated[str | None, typer.Option(help="Where the server is. Default: http://127.0.0.1:8000.")] = None,
) -> None:
    """Print a link that signs a person in, once and for 15 minutes."""
    settings = _settings(data_dir=data_dir, base_url=base_url)
    secret = _in_one_unit(settings, lambda uow: links.make_for_email(uow, email))
    typer.echo(f"{settings.public_url}/auth/link?t={secret}")


def main() -> None:
    """The entry point of the installed command."""
    cli()


T = TypeVar("T")


def _settings(**options: Any) -> Settings:
    try:
        return load(**options)
    except BadSetting as fault:
        _fail(str(fault))


def _in_one_unit(settings: Settings, use_case: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(settings) as node, node.unit(new_request_id()) as uow:
            return await use_case(uow)

    with _faults_in_one_line():
        return asyncio.run(run())


@contextmanager
def _faults_in_one_line() -> Iterator[None]:
    """What an operator can mend is told in one line; a traceback is for what is ours to mend."""
    try:
        yield
    except BadSetting as fault:
        _fail(str(fault))
    except AppError as error:
        _fail(error.message)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)
