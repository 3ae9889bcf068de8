"""System checks: every entity is well declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from entities.models import Record
from entities.registry import Entity, registry

if TYPE_CHECKING:
    from collections.abc import Iterator


@register()
def declarations_are_sound(**_: Any) -> list[CheckMessage]:
    """Report names that differ only in case, fields named like relations, and unknown attributes."""
    return [message for entity in registry() for message in _problems(entity)]


@register()
def workflows_off_exist(**_: Any) -> list[CheckMessage]:
    """Report kinds that the setting ``WORKFLOWS_OFF`` names although they have no workflow."""
    known = {entity.kind for entity in registry() if entity.workflow is not None}
    wrong = [kind for kind in getattr(settings, "WORKFLOWS_OFF", ()) if kind not in known]
    return [Error(f"WORKFLOWS_OFF: {kind} has no workflow", id="entities.E007") for kind in wrong]


def _problems(entity: Entity) -> Iterator[CheckMessage]:
    def error(text: str, number: int) -> Error:
        return Error(f"{entity.kind}: {text}", obj=entity.model, id=f"entities.E{number:03}")

    if len(entity.by_wire) != len(entity.fields):
        yield error("two fields have the same name on the wire, in any case", 1)
    relations = {*entity.relations, *(item.name.lower() for item in entity.collections)}
    for name in relations & set(entity.by_wire):
        yield error(f"the field {name} is named like a relation", 2)
    for name in (*entity.title, *entity.search, *entity.order):
        if name not in entity.by_name and not hasattr(entity.model, name):
            yield error(f"no attribute {name}", 3)
    if entity.model.__str__ is not Record.__str__:
        yield error("its text is its title: declare a title instead of __str__", 5)
    for item in entity.collections:
        target = registry().find(item.via or item.kind)
        if target is None or (item.by and item.by not in target.by_name):
            yield error(f"the collection {item.name} does not lead anywhere", 4)
    flow = entity.workflow
    for name in flow.attributes if flow else ():
        if name not in entity.by_name:
            yield error(f"the workflow names no attribute {name}", 6)
