"""Following relations: the rows of a collection, and expanding relations in place (contract.md §8.3, §15).

Every hop asks the gate for the target's own rows; the number of statements does not depend on the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber

from api import entries
from api.pagination import in_order, order_terms
from api.query.bind import bind_order
from entities.registry import CollectionLink, Entity, Field, registry
from security import gate
from security.access import once_per_access
from security.statements import Statement, among, prepared

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from django.db.models import QuerySet

    from entities.registry import Record
    from security.plan import Access
    from security.predicates import Form

INCLUDED_PER_PARENT = 100


@dataclass(frozen=True)
class Selection:
    """What of an entity's records is shown, and which relations are expanded how."""

    projection: entries.Projection
    to_one: Mapping[Field, Selection] = field(default_factory=dict)
    to_many: Mapping[CollectionLink, Selection] = field(default_factory=dict)


def _target_reference(item: CollectionLink) -> Field:
    """Return the field of the linking kind that names the target of a collection."""
    return next(f for f in registry()[item.via].fields if f.target == item.kind)


def primary_field(parent: Entity, kind: str) -> Field | None:
    """Return the field of ``parent`` that names the primary member of ``kind``, which ``$isDefault`` sets."""
    return parent.by_name.get({"Person": "primary_person", "Address": "primary_address"}.get(kind, ""))


def _referring(parent: Entity, item: CollectionLink) -> Q:
    """Return the condition that rows (of the linking kind, if there is one) belong to one of the slot ``parents``."""
    if not item.by:
        return Q(among("owner_id", "parents"), owner_table=parent.table_id)
    target = registry()[item.via or item.kind]
    belongs = Q(among(target.by_name[item.by].column, "parents"))
    return belongs & Q(**{f"{item.unless}__isnull": True}) if item.unless else belongs


def collection_rows(access: Access, parent: Entity, item: CollectionLink, form: Form = "open") -> QuerySet[Record]:
    """Return the visible rows of the collection of the records whose keys the slot ``parents`` will hold.

    The records themselves must be known to be visible.
    """
    found = gate.rows(access, registry()[item.kind], form=form)
    if not item.via:
        return found.filter(_referring(parent, item))
    links = gate.rows(access, registry()[item.via]).filter(_referring(parent, item))
    return found.filter(pk__in=links.values(_target_reference(item).column))


def belongs(access: Access, parent: Entity, item: CollectionLink, key: int, member: int) -> bool:
    """Whether the visible record ``key`` has the record ``member`` in its collection, for the actor to see."""
    return bool(_belonging(access, parent, item).rows(parents=[key], keys=[member]))


@once_per_access
def _belonging(access: Access, parent: Entity, item: CollectionLink) -> Statement:
    return prepared(collection_rows(access, parent, item).filter(among("pk", "keys")).order_by().values_list("pk"))


def entries_by_key(
    access: Access, entity: Entity, keys: Collection[int], selection: Selection, base: str
) -> dict[int, dict[str, Any]]:
    """Return the entries of those records ``keys`` that the caller can see, by key, with their relations expanded."""
    loaded = entries.load_keys(access, entity, keys, selection.projection)
    found = assemble(access, entity, loaded, selection, base)
    return {row[0]: entry for row, entry in zip(loaded.rows, found, strict=True)}


def assemble(
    access: Access, entity: Entity, loaded: entries.Loaded, selection: Selection, base: str
) -> list[dict[str, Any]]:
    """Return the entries of loaded rows with their relations expanded."""
    found = entries.build(access, entity, loaded, selection.projection, base)
    for reference, inner in selection.to_one.items():
        _expand_to_one(access, reference, inner, loaded, found, base)
    for item, inner in selection.to_many.items():
        _expand_to_many(access, entity, item, inner, found, base)
    return found


def _expand_to_one(
    access: Access,
    reference: Field,
    inner: Selection,
    loaded: entries.Loaded,
    found: Sequence[dict[str, Any]],
    base: str,
) -> None:
    target = registry()[reference.target]
    by_key = entries_by_key(access, target, entries.keys_of(loaded, reference), inner, base)
    for entry in found:
        link = entry.get(reference.relation)
        if link is not None and link["$key"] in by_key:
            entry[reference.relation] = by_key[link["$key"]]


def _expand_to_many(
    access: Access,
    parent: Entity,
    item: CollectionLink,
    inner: Selection,
    found: Sequence[dict[str, Any]],
    base: str,
) -> None:
    keys = [entry["$key"] for entry in found]
    children, totals = (_linked if item.via else _referred)(access, parent, item, inner, keys, base)
    for entry in found:
        links = entry.pop("$links", None)
        entry[item.name] = {
            "$url": f"{entry['$url']}/{item.kind}",
            "$totalResults": totals.get(entry["$key"], 0),
            "$resources": children.get(entry["$key"], []),
        }
        if links is not None:
            entry["$links"] = links


Children = tuple[dict[int, list[dict[str, Any]]], dict[int, int]]


def _referred(
    access: Access, parent: Entity, item: CollectionLink, inner: Selection, keys: list[int], base: str
) -> Children:
    """Children that refer to the parent themselves: the first of each parent in the default order, and how many."""
    rows = _first_of_each(access, parent, item).rows(parents=keys)
    by_key = entries_by_key(access, registry()[item.kind], [key for _, key, _ in rows], inner, base)
    children: dict[int, list[dict[str, Any]]] = {}
    for owner, key, _ in rows:
        if key in by_key:
            children.setdefault(owner, []).append(by_key[key])
    return children, {owner: total for owner, _, total in rows}


@once_per_access
def _first_of_each(access: Access, parent: Entity, item: CollectionLink) -> Statement:
    """Return the statement of (parent, child, how many children the parent has) for the first ones of each parent."""
    target = registry()[item.kind]
    column = target.by_name[item.by].column if item.by else "owner_id"
    orders = bind_order(access, target, ())
    mine = in_order(collection_rows(access, parent, item), orders)
    place = Window(RowNumber(), partition_by=[F(column)], order_by=order_terms(orders))
    total = Window(Count("*"), partition_by=[F(column)])
    first = mine.annotate(_place=place, _total=total).filter(_place__lte=INCLUDED_PER_PARENT)
    return prepared(first.order_by(column, "_place").values_list(column, "pk", "_total"))


def _linked(
    access: Access, parent: Entity, item: CollectionLink, inner: Selection, keys: list[int], base: str
) -> Children:
    """Children that a linking kind joins to the parent."""
    target = registry()[item.kind]
    members: dict[int, list[int]] = {}
    for owner, key in _links(access, parent, item).rows(parents=keys):
        members.setdefault(owner, []).append(key)
    wanted = {key for owned in members.values() for key in owned[:INCLUDED_PER_PARENT]}
    by_key = entries_by_key(access, target, wanted, inner, base)
    children = {
        owner: [by_key[key] for key in owned[:INCLUDED_PER_PARENT] if key in by_key] for owner, owned in members.items()
    }
    return children, {owner: len(owned) for owner, owned in members.items()}


@once_per_access
def _links(access: Access, parent: Entity, item: CollectionLink) -> Statement:
    """Return the statement of (parent, child) for all children that a linking kind joins to one of the parents."""
    via = registry()[item.via]
    by, to = via.by_name[item.by].column, _target_reference(item).column
    visible = gate.rows(access, registry()[item.kind]).values("pk")
    links = gate.rows(access, via).filter(_referring(parent, item), **{f"{to}__in": visible})
    return prepared(links.order_by(by, to).values_list(by, to).distinct())
