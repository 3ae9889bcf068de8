"""How rows of the demo world reach the tables: emptied first, then copied, sequences moved on afterwards.

It knows tables and columns from the registry, and nothing of what the rows say.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.db import connection

from entities.registry import Field, registry, table_name
from security.recording import begin_again

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, object]
# Columns that no channel offers, so that the registry does not list them among the fields.
_INTERNAL: dict[str, dict[str, object]] = {
    "Territories": {"number": 0, "number_end": 0},
    "Users": {"password": "", "is_staff": False, "is_superuser": False},
    "QuoteItems": {"currency_id": None},
}
# Tables that nothing cascades to from the entities.
_OTHERS = ("auth_group", "entities_counter", "django_session", "security_externalaccess")
_POLICY = (
    "auth_group",
    "security_profile",
    "security_token",
    "security_fieldrule",
    "security_change",
    "security_externalaccess",
)


def _tables() -> tuple[str, ...]:
    return tuple(table_name(entity.model) for entity in registry() if not entity.proxy)


def is_empty() -> bool:
    """Return whether no entity and no policy table holds a row."""
    names = (*_tables(), *_POLICY)
    filled = " OR ".join(f'EXISTS (SELECT FROM "{name}")' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {filled}")
        return not cursor.fetchone()[0]


def empty() -> None:
    """Remove every row of every entity and policy table, and start their sequences again."""
    check_references()  # no table can be emptied while checks of its rows are due
    names = ", ".join(f'"{name}"' for name in (*_tables(), *_OTHERS))
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    begin_again()


def _blank(field: Field) -> object:
    if field.type == "msel":
        return "{}"
    if field.default is not None:
        return field.default
    if field.type == "bool":
        return False
    return "" if field.is_text else None


@lru_cache
def blank(kind: str) -> dict[str, object]:
    """Return the stored columns of ``kind`` with the values of an empty record."""
    columns = {
        field.column: _blank(field) for field in registry()[kind].fields if not field.derived and not field.repeat
    }
    return columns | _INTERNAL.get(kind, {})


def copy(kind: str, rows: Iterable[Row]) -> None:
    """Copy ``rows`` (column → value; what is missing is blank) into the table of ``kind``."""
    empty_row, name = blank(kind), table_name(registry()[kind].model)
    columns = ", ".join(f'"{column}"' for column in empty_row)
    with connection.cursor() as cursor, cursor.copy(f'COPY "{name}" ({columns}) FROM STDIN') as stream:
        for row in rows:
            stream.write_row(tuple((empty_row | row).values()))


def check_references() -> None:
    """Check every reference that is due, and let further ones be checked at the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def defer_only(source: str, target: str) -> None:
    """Check references at the end of each statement, only those of ``source`` to ``target`` at the end of all.

    What is checked later, the server remembers: about ten bytes for each reference of each row.
    """
    kinds = registry()
    tables = [table_name(kinds[kind].model) for kind in (source, target)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(conname), ', ') FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid = %s::regclass AND confrelid = %s::regclass",
            tables,
        )
        names = cursor.fetchone()[0]
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS {names} DEFERRED")


def move_sequences() -> None:
    """Let every key sequence go on after the highest key in use."""
    with connection.cursor() as cursor:
        for name in _tables():
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence(%s, 'id'), greatest(max(id), 1), max(id) > 0) FROM \"{name}\"",
                [name],
            )


def analyze() -> None:
    """Tell the query planner what the tables hold now."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def count_rows() -> dict[str, int]:
    """Return how many rows each kind has."""
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for entity in registry():
            if not entity.proxy:
                cursor.execute(f'SELECT count(*) FROM "{table_name(entity.model)}"')
                found[entity.kind] = cursor.fetchone()[0]
    return found
