"""Runs a command: with the settings, one use case in one unit of work, and errors in one line."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from app.cli.database import node_of
from app.domain.errors import AppError
from app.domain.ids import new_request_id
from app.runtime.node import Node
from app.settings import BadSetting, Settings, load, unknown_variables
from app.store.unit_of_work import UnitOfWork

DataDir = Annotated[Path | None, typer.Option(help="The data folder of the server. Default: ./data.")]
T = TypeVar("T")


def settings_of(**options: Any) -> Settings:
    """The settings; the command's options take precedence. Names variables that are none."""
    for line in unknown_variables(os.environ):
        typer.echo(line, err=True)
    return sound_settings(**options)


def sound_settings(**options: Any) -> Settings:
    """The settings. Ends the command where one is wrong."""
    try:
        return load(**options)
    except BadSetting as fault:
        fail(str(fault))


def in_one_unit(settings: Settings, use_case: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    return on_node(settings, lambda node: _in_unit(node, use_case))


def on_node(settings: Settings, work: Callable[[Node], Awaitable[T]]) -> T:
    """Runs what needs several units of work."""

    async def run() -> T:
        async with node_of(settings) as node:
            return await work(node)

    with errors_in_one_line():
        return asyncio.run(run())


async def _in_unit(node: Node, use_case: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    async with node.unit(new_request_id()) as uow:
        return await use_case(uow)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Shows what an operator can fix in one line; a traceback is for bugs of our own."""
    try:
        yield
    except BadSetting as fault:
        fail(str(fault))
    except AppError as error:
        fail(error.message)


def confirm(question: str) -> None:
    """Ends the command unless somebody says yes; where nobody can be asked, it takes `--yes`."""
    if not sys.stdin.isatty():
        fail("Nobody can be asked here whether this is meant: add --yes.")
    if not typer.confirm(question):
        fail("Nothing was changed.")


def fail(message: str) -> NoReturn:
    """Ends the command."""
    typer.echo(message, err=True)
    raise typer.Exit(1)
