"""The operator's commands. Each reads the settings, does one thing and prints the result."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from app import VERSION
from app.cli import audit, doctor, people, server
from app.cli.data_folder import address_of_server
from app.cli.runner import DataDir, errors_in_one_line, fail, in_one_unit, settings_of, sound_settings
from app.services import instance, links
from app.store.engines import sqlite

cli = typer.Typer(name="signalbox", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"signalbox {VERSION}")
        raise typer.Exit


@cli.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Signalbox: feature flags and configuration over REST and GraphQL."""


cli.add_typer(people.people, name="users")
cli.command("mail")(people.list_mail)
cli.command("audit")(audit.show_audit)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[str | None, typer.Option(help="Port to listen on, 0 for a free one. Default: 8000.")] = None,
    data_dir: DataDir = None,
    workers: Annotated[str | None, typer.Option(help="Processes. More than one needs SIGNALBOX_REDIS_URL.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty instance with sample data.")] = False,
) -> None:
    """Serve REST, GraphQL and the pages. Each option is also an environment variable: --port is SIGNALBOX_PORT."""
    # Numbers are read as those of the variables are, so that a wrong one is told in one line as well.
    settings = sound_settings(host=host, port=port, data_dir=data_dir, workers=workers, demo=demo or None)
    with errors_in_one_line():
        server.run(settings)


@cli.command("claim-code")
def claim_code(data_dir: DataDir = None) -> None:
    """Show the code that claims an empty instance."""
    settings = settings_of(data_dir=data_dir)
    code = in_one_unit(settings, lambda uow: instance.new_claim_code(uow, settings))
    if code is None:
        fail("This instance is already claimed.")
    typer.echo(code)


@cli.command("sign-in")
def sign_in(
    email: Annotated[str, typer.Argument(help="Email of the user to sign in.")],
    data_dir: DataDir = None,
    base_url: Annotated[str | None, typer.Option(help="URL of the server. Default: where it runs.")] = None,
) -> None:
    """Print a sign-in link, which works once and for 15 minutes."""
    settings = settings_of(data_dir=data_dir, base_url=base_url)
    secret = in_one_unit(settings, lambda uow: links.make_for_email(uow, email))
    url = settings.base_url or address_of_server(settings.data_dir)
    if url is None:
        typer.echo("No server runs on this data folder. The link is for one at the address of the settings.", err=True)
    typer.echo(f"{url or settings.public_url}/auth/link?t={secret}")


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A file that does not exist yet.")],
    data_dir: DataDir = None,
) -> None:
    """Copy the SQLite database into a new file, at one moment, whether the server runs or not."""
    database = settings_of(data_dir=data_dir).sqlite_path
    if database is None:
        fail("SIGNALBOX_DATABASE_URL: PostgreSQL is backed up with pg_dump.")
    try:
        sqlite.copy(database, file)
    except OSError as fault:
        fail(f"Cannot copy {database} to {file}: {fault.strerror or fault}.")
    typer.echo(f"{database} has been copied to {file}.")


@cli.command("doctor")
def examine(data_dir: DataDir = None) -> None:
    """Check settings, data folder, database, mail server and proxies, and say what to do about each fault."""
    findings = asyncio.run(doctor.examine(settings_of(data_dir=data_dir)))
    for finding in findings:
        typer.echo(finding.line)
    if any(finding.is_wrong for finding in findings):
        raise typer.Exit(1)


def main() -> None:
    """The entry point of the installed command."""
    cli()
