"""Statements made ready once and run often: the SQL of a query, with places for what differs between requests.

Django builds the tree of a query and its text anew for every request, which costs more than the database does. What
a caller's plan fixes is built once per plan; keys are filled in. The text is Django's own, so are the conversions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import BooleanField, Expression, F, Func, IntegerField

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field, QuerySet
    from django.db.models.sql.compiler import SQLCompiler

    Convert = Callable[[Any, Any, BaseDatabaseWrapper], Any]


class Slot(Expression):
    """A value that is given by its ``name`` when the statement is run."""

    def __init__(self, name: str, output_field: Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """Return a place for the value, which is this very object until the statement is run."""
        return "(%s)", (self,)


def among(column: str, name: str) -> Func:
    """Return the condition that ``column`` holds one of the keys that are given as the list ``name``."""
    place = Slot(name, IntegerField())
    return Func(F(column), place, template="(%(expressions)s)", arg_joiner=" = ANY ", output_field=BooleanField())


@dataclass(frozen=True)
class Statement:
    """The text of a query with its values and slots, and what Django does to the columns of a row."""

    sql: str
    values: tuple[Any, ...]
    converters: tuple[tuple[int, tuple[Convert, ...], Any], ...]

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        """Return the rows for the values ``given`` by the names of the slots."""
        if not self.sql:
            return []
        filled = [given[value.name] if isinstance(value, Slot) else value for value in self.values]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, filled)
            found = cursor.fetchall()
        return [self._converted(row) for row in found] if self.converters else found

    def _converted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        cells = list(row)
        for index, converters, column in self.converters:
            for convert in converters:
                cells[index] = convert(cells[index], column, connection)
        return tuple(cells)


def prepared(query: QuerySet[Any, tuple[Any, ...]]) -> Statement:
    """Return the statement of a query of tuples (``values_list``), in which slots may stand."""
    compiler: Any = query.query.get_compiler(DEFAULT_DB_ALIAS)
    try:
        sql, values = compiler.as_sql()
    except EmptyResultSet:
        return Statement("", (), ())
    columns = [column[0] for column in compiler.select[: compiler.col_count]]
    converters = compiler.get_converters(columns)
    return Statement(
        sql, tuple(values), tuple((index, tuple(found), column) for index, (found, column) in converters.items())
    )
