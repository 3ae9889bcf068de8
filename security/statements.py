"""Statements made ready once and run often: the SQL of a query, with places for what differs between requests.

Django builds the tree of a query and its text anew for every request, which costs more than the database does. What
a caller's plan fixes is built once per plan; keys are filled in. The text is Django's own, so are the conversions.
Where connections are kept, the database plans a statement once, too (``running``): planning costs more than running.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import BooleanField, Expression, F, Func, IntegerField

from security.running import PLACE, run

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field, QuerySet
    from django.db.models.sql.compiler import SQLCompiler

    Convert = Callable[[Any, Any, BaseDatabaseWrapper], Any]


class Slot(Expression):
    """A value that is given by its ``name`` when the statement is run; ``type`` is PostgreSQL's."""

    def __init__(self, name: str, output_field: Field[Any, Any], type: str = "text") -> None:
        super().__init__(output_field=output_field)
        self.name, self.type = name, type

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """Return a place for the value, which is this very object until the statement is run."""
        return f"(%s::{self.type})", (self,)


def among(column: str, name: str) -> Func:
    """Return the condition that ``column`` holds one of the keys that are given as the list ``name``."""
    place = Slot(name, IntegerField(), "int[]")
    return Func(F(column), place, template="(%(expressions)s)", arg_joiner=" = ANY ", output_field=BooleanField())


@dataclass(frozen=True)
class Part:
    """The text of a query, that may stand in a larger one: its places, and what Django does to its ``width`` columns.

    There is no text where the query cannot have any row.
    """

    sql: str
    slots: tuple[str, ...]
    converters: tuple[tuple[int, tuple[Convert, ...], Any], ...]
    width: int


@dataclass(frozen=True)
class Statement:
    """The text of a query, the names of its slots, and what Django does to the columns of a row."""

    sql: str
    slots: tuple[str, ...] = ()
    converters: tuple[tuple[int, tuple[Convert, ...], Any], ...] = ()

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        """Return the rows for the values ``given`` by the names of the slots."""
        if not self.sql:
            return []
        found = run(self.sql, [given[name] for name in self.slots])
        return [self._converted(row) for row in found] if self.converters else found

    def _converted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        cells = list(row)
        for index, converters, column in self.converters:
            for convert in converters:
                cells[index] = convert(cells[index], column, connection)
        return tuple(cells)


def prepared(query: QuerySet[Any, tuple[Any, ...]]) -> Statement:
    """Return the statement of a query of tuples (``values_list``), in which slots may stand."""
    found = part(query)
    return Statement(found.sql, found.slots, found.converters)


def part(query: QuerySet[Any, tuple[Any, ...]]) -> Part:
    """Return the text of a query of tuples (``values_list``), in which slots may stand."""
    compiler: Any = query.query.get_compiler(DEFAULT_DB_ALIAS)
    try:
        sql, values = compiler.as_sql()
    except EmptyResultSet:
        return Part("", (), (), 0)
    columns = [column[0] for column in compiler.select[: compiler.col_count]]
    converters = compiler.get_converters(columns)
    return Part(
        _with_constants(sql, values),
        tuple(value.name for value in values if isinstance(value, Slot)),
        tuple((index, tuple(found), column) for index, (found, column) in converters.items()),
        len(columns),
    )


def condition(query: QuerySet[Any]) -> str:
    """Return what ``query`` asks of a row of its table, as text: true or false where that table's row is at hand.

    It may stand in ``RETURNING``, where the row is as it was written.
    """
    compiler: Any = query.query.get_compiler(DEFAULT_DB_ALIAS)
    try:
        sql, values = compiler.compile(query.query.where)
    except EmptyResultSet:
        return "FALSE"
    except FullResultSet:
        return "TRUE"
    if sum(1 for used in query.query.alias_refcount.values() if used) != 1:
        raise LookupError("what a row is asked must not need another table beside it")
    return f"COALESCE({_with_constants(sql, values)}, FALSE)"


def _with_constants(sql: str, values: Iterable[Any]) -> str:
    """Return ``sql`` with its values in it, so that the server knows their types; places are left for the slots."""
    rest = iter(values)
    operations: Any = connection.ops

    def place(match: re.Match[str]) -> str:
        if match[0] == "%%" or isinstance(value := next(rest), Slot):
            return match[0]
        literal: str = operations.compose_sql("%s", [value])
        return literal.replace("%", "%%")

    return PLACE.sub(place, sql)
