"""Queries that are put together and compiled once, for what is read by most requests.

SQLite finds a row in a few microseconds, and the ORM takes a hundred to make an entity of it. So where nothing is
written, such a query is one of columns, and the entities are made here. They are as those of a session that has been
closed: to be looked at.
"""

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Dialect, and_, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import instance_state

from app.store.paging import AnySelect

Values = Sequence[Any]
Make = Callable[[Values], Any]
Process = Callable[[Any], Any]


class Reader(AsyncSession):
    """A session that only reads."""

    async def rows(self, query: "Prepared", sought: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The query's rows, with entities that no session knows."""
        return [query.row(values) for values in await self.execute(query.of_columns, sought)]


class Prepared:
    """A query with a parameter for whatever differs from time to time; not for lists of parameters."""

    def __init__(self, query: AnySelect) -> None:
        self._query = query

    async def rows(self, session: AsyncSession, **sought: Any) -> Sequence[Any]:
        """Its rows. Their entities are the session's if it writes."""
        if isinstance(session, Reader):
            return await session.rows(self, sought)
        return (await session.execute(self._query, sought)).all()

    async def first(self, session: AsyncSession, **sought: Any) -> Any | None:
        """Its first row, if it has one."""
        return next(iter(await self.rows(session, **sought)), None)

    def row(self, values: Values) -> tuple[Any, ...]:
        """The row, from the values of the columns."""
        return tuple([make(values) for make in self._prepared[1]])

    @property
    def of_columns(self) -> AnySelect:
        """The same query for the columns of its entities."""
        return self._prepared[0]

    @cached_property
    def _prepared(self) -> tuple[AnySelect, list[Make]]:
        query, columns, makers = self._query, list[Any](), list[Make]()
        for described in self._query.column_descriptions:
            entity, chosen = described["entity"], described["expr"]
            if entity is None or chosen is not entity:
                makers.append(itemgetter(len(columns)))
                columns.append(chosen)
                continue
            mapper = inspect(entity)
            joined = dict[str, Make]()
            first = len(columns)
            columns += mapper.local_table.c
            for relation in mapper.relationships:  # only such as the ORM would join, too
                other = relation.mapper.local_table.alias()
                refers = [here == other.c[there.key] for here, there in relation.local_remote_pairs]
                query = query.outerjoin(other, and_(*refers))
                joined[relation.key] = _maker(relation.mapper, len(columns), {})
                columns += other.c
            makers.append(_maker(mapper, first, joined))
        return query.with_only_columns(*columns, maintain_column_froms=True), makers


def _maker(mapper: Mapper[Any], first: int, joined: dict[str, Make]) -> Make:
    """What makes an entity of the values from the first on; None where an outer join found none."""
    columns: list[Any] = list(mapper.local_table.c)
    names = [mapper.get_property_by_column(column).key for column in columns]
    end, new_instance = first + len(names), mapper.class_manager.new_instance
    identity = [first + columns.index(column) for column in mapper.primary_key]

    def make(values: Values) -> Any:
        key = tuple([values[at] for at in identity])
        if None in key:
            return None
        made = new_instance()
        made.__dict__.update(zip(names, values[first:end], strict=True))
        for name, other in joined.items():
            made.__dict__[name] = other(values)
        instance_state(made).key = mapper.identity_key_from_primary_key(key)
        return made

    return make


class Compiled(NamedTuple):
    """A prepared query for a driver that takes and gives values as the database has them."""

    text: str
    parameters: list[tuple[str, Any, Process | None]]
    """For each its name, the value where none is given, and what makes the database's of it."""
    columns: list[tuple[int, Process]]
    """Where the values of a row are not as the database has them, and what makes them."""

    @classmethod
    @cache
    def of(cls, query: Prepared, dialect: Dialect) -> "Compiled":
        compiled: Any = query.of_columns.compile(dialect=dialect)
        parameters = []
        for name in compiled.positiontup:
            sought = compiled.binds[name]
            parameters.append((sought.key, sought.value, sought.type.dialect_impl(dialect).bind_processor(dialect)))
        processes = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in query.of_columns.selected_columns
        ]
        return cls(compiled.string, parameters, [(at, one) for at, one in enumerate(processes) if one is not None])

    def bound(self, sought: dict[str, Any]) -> tuple[Any, ...]:
        """The parameters, in their order."""
        values = [(sought.get(name, value), process) for name, value, process in self.parameters]
        return tuple([value if process is None else process(value) for value, process in values])

    def read(self, row: Values) -> Values:
        """A row's values as the columns have them."""
        values = list(row)
        for at, process in self.columns:
            values[at] = process(values[at])
        return values
