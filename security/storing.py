"""Writing rows: each is stored, judged as it was written, and noted in the trail, by one statement for all of them.

``RETURNING`` sees a row as it was written, so that what the gate asks of it afterwards stands there. The values go in
as one JSON text, whatever their number, so that the statement is always the same one. It is not asked here who may
write what; a row that the gate does not find is the caller's to undo. Models that save in their own way go through
Django.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models.signals import post_save, pre_save

from entities.registry import plain_columns, table_name
from security import gate
from security.access import once_per_access
from security.models import Change
from security.running import run
from security.statements import condition

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from entities.models import Record
    from entities.registry import Column, Entity
    from security.plan import Access, Action


def insert(
    access: Access, entity: Entity, records: Sequence[Record], names: Sequence[Iterable[str]], *, judged: bool = True
) -> list[bool]:
    """Store new records in their order, which get their keys, and the ``names`` of the fields that each was given.

    Return of each whether it lies where the actor may insert; not ``judged``, it is not asked. Raises what the database
    does.
    """
    columns = plain_columns(entity.model)
    if columns is None:
        return [
            _saved(access, entity, record, given, judged=judged) for record, given in zip(records, names, strict=True)
        ]
    _tell(pre_save, records, created=None)
    keyed = bool(records) and records[0].pk is not None  # by who listens
    places = sorted(range(len(records)), key=lambda place: records[place].pk or 0)  # rows come back by their keys
    written = columns if keyed else columns[1:]
    fields = [sorted(names[place]) for place in places]
    ordered = [records[place] for place in places]
    rows = _run(_inserting(access, entity, keyed, judged), ordered, written, fields, _time(records[0]))
    held = dict(zip(places, (allowed for _, allowed in rows), strict=True))
    for record, (key, _) in zip(ordered, rows, strict=True):
        record.pk = key
        record._state.adding, record._state.db = False, DEFAULT_DB_ALIAS
    _tell(post_save, records, created=True)
    return [held[place] for place in range(len(records))]


def update(access: Access, entity: Entity, record: Record, changed: Collection[str], names: Iterable[str]) -> bool:
    """Store the columns ``changed`` of a stored record, and the ``names`` of the fields that they are.

    Return whether it lies where the actor may edit. Raises what the database does.
    """
    columns = plain_columns(entity.model)
    if columns is None:
        record.save(update_fields=list(changed))
        note(access, entity, [record.pk], "edit", names, _time(record))
        return gate.rows_after(access, entity, "edit").filter(pk=record.pk).exists()
    _tell(pre_save, [record], created=None)
    written = tuple(column for column in columns if column.attribute in changed)
    statement = _updating(access, entity, written)
    ((_, held),) = _run(statement, [record], (columns[0], *written), sorted(names), _time(record))
    _tell(post_save, [record], created=False)
    return held


def note(access: Access, entity: Entity, keys: Iterable[int], action: str, names: Iterable[str], now: datetime) -> None:
    """Note in the trail what was done to records."""
    told = {"action": action, "fields": sorted(names), "user_id": access.actor.id, "at": now}
    Change.objects.bulk_create([Change(kind=entity.kind, key=key, **told) for key in keys])


def _time(record: Any) -> datetime:
    found: datetime = record.updated_at
    return found


def _saved(access: Access, entity: Entity, record: Record, names: Iterable[str], *, judged: bool) -> bool:
    record.save(force_insert=True)
    note(access, entity, [record.pk], "insert", names, _time(record))
    return not judged or gate.rows_after(access, entity, "insert").filter(pk=record.pk).exists()


def _tell(signal: Any, records: Sequence[Record], *, created: bool | None) -> None:
    """Tell whoever listens that records are saved, as Django does."""
    if records and signal.has_listeners(type(records[0])):
        more = {} if created is None else {"created": created}
        for record in records:
            signal.send(type(record), instance=record, raw=False, using=DEFAULT_DB_ALIAS, update_fields=None, **more)


def _run(
    sql: str, records: Sequence[Record], columns: Sequence[Column], fields: list[Any], now: datetime
) -> list[tuple[int, bool]]:
    rows = [{column.name: getattr(record, column.attribute) for column in columns} for record in records]
    return run(sql, [_json(rows), now, _json(fields)])


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


@once_per_access
def _inserting(access: Access, entity: Entity, keyed: bool, judged: bool) -> str:
    """Return the statement that stores rows in the order of their values; keys follow that order."""
    columns = plain_columns(entity.model) or ()
    written = columns if keyed else columns[1:]
    table, key, names = _quoted(table_name(entity.model)), _quoted(columns[0].name), _names(written)
    held = _held(access, entity, "insert") if judged else "TRUE"
    return (
        f"WITH stored AS (INSERT INTO {table} ({names}) SELECT {names} FROM {_given(written)}"
        f" RETURNING {table}.{key} AS key, {held} AS held), numbered AS"
        " (SELECT key, row_number() OVER (ORDER BY key) AS place FROM stored),"
        f" {_noted(access, entity, 'insert', 'told.names')}"
        " FROM numbered JOIN jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS told (names, place) USING (place))"
        " SELECT key, held FROM stored ORDER BY key"
    )


@once_per_access
def _updating(access: Access, entity: Entity, columns: tuple[Column, ...]) -> str:
    """Return the statement that stores ``columns`` of one row."""
    key = (plain_columns(entity.model) or ())[0]
    table = _quoted(table_name(entity.model))
    values = ", ".join(f"{_quoted(column.name)} = given.{_quoted(column.name)}" for column in columns)
    return (
        f"WITH stored AS (UPDATE {table} SET {values} FROM {_given((key, *columns))}"
        f" WHERE {table}.{_quoted(key.name)} = given.{_quoted(key.name)}"
        f" RETURNING {table}.{_quoted(key.name)} AS key, {_held(access, entity, 'edit')} AS held),"
        f" {_noted(access, entity, 'edit', '%s::jsonb')} FROM stored) SELECT key, held FROM stored"
    )


def _held(access: Access, entity: Entity, action: Action) -> str:
    """Return whether the row as written is where the gate finds it after ``action``."""
    return condition(gate.rows_after(access, entity, action))


def _given(columns: Iterable[Column]) -> str:
    typed = ", ".join(f"{_quoted(column.name)} {column.type}" for column in columns)
    return f"json_to_recordset(%s::json) AS given ({typed})"


def _noted(access: Access, entity: Entity, action: str, fields: str) -> str:
    return (
        f"noted AS (INSERT INTO {_quoted(table_name(Change))} (kind, key, action, user_id, at, fields)"
        f" SELECT '{entity.kind}', key, '{action}', {access.actor.id}, %s::timestamptz, {fields}"
    )


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(_quoted(column.name) for column in columns)


def _quoted(name: str) -> str:
    quoted: str = connection.ops.quote_name(name)
    return quoted
