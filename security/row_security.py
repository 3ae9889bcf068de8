"""Reading under row-level security, where it is switched on: who reads goes to the database with the statement.

The gate names the actor with every statement, for two actors may be at work in one request. The name is a mark in the
SQL; before the statement runs, the database is told whom its policies are about. What is not marked shows no record.
"""

from __future__ import annotations

import itertools
import re
import secrets
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from django.conf import settings
from django.db.models.sql.datastructures import BaseTable

from entities.registry import registry, table_name
from security.access import Access, once_per_access
from security.row_policies import OPEN, relation_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Model, QuerySet
    from django.db.models.sql.compiler import SQLCompiler

    from entities.registry import Entity

M = TypeVar("M", bound="Model")
_SECRET = secrets.token_hex(8)  # so that no text of a client is a mark
_MARK = re.compile(rf"/\*reader {_SECRET}-(\d+)\*/")
_numbers = itertools.count(1)
_readers: WeakValueDictionary[str, Access] = WeakValueDictionary()
_told: WeakKeyDictionary[Any, tuple[str, bool]] = WeakKeyDictionary()
_relation = cache(relation_of)


class _Locked(BaseTable):
    """What holds the records of a kind, read by ``access`` under the policies of the database."""

    def __init__(self, entity: Entity, alias: str, access: Access) -> None:
        super().__init__(table_name(entity.model), alias)  # by which Django knows it
        self.entity, self.access, self.alias = entity, access, alias

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[str | int, ...]]:
        """Return the table with its schema and the mark of the reader."""
        quote = connection.ops.quote_name
        alias = compiler.quote_name_unless_alias(self.alias)  # as the columns are told apart
        schema, name = _relation(self.entity)
        return f"{quote(schema)}.{quote(name)} {alias} /*reader {_SECRET}-{_number(self.access)}*/", ()

    def relabeled_clone(self, change_map: dict[str | None, str]) -> _Locked:
        """Return the same table under the alias that ``change_map`` gives it."""
        return _Locked(self.entity, change_map.get(self.alias, self.alias), self.access)


@once_per_access
def _number(access: Access) -> str:
    number = str(next(_numbers))
    _readers[number] = access
    return number


def read_by(access: Access, entity: Entity, query: QuerySet[M]) -> QuerySet[M]:
    """Return ``query`` of records of ``entity`` so that it reads under the lock, where the lock is on."""
    if settings.ROW_SECURITY:
        alias = query.query.get_initial_alias()
        query.query.alias_map[alias] = _Locked(entity, alias, access)
    return query


def introduce(execute: Callable[..., Any], statement: str, values: Any, many: bool, context: dict[str, Any]) -> Any:
    """Tell the database who reads before it runs a marked ``statement``; Django's form of an execute wrapper."""
    readers = set(_MARK.findall(statement))
    if readers:
        (number,) = readers  # ValueError: nobody may read for two at once
        _enter(context["connection"], number)
    return execute(statement, values, many, context)


def _enter(connection: BaseDatabaseWrapper, number: str) -> None:
    """Tell the database who reads, unless it knows.

    Inside a transaction it is told for that transaction only, again and again: a savepoint may take it back. So what
    was told outside of one stays true for as long as the connection lives.
    """
    raw: Any = connection.connection
    inside = connection.in_atomic_block or not connection.get_autocommit()
    known, overlaid = _told.get(raw, ("", False))
    if overlaid and not inside:
        known, overlaid = _told[raw] = known, False  # what was told for a transaction ended with it
    if known == number and not overlaid:
        return
    access = _readers[number]
    kinds = [entity.kind.lower() for entity in registry() if access.sees(entity)]
    with connection.wrap_database_errors, raw.cursor() as cursor:
        cursor.execute(
            f"SELECT {OPEN}.enter(%s, %s::text[], %s::text[], %s)",
            [access.actor.id, kinds, list(access.wires), inside],
        )
    _told[raw] = (known, True) if inside else (number, False)


def attach(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Let every statement of a connection pass ``introduce``; called for each new connection."""
    if settings.ROW_SECURITY and introduce not in connection.execute_wrappers:
        connection.execute_wrappers.append(introduce)
