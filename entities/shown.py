"""The further columns of a view: fields of other kinds, compiled from their declarations (entities.md §8).

It works on what ``registry`` has compiled and knows neither models nor who asks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from entities.declaration import First, Shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from entities.kinds import Entity, Field


def with_shown(entity: Entity, entities: Mapping[str, Entity]) -> Entity:
    """Return ``entity`` with the fields that it shows of others.

    Raises ``LookupError`` where a declaration leads nowhere.
    """
    fields = (*entity.fields, *(_field(entity, shown, entities) for shown in entity.shown))
    return replace(
        entity,
        fields=fields,
        by_wire={field.wire.lower(): field for field in fields},
        by_name={field.name: field for field in fields},
    )


def _field(entity: Entity, shown: Shown, entities: Mapping[str, Entity]) -> Field:
    """Compile one: readable as its source and all that leads there, known where their kinds are seen."""
    if isinstance(shown, First):
        owned = entities[shown.kind]
        source = owned.by_name[shown.attribute]
        needed = (shown.attribute, "type", "owner_table", "owner_id")
        sources = tuple((owned.kind, name) for name in needed)
        passes: tuple[str, ...] = (owned.kind,)
    else:
        steps = list(_steps(entity, shown.path, entities))
        source = steps[-1][1]
        sources = tuple((at.kind, field.name) for at, field in steps)
        passes = tuple(at.kind for at, _ in steps[1:])
    wire = shown.wire or source.wire
    return replace(
        read_only(source),
        wire=wire,
        name=wire.lower(),
        column=wire.lower(),
        type="int" if source.type == "key" else source.type,
        title=shown.title or source.title,
        relation="",
        sources=sources,
        expression=None,
        shown=shown,
        passes=passes,
    )


def read_only(field: Field) -> Field:
    """Return ``field`` as a view has it: nothing about it can be written, so nothing is asked or given."""
    return replace(
        field,
        required=False,
        system=True,
        default=None,
        completed=False,
        fixed=False,
        search=False,
        upsert=False,
        administrators=False,
    )


def _steps(entity: Entity, path: tuple[str, ...], entities: Mapping[str, Entity]) -> Iterator[tuple[Entity, Field]]:
    """Yield the fields along ``path``, each with the kind that it is a field of."""
    at = entity
    for name in path:
        field = at.by_name[name]
        yield at, field
        at = entities.get(field.target, at)
