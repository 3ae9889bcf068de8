"""SQL texts with typed parameters: the only form in which this package writes SQL.

Every text is a constant of this package; what a client wrote travels as a parameter, never as text.
"""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db.models import (
    BooleanField,
    DateTimeField,
    DecimalField,
    Field,
    Func,
    IntegerField,
    TextField,
    TimeField,
    Value,
)

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.expressions import Combinable
    from django.db.models.sql.compiler import SQLCompiler

TEXT: Field[Any, Any] = TextField()
NUMBER: Field[Any, Any] = DecimalField()
BOOLEAN: Field[Any, Any] = BooleanField()
MOMENT: Field[Any, Any] = DateTimeField()
TIME: Field[Any, Any] = TimeField()
_INTEGER: Field[Any, Any] = IntegerField()


class Sql(Func):
    """A text of ours in which each ``{}`` stands for one expression.

    A part that is such a text itself is written in at once: a condition of any depth becomes one flat
    expression, so that neither its depth nor Django's recursion over expressions is a limit.
    """

    text: str

    def __init__(self, text: str, *parts: Combinable, output_field: Field[Any, Any] = BOOLEAN) -> None:
        first, *texts = text.split("{}")
        pieces, leaves = [first], list[Any]()
        for part, following in zip(parts, texts, strict=True):
            pieces += [part.text if isinstance(part, Sql) else "{}", following]
            leaves += part.get_source_expressions() if isinstance(part, Sql) else [part]
        super().__init__(*leaves, output_field=output_field)
        self.text = "".join(pieces)
        self._constructor_args = ((self.text, *leaves), {"output_field": output_field})

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *_: Any, **__: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """The text with its parts in place."""
        first, *texts = self.text.split("{}")
        pieces = [first]
        params: list[Any] = []
        for part, text in zip(self.source_expressions, texts, strict=True):
            try:
                sql, values = compiler.compile(part)
            except EmptyResultSet:
                # A sub-query over no rows at all: an empty value, not an empty answer.
                sql, values = f"NULL::{part.output_field.cast_db_type(connection)}", ()
            pieces += [sql, text]
            params += values
        return "".join(pieces), tuple(params)


def parameter(value: str | bool | int | Decimal | datetime | time) -> Sql:
    """A client's value, typed in the statement itself so that nothing is left to inference."""
    match value:
        case bool():
            return Sql("TRUE" if value else "FALSE")
        case str():
            return Sql("{}::text", Value(value, output_field=TEXT), output_field=TEXT)
        case int():  # bracketed, because a cast binds tighter than the sign
            return Sql("({})::integer", Value(value, output_field=_INTEGER), output_field=NUMBER)
        case Decimal():
            return Sql("({})::numeric", Value(value, output_field=NUMBER), output_field=NUMBER)
        case datetime():
            return Sql("{}::timestamptz", Value(value, output_field=MOMENT), output_field=MOMENT)
        case time():
            return Sql("{}::time", Value(value, output_field=TIME), output_field=TIME)


def folded(text: Combinable) -> Sql:
    """The one form in which texts are compared and ordered, that of the indexes of ``entities``."""
    return Sql('(lower({}) COLLATE "C")', text, output_field=TEXT)
