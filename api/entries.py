"""From selected rows to entries: values, linked records, links, tags; set-wise, in a constant number of statements.

It shows what the gate selected for the caller's shape; it never asks for a row or a column itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api import prototypes, workflow
from api.etags import entity_tag
from api.values import to_json
from entities.registry import ByOwner, Entity, Field, registry
from security import gate
from security.access import once_per_access

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from django.db.models import QuerySet

    from entities.registry import Record
    from security.plan import Access

STAMPS = ("created_by", "created_at", "updated_by", "updated_at")
UNTAGGED = ("updated_at", "updated_by")
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
    """Rows as ``gate.select`` yields them, the fields that their columns hold, and how many extras follow."""

    fields: tuple[Field, ...]
    rows: Sequence[tuple[Any, ...]]


FIXED_COLUMNS = 4  # key, title, edit flag, delete flag


def load(access: Access, entity: Entity, query: QuerySet[Record], projection: Projection, extra: Any = None) -> Loaded:
    """Run ``query`` for the columns that ``projection`` needs."""
    fields = needed(access, entity, projection)
    return Loaded(fields, list(gate.select(access, entity, query, fields, extra, now=projection.links)))


def load_keys(access: Access, entity: Entity, keys: Collection[int], projection: Projection) -> Loaded:
    """Load those of the records ``keys`` that the caller can see, in no order."""
    fields = needed(access, entity, projection)
    return Loaded(fields, gate.selected(access, entity, keys, fields, now=projection.links))


@once_per_access
def needed(access: Access, entity: Entity, projection: Projection) -> tuple[Field, ...]:
    """Return the fields that are loaded to show ``projection``: those shown, those of links, those that tags need."""
    shape = access.shape(entity)
    fields = list(shape.readable if projection.tag or projection.labels else projection.fields)
    fields += projection.relations
    if projection.updated and shape.reads("updated_at"):
        fields.append(entity.by_name["updated_at"])
    if projection.owner and _has_owner(access, entity):
        fields += [entity.by_name["owner_table"], entity.by_name["owner_id"]]
    if projection.links:
        fields += workflow.state(shape)
    return tuple(dict.fromkeys(fields))


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


Titles = dict[tuple[str, int], str]


def referred(access: Access, entity: Entity, loaded: Loaded) -> dict[str, set[int]]:
    """Return the keys per kind that the rows refer to."""
    wanted: dict[str, set[int]] = {}
    for index, field in enumerate(loaded.fields, FIXED_COLUMNS):
        if field.target:
            wanted.setdefault(field.target, set()).update(row[index] for row in loaded.rows if row[index] is not None)
    if _has_owner(access, entity):
        table, key = (_column(loaded, entity.by_name[name]) for name in ("owner_table", "owner_id"))
        for row in loaded.rows if table and key else ():
            owner = registry().by_table_id.get(row[table or 0])
            if owner:
                wanted.setdefault(owner.kind, set()).add(row[key or 0])
    return wanted


def _column(loaded: Loaded, field: Field) -> int | None:
    return loaded.fields.index(field) + FIXED_COLUMNS if field in loaded.fields else None


def build(access: Access, entity: Entity, loaded: Loaded, projection: Projection, base: str) -> list[dict[str, Any]]:
    """Return the entries of the loaded rows, in their order; one statement for all linked titles."""
    titles = gate.titles(access, referred(access, entity, loaded))
    writer = _Writer(access, entity, loaded.fields, projection, base, titles)
    return [writer.entry(row) for row in loaded.rows]


class _Writer:
    """Builds the entries of one page; what is equal for all rows is worked out once."""

    def __init__(
        self,
        access: Access,
        entity: Entity,
        fields: tuple[Field, ...],
        projection: Projection,
        base: str,
        titles: Titles,
    ) -> None:
        self.access, self.entity, self.projection, self.base, self.titles = access, entity, projection, base, titles
        shown = set(projection.fields)
        self.columns: list[tuple[int, Field, Callable[[Any], Any], bool]] = [
            (index, field, to_json(field), field in shown) for index, field in enumerate(fields, FIXED_COLUMNS)
        ]
        at = {field.name: index for index, field in enumerate(fields, FIXED_COLUMNS)}
        self.links_to = [(at[field.name], field) for field in projection.relations]
        self.updated_at = (
            at.get("updated_at") if projection.updated and access.shape(entity).reads("updated_at") else None
        )
        owner = projection.owner and _has_owner(access, entity)
        self.owner_at = (at["owner_table"], at["owner_id"]) if owner else None
        self.fingerprint = prototypes.kind_fingerprint(access, entity) if projection.tag else ""
        shape = access.shape(entity)
        self.edits, self.deletes = shape.offers("edit"), shape.offers("delete")
        self.collections = prototypes.collections(access, entity) if projection.links else []
        steps = workflow.steps(shape) if projection.links else ()
        self.actions = {step: workflow.request(shape, step) for step in steps}
        self.state = [at[field.name] for field in workflow.state(shape)] if steps else []

    def entry(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """Return one entry in the order of the contract: identity, tag, fields, linked records, links."""
        key = row[0]
        title = row[1] or gate.neutral_title(self.entity, key)
        url = f"{self.base}/{self.entity.kind}('{key}')"
        head: dict[str, Any] = {"$key": key, "$title": title, "$url": url}
        values: dict[str, Any] = {}
        tagged: list[Any] = []
        for index, field, write, shown in self.columns:
            value = row[index]
            if field.target and (field.target, value) not in self.titles:
                value = None
            found = write(value)
            if shown:
                values[field.wire] = found
            if field.name not in UNTAGGED:
                tagged.append(found)
        if self.projection.tag:
            head["$etag"] = entity_tag(self.fingerprint, key, tagged)
        if self.updated_at is not None:
            head["$updated"] = to_json(self.entity.by_name["updated_at"])(row[self.updated_at])
        found_entry = head | values | self._linked(row)
        if self.projection.labels:
            found_entry["$labels"] = self._labels(row)
        if self.projection.links:
            edit = self.edits and row[2]
            links = self._links(url, title, edit=edit, delete=self.deletes and row[3])
            found_entry["$links"] = links | (self._actions(url, row) if edit and self.state else {})
        return found_entry

    def _actions(self, url: str, row: tuple[Any, ...]) -> dict[str, Any]:
        """Return the links of the actions that are possible in the row's state; a kind may have no stage."""
        stage, status = ("", *(row[index] for index in self.state))[-2:]
        return workflow.links(self.actions, url, stage, status)

    def _linked(self, row: tuple[Any, ...]) -> dict[str, Any]:
        found = {field.relation: self._link(field.target, row[index]) for index, field in self.links_to}
        if self.owner_at:
            owner = registry().by_table_id.get(row[self.owner_at[0]])
            if owner:
                found[owner.kind] = self._link(owner.kind, row[self.owner_at[1]])
        return {name: link for name, link in found.items() if link is not None}

    def _link(self, kind: str, key: int | None) -> dict[str, Any] | None:
        title = self.titles.get((kind, key)) if key is not None else None
        return None if title is None else {"$key": key, "$url": f"{self.base}/{kind}('{key}')", "$title": title}

    def _labels(self, row: tuple[Any, ...]) -> dict[str, Any]:
        lists, language = self.access.lists, self.access.actor.language
        found: dict[str, Any] = {}
        for index, field, _, shown in self.columns:
            if shown and field.list_name and row[index]:
                names = {choice.code: choice.label(language) for choice in lists.get(field.list_name, ())}
                codes = row[index]
                labels = [names.get(code, code) for code in (codes if field.type == "msel" else [codes])]
                found[field.wire] = labels if field.type == "msel" else labels[0]
        return found

    def _links(self, url: str, title: str, *, edit: bool, delete: bool) -> dict[str, Any]:
        prototype = f"{self.base}/$prototypes/{self.entity.kind}"
        links: dict[str, Any] = {"$self": {"$url": url, "$title": title}}
        if edit:
            links["$edit"] = {"$url": url, "$method": "PATCH", "$title": "Edit", "$request": prototype}
        if delete:
            links["$delete"] = {"$url": url, "$method": "DELETE", "$title": "Delete"}
        links["$prototype"] = {"$url": prototype, "$title": "Prototype"}
        links["$explain"] = {"$url": f"{url}/$explain", "$title": "Why"}
        for item in self.collections:
            links[item.name] = {"$url": f"{url}/{item.kind}", "$title": registry()[item.kind].plural}
        return links


def reduced(entity: Entity, key: int, base: str) -> dict[str, Any]:
    """Return the answer to a write of a record that its writer may not see (contract.md §7.5)."""
    return {"$key": key, "$title": gate.neutral_title(entity, key), "$url": f"{base}/{entity.kind}('{key}')"}


def keys_of(loaded: Loaded, field: Field) -> set[int]:
    """Return the keys that the rows hold in the reference ``field``."""
    index = _column(loaded, field)
    return {row[index] for row in loaded.rows if row[index] is not None} if index is not None else set()
