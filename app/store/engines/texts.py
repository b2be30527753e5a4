"""What the databases say differently about texts: their bytes, what they hold, and their order."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, SQLColumnExpression, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class octets(GenericFunction[int]):  # noqa: N801 - is called as SQL's functions are
    type = Integer()
    inherit_cache = True


@compiles(octets, "postgresql")
def _postgres(element: octets, compiler: SQLCompiler, **options: Any) -> str:
    return f"octet_length({compiler.process(element.clauses, **options)})"


@compiles(octets, "sqlite")
def _sqlite(element: octets, compiler: SQLCompiler, **options: Any) -> str:
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"


class _place(GenericFunction[int]):  # noqa: N801
    """Where the first text holds the second, counted from 1; 0 where it does not."""

    type = Integer()
    inherit_cache = True


@compiles(_place, "postgresql")
def _postgres_place(element: _place, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(_place, "sqlite")
def _sqlite_place(element: _place, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


def holds(text: SQLColumnExpression[str], part: str) -> ColumnElement[bool]:
    """Whether the text holds the part, exactly; LIKE would ignore case on one database, and limits long parts."""
    return _place(text, part) > 0


class by_code_point(GenericFunction[str]):  # noqa: N801
    """A text that is compared by its code points, and not as the language of the database has it."""

    type = String()
    inherit_cache = True


@compiles(by_code_point, "postgresql")
def _postgres_order(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return f'{compiler.process(element.clauses, **options)} COLLATE "C"'


@compiles(by_code_point, "sqlite")
def _sqlite_order(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)
