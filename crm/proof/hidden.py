"""What one user may not see, found through the plan, and the changes of it that make the second world.

Which rows the user sees, and which columns, is the plan's word: this proof is about what leaks past it (the oracle of
the tests is about the plan itself). Changes touch a sample of the rows of each kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from django.contrib.postgres.aggregates import BitXor
from django.db.models import Count, Sum

from entities.registry import ByReference, Entity, registry
from security import gate
from security.plan import access_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from random import Random

    from entities.registry import Field
    from security.access import Access, Action

ROWS = 200  # of each kind, visible and invisible ones, that requests name and changes touch
_JUDGED: tuple[Action, ...] = ("view", "edit", "delete")
# Told on purpose (docs/security.md, "What is not hidden"): hidden columns of *visible* records that decide what may be
# done to them or where new ones lie.
DECIDING: Mapping[str, tuple[str, ...]] = {
    "Quotes": ("status", "discount_type", "discount_percent", "discount_amount"),
    "Company": ("territory",),
    "Person": ("territory",),
    "Opportunity": ("territory",),
    "Users": ("home_territory",),
}


@dataclass(frozen=True, eq=False)
class Sight:
    """What a user sees: of each kind a sample of visible and of invisible keys, and the hidden columns."""

    access: Access
    visible: Mapping[str, tuple[int, ...]]
    invisible: Mapping[str, tuple[int, ...]]

    @cached_property
    def read(self) -> frozenset[tuple[str, str]]:
        """``(kind, column)`` of everything that the user reads somewhere, or reads something made from."""
        found: set[tuple[str, str]] = set()
        for entity in registry():
            if self.access.knows(entity):
                for field in self.access.shape(entity).readable:
                    _trace(entity, field, found)
        return frozenset(found)

    def hidden(self, entity: Entity) -> list[Field]:
        """Return the stored fields of a kind whose columns the user does not read in any way."""
        return [field for field in stored(entity) if (entity.kind, field.column) not in self.read]

    def hidden_names(self, entity: Entity) -> list[str]:
        """Return the names of a kind that exist, but not for the user."""
        shape = self.access.shape(entity)
        fields = [field.wire for field in entity.fields if not shape.reads(field.name)]
        collections = [item.name for item in entity.collections if not self.access.sees(registry()[item.kind])]
        return [*fields, *collections]


def _trace(entity: Entity, field: Field, found: set[tuple[str, str]]) -> None:
    place = (entity.kind, field.column)
    if place in found:
        return
    found.add(place)
    for kind, name in field.sources:
        source = registry()[kind]
        _trace(source, source.by_name[name], found)


def stored(entity: Entity) -> list[Field]:
    """Return the fields with columns of their own, which can be written."""
    return [f for f in entity.fields if f.stored and not f.derived and not f.repeat and f.type != "key"]


def deciding(entity: Entity) -> set[str]:
    """Return the attributes that decide who sees a row: with other values in them an invisible one may appear."""
    parents = {parent.field for parent in entity.parents if isinstance(parent, ByReference)}
    return {"territory", "team", "created_by", entity.assigned, "owner_table", "owner_id", *parents}


def kinds() -> list[Entity]:
    """Return the kinds with tables of their own."""
    return [entity for entity in registry() if not entity.proxy]


def sight_of(user: int, dice: Random) -> Sight:
    """Return what the user sees now."""
    access = access_for(user, external=True)
    visible: dict[str, tuple[int, ...]] = {}
    invisible: dict[str, tuple[int, ...]] = {}
    for entity in registry():
        seen = gate.rows(access, entity)
        others = gate.system_rows(entity.model).exclude(pk__in=seen.values("pk"))
        if entity.kind == "Users":
            others = others.exclude(pk=user)  # who is asked about stays, even where nobody sees users
        visible[entity.kind] = _sample(seen.values_list("pk", flat=True).order_by("pk")[: 50 * ROWS], dice)
        invisible[entity.kind] = _sample(others.values_list("pk", flat=True).order_by("pk")[: 50 * ROWS], dice)
    return Sight(access, visible, invisible)


def _sample(keys: Iterable[int], dice: Random) -> tuple[int, ...]:
    every = list(keys)
    return tuple(sorted(dice.sample(every, ROWS)) if len(every) > ROWS else every)


def rights(user: int) -> tuple[object, ...]:
    """Return what must be the same in both worlds: the user's plan, and the keys of the rows that it reaches."""
    access = access_for(user, external=True)
    told: list[object] = [access.digest]
    for entity in registry():
        for action in _JUDGED if not entity.view else _JUDGED[:1]:
            if action in access.shape(entity).actions:
                rows = gate.rows(access, entity, action).order_by()
                told.append((entity.kind, action, rows.aggregate(n=Count("pk"), sum=Sum("pk"), xor=BitXor("pk"))))
    return tuple(told)
