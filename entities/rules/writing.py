"""How rules write neighbours of the record: stamped, reported, and only where something changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entities.registry import registry

if TYPE_CHECKING:
    from collections.abc import Container

    from django.db.models import QuerySet

    from entities.models import Record
    from entities.rules.circumstances import Circumstances


def change(record: Record, c: Circumstances, **values: Any) -> None:
    """Write those of ``values`` (by column) that differ to the row and to ``record``."""
    different = {name: new for name, new in values.items() if getattr(record, name) != new}
    if not different:
        return
    stamped = {**different, "updated_at": c.now, "updated_by_id": c.actor.pk}
    c.rows(type(record)).filter(pk=record.pk).update(**stamped)
    for name, value in stamped.items():
        setattr(record, name, value)
    c.wrote(type(record), [record.pk], "update", _attributes(type(record), different))


def change_all(rows: QuerySet[Any], c: Circumstances, **values: Any) -> None:
    """Write ``values`` (by column) to all of ``rows``, which are rows that hold other ones."""
    keys = _locked_keys(rows)
    if keys:
        stamps = {"updated_at": c.now, "updated_by_id": c.actor.pk}
        c.rows(rows.model).filter(pk__in=keys).update(**values, **stamps)
        c.wrote(rows.model, keys, "update", _attributes(rows.model, values))


def discard(rows: QuerySet[Any], c: Circumstances) -> list[int]:
    """Mark all of ``rows`` deleted; return their keys."""
    keys = _locked_keys(rows)
    if keys:
        c.rows(rows.model).filter(pk__in=keys).update(deleted_at=c.now, deleted_by_id=c.actor.pk)
        c.wrote(rows.model, keys, "delete", [])
    return keys


def _attributes(model: type[Record], columns: Container[str]) -> list[str]:
    fields = registry().by_model[model].fields
    return [field.name for field in fields if field.column in columns and not field.repeat]


def _locked_keys(rows: QuerySet[Any]) -> list[int]:
    # Locking first lets PostgreSQL test the condition again on rows that another write held.
    locked = rows.select_for_update(no_key=True).order_by("pk")
    return list(locked.values_list("pk", flat=True))
