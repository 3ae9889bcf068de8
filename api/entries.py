"""From selected rows to entries: values, linked records, links, tags; set-wise, in a constant number of statements.

It shows what the gate selected for the caller's shape; it never asks for a row or a column itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api import prototypes, workflow
from api.etags import tagger
from api.writer import made
from entities.registry import ByOwner, Entity, Field, registry
from security import directory, gate, reading
from security.access import once_per_access
from security.reading import Columns

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from api.writer import Write
    from security.plan import Access

STAMPS = ("created_by", "created_at", "updated_by", "updated_at")
QUIET = ("created_by", "updated_by")


@dataclass(frozen=True)
class Projection:
    """What of each entry is shown: fields, relations (reference fields whose link object appears), members.

    ``owner`` = the link object of a generic owner (Phone, Email). With ``tag`` all readable fields are loaded.
    """

    fields: tuple[Field, ...]
    relations: tuple[Field, ...]
    owner: bool = True
    tag: bool = True
    updated: bool = True
    links: bool = True
    labels: bool = False


@once_per_access
def whole(access: Access, entity: Entity, labels: bool = False) -> Projection:
    """Return the projection of a full entry: all readable fields, all link objects but the stamps'."""
    relations = tuple(field for field in prototypes.relations(access, entity) if field.name not in QUIET)
    return Projection(access.shape(entity).readable, relations, labels=labels)


@dataclass(frozen=True)
class Loaded:
    """Rows as ``reading`` yields them, and what stands where in them."""

    columns: Columns
    rows: Sequence[tuple[Any, ...]]


def load_keys(access: Access, entity: Entity, keys: Collection[int], projection: Projection) -> Loaded:
    """Load those of the records ``keys`` that the caller can see, in no order."""
    columns = needed(access, entity, projection)
    return Loaded(columns, reading.records(access, entity, keys, columns))


@once_per_access
def needed(access: Access, entity: Entity, projection: Projection) -> Columns:
    """Return what is loaded to show ``projection``: the fields shown, those of links, those that tags need."""
    shape = access.shape(entity)
    fields = list(shape.readable if projection.tag or projection.labels else projection.fields)
    fields += projection.relations
    if projection.updated and shape.reads("updated_at"):
        fields.append(entity.by_name["updated_at"])
    owner = projection.owner and _has_owner(access, entity)
    if owner:
        fields += [entity.by_name["owner_table"], entity.by_name["owner_id"]]
    if projection.links:
        fields += workflow.state(shape)
    untitled = directory.remembered_kinds(access)
    return Columns(tuple(dict.fromkeys(fields)), now=projection.links, owner=owner, untitled=untitled)


def _has_owner(access: Access, entity: Entity) -> bool:
    shape = access.shape(entity)
    owned = any(isinstance(parent, ByOwner) for parent in entity.parents)
    return owned and shape.reads("owner_table") and shape.reads("owner_id")


def owner_kinds(access: Access, entity: Entity) -> list[str]:
    """Return the kinds of record that the link object of a generic owner can name for the caller."""
    if not _has_owner(access, entity):
        return []
    named = [kind for parent in entity.parents if isinstance(parent, ByOwner) for kind in parent.kinds]
    return [kind for kind in named if access.sees(registry()[kind])]


def build(access: Access, entity: Entity, loaded: Loaded, projection: Projection, base: str) -> list[dict[str, Any]]:
    """Return the entries of the loaded rows, in their order."""
    wanted: dict[str, set[int | None]] = {}
    for field, at in loaded.columns.named.items():
        wanted.setdefault(field.target, set()).update({row[at] for row in loaded.rows})
    names = directory.titles(access, wanted)
    return writer(access, entity, projection, base)(loaded.rows, names)


@once_per_access
def writer(access: Access, entity: Entity, projection: Projection, base: str) -> Write:
    """Return what writes such entries; ``base`` is where the contract's addresses start."""
    tag = tagger(prototypes.kind_fingerprint(access, entity)) if projection.tag else None
    return made(access, entity, projection, needed(access, entity, projection), base, tag)


def reduced(entity: Entity, key: int, base: str) -> dict[str, Any]:
    """Return the answer to a write of a record that its writer may not see (contract.md §7.5)."""
    return {"$key": key, "$title": gate.neutral_title(entity, key), "$url": f"{base}/{entity.kind}('{key}')"}


def keys_of(loaded: Loaded, field: Field) -> set[int]:
    """Return the keys that the rows hold in the reference ``field``."""
    at = loaded.columns.at.get(field)
    return {row[at] for row in loaded.rows if row[at] is not None} if at is not None else set()
