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

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from django.db.models import QuerySet

    from entities.registry import Record
    from security.plan import Access

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


def _referring(parent: Entity, item: CollectionLink, keys: Iterable[int]) -> Q:
    """Return the condition that rows (of the linking kind, if there is one) belong to one of the parents."""
    if not item.by:
        return Q(owner_table=parent.table_id, owner_id__in=keys)
    return Q(**{f"{item.by}__in": keys}) & (Q(**{f"{item.unless}__isnull": True}) if item.unless else Q())


def collection_rows(access: Access, parent: Entity, item: CollectionLink, key: int) -> QuerySet[Record]:
    """Return the visible rows of one record's collection; the record itself must be known to be visible."""
    found = gate.rows(access, registry()[item.kind])
    if not item.via:
        return found.filter(_referring(parent, item, [key]))
    links = gate.rows(access, registry()[item.via]).filter(_referring(parent, item, [key]))
    return found.filter(pk__in=links.values(_target_reference(item).column))


def entries_of(
    access: Access, entity: Entity, query: QuerySet[Record], selection: Selection, base: str, extra: Any = None
) -> tuple[list[dict[str, Any]], entries.Loaded]:
    """Return the entries of ``query`` with their relations expanded, and the rows that they were made of."""
    loaded = entries.load(access, entity, query, selection.projection, extra)
    return assemble(access, entity, loaded, selection, base), loaded


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
    """Children that refer to the parent themselves: the first of each parent by a window over the default order."""
    target = registry()[item.kind]
    column = target.by_name[item.by].column if item.by else "owner_id"
    mine = gate.rows(access, target).filter(_referring(parent, item, keys))
    counted = mine.order_by().values(column).annotate(_n=Count("pk")).values_list(column, "_n")
    orders = bind_order(access, target, ())
    place = Window(RowNumber(), partition_by=[F(column)], order_by=order_terms(orders))
    first = in_order(mine, orders).annotate(_place=place).filter(_place__lte=INCLUDED_PER_PARENT)
    query = in_order(gate.rows(access, target).filter(pk__in=first.order_by().values("pk")), orders)
    shown, loaded = entries_of(access, target, query, inner, base, {"_parent": F(column)})
    children: dict[int, list[dict[str, Any]]] = {}
    for entry, row in zip(shown, loaded.rows, strict=True):
        children.setdefault(row[-1], []).append(entry)
    return children, dict(counted)


def _linked(
    access: Access, parent: Entity, item: CollectionLink, inner: Selection, keys: list[int], base: str
) -> Children:
    """Children that a linking kind joins to the parent."""
    via, target = registry()[item.via], registry()[item.kind]
    by, to = via.by_name[item.by].column, _target_reference(item).column
    visible = gate.rows(access, target).values("pk")
    links = gate.rows(access, via).filter(_referring(parent, item, keys), **{f"{to}__in": visible})
    members: dict[int, list[int]] = {}
    for owner, key in links.order_by(by, to).values_list(by, to).distinct():
        members.setdefault(owner, []).append(key)
    wanted = {key for owned in members.values() for key in owned[:INCLUDED_PER_PARENT]}
    by_key = entries_by_key(access, target, wanted, inner, base)
    children = {
        owner: [by_key[key] for key in owned[:INCLUDED_PER_PARENT] if key in by_key] for owner, owned in members.items()
    }
    return children, {owner: len(owned) for owner, owned in members.items()}
