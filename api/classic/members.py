"""What a payload element may hold and in which order: read by the writer of payloads and by the writer of the XSD.

It comes from the caller's shape alone, so that the two agree and what is hidden is in neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api import entries, prototypes
from entities.registry import CollectionLink, Field, registry
from security.access import once_per_access

if TYPE_CHECKING:
    from entities.registry import Entity
    from security.plan import Access


@dataclass(frozen=True)
class Member:
    """One child element: ``key`` is its name in the JSON entry, ``name`` the element's.

    A field has no ``target``; a linked record has one; so has a collection, and its ``collection``.
    """

    key: str
    name: str
    title: str
    field: Field | None = None
    target: str = ""
    collection: CollectionLink | None = None


@once_per_access
def members(access: Access, entity: Entity) -> tuple[Member, ...]:
    """Return the members of a kind: readable fields in catalogue order, linked records, the owner, collections."""
    fields = [Member(field.wire, field.wire.lower(), field.title, field) for field in access.shape(entity).readable]
    links = {field.relation: (field.title, field.target) for field in prototypes.relations(access, entity)}
    for kind in entries.owner_kinds(access, entity):
        links.setdefault(kind, (registry()[kind].label, kind))
    collections = [
        Member(item.name, f"{element(item.kind)}Collection", registry()[item.kind].plural, None, item.kind, item)
        for item in prototypes.collections(access, entity)
    ]
    linked = [Member(name, name.lower(), title, None, target) for name, (title, target) in links.items()]
    return (*fields, *linked, *collections)


def element(kind: str) -> str:
    """Return the name of a kind in the classic contract, in addresses and elements."""
    return kind.lower()


def address(base: str, kind: str, key: int | None = None) -> str:
    """Return the address of a kind or a record in the classic contract."""
    return f"{base}/{element(kind)}" + ("" if key is None else f"('{key}')")
