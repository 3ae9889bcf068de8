"""Reading ``select`` and ``include`` against the caller's contract (contract.md §8.2, §8.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from api import entries, prototypes
from api.query.bind import unknown_name
from api.query.errors import QueryError
from api.related import Selection
from entities.kinds import fold
from entities.registry import CollectionLink, Entity, Field, registry
from security import gate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.query.parameters import ListQuery
    from api.query.tree import Name
    from security.plan import Access

ROWS_WITH_COLLECTIONS, NODES = 100, 250
_PROTOCOL = frozenset({"$key", "$title", "$url", "$etag", "$updated", "$links"})
_BARE = entries.Projection((), (), owner=False, tag=False, updated=False, links=False)


def selected(access: Access, entity: Entity, query: ListQuery, *, one: bool = False) -> Selection:
    """Return what of each record the answer shows; ``one`` = it is about one record, and not a page of them.

    Raises ``QueryError`` for unknown names and too large a page.
    """
    found = selection_of(access, entity, query)
    check_nodes(1 if one else query.count, found)
    return found


def selection_of(access: Access, entity: Entity, query: ListQuery) -> Selection:
    """Return what the answer shows; raises ``QueryError`` for names outside the caller's contract, and for limits."""
    if query.select is None:
        selection = Selection(entries.whole(access, entity, query.with_labels))
    else:
        selection = _selected(access, entity, query.select, query.with_labels)
    for name in query.include:
        selection = _included(access, entity, selection, name.parts, name, collections=0)
    return selection


def check_nodes(count: int, selection: Selection) -> None:
    """Refuse pages of ``count`` records whose included collections would hold too many entries."""
    collections = _collections(selection)
    if collections and (count > ROWS_WITH_COLLECTIONS or count * collections > NODES):
        message = f"With collections included, count is at most {ROWS_WITH_COLLECTIONS}, count × collections {NODES}."
        raise QueryError("LimitExceeded", message, "include")


def _collections(selection: Selection) -> int:
    inner = [*selection.to_one.values(), *selection.to_many.values()]
    return len(selection.to_many) + sum(_collections(item) for item in inner)


def _selected(access: Access, entity: Entity, names: Sequence[Name], labels: bool) -> Selection:
    selection = Selection(replace(_BARE, labels=labels))
    for name in names:
        selection = _select(access, entity, selection, name.parts, name)
    return selection


def _select(access: Access, entity: Entity, selection: Selection, parts: Sequence[str], name: Name) -> Selection:
    shown = selection.projection
    if len(parts) == 1:
        return replace(selection, projection=_with_name(access, entity, shown, parts[0], name))
    hop = gate.relation(access, entity, parts[0])
    if hop is None:
        raise _unknown(entity, name, "select")
    reference, target = hop
    inner = selection.to_one.get(reference, Selection(_BARE))
    deeper = {**selection.to_one, reference: _select(access, target, inner, parts[1:], name)}
    return replace(selection, projection=_with_relation(shown, reference), to_one=deeper)


def _with_name(access: Access, entity: Entity, shown: entries.Projection, typed: str, name: Name) -> entries.Projection:
    if typed == "*":
        full = entries.whole(access, entity)
        relations = tuple(dict.fromkeys((*shown.relations, *full.relations)))
        return replace(shown, fields=full.fields, relations=relations, owner=True)
    if typed in _PROTOCOL:
        flags: dict[str, Any] = {"$etag": {"tag": True}, "$updated": {"updated": True}, "$links": {"links": True}}
        return replace(shown, **flags.get(typed, {}))
    field = gate.resolve(access, entity, typed)
    if field is not None:
        return shown if field in shown.fields else replace(shown, fields=(*shown.fields, field))
    hop = gate.relation(access, entity, typed)
    if hop is None:
        raise _unknown(entity, name, "select")
    return _with_relation(shown, hop[0])


def _with_relation(shown: entries.Projection, reference: Field) -> entries.Projection:
    return shown if reference in shown.relations else replace(shown, relations=(*shown.relations, reference))


def _included(
    access: Access, entity: Entity, selection: Selection, parts: Sequence[str], name: Name, collections: int
) -> Selection:
    reference, item = _relation(access, entity, parts[0])
    if reference is None and item is None:
        raise _unknown(entity, name, "include")
    target = registry()[reference.target if reference else item.kind if item else ""]
    if item is not None and reference is None:
        collections += 1
        if collections > 1:
            raise QueryError("LimitExceeded", "An included name passes at most one collection.", "include")
        known = selection.to_many.get(item)
        default = replace(entries.whole(access, target), links=False, tag=False, updated=False)
    else:
        known = selection.to_one.get(reference) if reference else None
        default = replace(_BARE, fields=access.shape(target).readable)
    inner = replace(known, projection=default) if known else Selection(default)
    if len(parts) > 1:
        inner = _included(access, target, inner, parts[1:], name, collections)
    if reference is not None:
        shown = _with_relation(selection.projection, reference)
        return replace(selection, projection=shown, to_one={**selection.to_one, reference: inner})
    return replace(selection, to_many={**selection.to_many, item: inner}) if item else selection


def _relation(access: Access, entity: Entity, typed: str) -> tuple[Field | None, CollectionLink | None]:
    """Return the to-one relation that ``typed`` names, otherwise the collection of that kind."""
    hop = gate.relation(access, entity, typed)
    if hop is not None:
        return hop[0], None
    kind = registry().find(typed)
    for item in prototypes.collections(access, entity):
        if fold(typed) == item.name.lower() or (kind is not None and kind.kind == item.kind):
            return None, item
    if kind is not None:
        hop = gate.relation(access, entity, kind.kind)
    return (hop[0] if hop else None), None


def _unknown(entity: Entity, name: Name, path: str) -> QueryError:
    return unknown_name(".".join(name.parts), entity, path)
