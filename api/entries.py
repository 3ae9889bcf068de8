"""From selected rows to entries: values, linked records, links, tags; set-wise, in a constant number of statements.

It shows what the gate selected for the caller's shape; it never asks for a row or a column itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from api import prototypes, workflow
from api.etags import tagger
from api.values import as_is, text_or_none, to_json
from entities.registry import ByOwner, Entity, Field, registry
from security import gate, reading
from security.access import once_per_access
from security.reading import FIXED_COLUMNS, Columns

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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
    return Columns(tuple(dict.fromkeys(fields)), now=projection.links, owner=owner)


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
    entry = writer(access, entity, projection, base).entry
    return [entry(row) for row in loaded.rows]


@once_per_access
def writer(access: Access, entity: Entity, projection: Projection, base: str) -> Writer:
    """Return what writes such entries; ``base`` is where the contract's addresses start."""
    return Writer(access, entity, projection, needed(access, entity, projection), base)


class Writer:
    """Writes entries from rows: what is equal for all rows of a kind and a caller is worked out once."""

    def __init__(self, access: Access, entity: Entity, projection: Projection, columns: Columns, base: str) -> None:
        self.access, self.entity, self.base, self.columns = access, entity, base, columns
        fields, shown, shape = columns.fields, set(projection.fields), access.shape(entity)
        place = {field.name: index for index, field in enumerate(fields)}
        self.url = f"{base}/{entity.kind}('"
        self.last = FIXED_COLUMNS + len(fields)
        self.references = [(place[field.name], index) for field, index in columns.titles.items()]
        self.texts = [index for index, field in enumerate(fields) if to_json(field) is text_or_none]
        self.writes = [
            (index, to_json(field)) for index, field in enumerate(fields) if to_json(field) not in (text_or_none, as_is)
        ]
        self.shown = [(index, field) for index, field in enumerate(fields) if field in shown]
        self.names = [field.wire for _, field in self.shown]
        self.all_shown = len(self.shown) == len(fields)
        self.tagged = [index for index, field in enumerate(fields) if field.name not in UNTAGGED]
        self.tag = tagger(prototypes.kind_fingerprint(access, entity)) if projection.tag else None
        self.updated = place.get("updated_at") if projection.updated and shape.reads("updated_at") else None
        self.links_to = [
            (field.relation, place[field.name], columns.titles[field], f"{base}/{field.target}('")
            for field in projection.relations
        ]
        self.owner = (place["owner_table"], place["owner_id"]) if columns.owner else None
        self.links = LinksOfEntries(access, entity, base) if projection.links else None
        self.state = [place[field.name] for field in workflow.state(shape)] if projection.links else []
        self.labels = projection.labels

    def entry(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """Return one entry in the order of the contract: identity, tag, fields, linked records, links."""
        key, title = row[0], row[1] or gate.neutral_title(self.entity, row[0])
        values = list(row[FIXED_COLUMNS : self.last])
        for index, at in self.references:
            if row[at] is None:
                values[index] = None
        for index in self.texts:
            values[index] = values[index] or None
        for index, write in self.writes:
            values[index] = write(values[index])
        found: dict[str, Any] = {"$key": key, "$title": title, "$url": f"{self.url}{key}')"}
        if self.tag is not None:
            found["$etag"] = self.tag(key, [values[index] for index in self.tagged])
        if self.updated is not None:
            found["$updated"] = values[self.updated]
        shown = values if self.all_shown else [values[index] for index, _ in self.shown]
        found.update(zip(self.names, shown, strict=True))
        for name, index, at, start in self.links_to:
            if row[at] is not None:
                found[name] = {"$key": values[index], "$url": f"{start}{values[index]}')", "$title": row[at]}
        if self.owner is not None:
            self._owner(found, values, row)
        if self.labels:
            found["$labels"] = self._labels(values)
        if self.links is not None:
            stage, status = ("", "", *(values[index] or "" for index in self.state))[-2:]  # a kind may have no stage
            found["$links"] = self.links.of(key, title, edit=row[2], delete=row[3], state=(stage, status))
        return found

    def _owner(self, found: dict[str, Any], values: list[Any], row: tuple[Any, ...]) -> None:
        table, index = self.owner or (0, 0)
        title, owner = row[self.columns.owner_at], registry().by_table_id.get(values[table])
        if owner is not None and title is not None:
            key = values[index]
            found[owner.kind] = {"$key": key, "$url": f"{self.base}/{owner.kind}('{key}')", "$title": title}

    def _labels(self, values: list[Any]) -> dict[str, Any]:
        lists, language = self.access.lists, self.access.actor.language
        found: dict[str, Any] = {}
        for index, field in self.shown:
            codes = values[index]
            if field.list_name and codes:
                names = {choice.code: choice.label(language) for choice in lists.get(field.list_name, ())}
                labels = [names.get(code, code) for code in (codes if field.type == "msel" else [codes])]
                found[field.wire] = labels if field.type == "msel" else labels[0]
        return found


class LinksOfEntries:
    """The links of the entries of a kind, as JSON: written once for each combination of what is possible."""

    def __init__(self, access: Access, entity: Entity, base: str) -> None:
        shape = access.shape(entity)
        self.entity, self.base = entity, base
        self.edits, self.deletes = shape.offers("edit"), shape.offers("delete")
        self.collections = prototypes.collections(access, entity)
        self.actions = {step: workflow.request(shape, step) for step in workflow.steps(shape)}
        self.written: dict[tuple[bool, bool, tuple[str, str]], bytes] = {}

    def of(self, key: int, title: str, *, edit: bool, delete: bool, state: tuple[str, str]) -> orjson.Fragment:
        """Return the links of one entry; flags of its row, ``state`` = its stage and status."""
        known = (edit and self.edits, delete and self.deletes, state)
        text = self.written.get(known)
        if text is None:
            if len(self.written) >= _STATES:
                self.written.clear()
            text = self.written[known] = self._written(*known)
        return orjson.Fragment(text.replace(_KEY_MARK, b"%d" % key).replace(_TITLE_MARK, orjson.dumps(title)))

    def _written(self, edit: bool, delete: bool, state: tuple[str, str]) -> bytes:
        url, prototype = f"{self.base}/{self.entity.kind}('\0')", f"{self.base}/$prototypes/{self.entity.kind}"
        links: dict[str, Any] = {"$self": {"$url": url, "$title": "\1"}}
        if edit:
            links["$edit"] = {"$url": url, "$method": "PATCH", "$title": "Edit", "$request": prototype}
        if delete:
            links["$delete"] = {"$url": url, "$method": "DELETE", "$title": "Delete"}
        links["$prototype"] = {"$url": prototype, "$title": "Prototype"}
        links["$explain"] = {"$url": f"{url}/$explain", "$title": "Why"}
        for item in self.collections:
            links[item.name] = {"$url": f"{url}/{item.kind}", "$title": registry()[item.kind].plural}
        if edit:
            links |= workflow.links(self.actions, url, *state)
        return orjson.dumps(links).replace(rb"\u0000", _KEY_MARK).replace(rb'"\u0001"', _TITLE_MARK)


_KEY_MARK, _TITLE_MARK = b"\0", b"\1"  # which no JSON holds
_STATES = 1_000


def reduced(entity: Entity, key: int, base: str) -> dict[str, Any]:
    """Return the answer to a write of a record that its writer may not see (contract.md §7.5)."""
    return {"$key": key, "$title": gate.neutral_title(entity, key), "$url": f"{base}/{entity.kind}('{key}')"}


def keys_of(loaded: Loaded, field: Field) -> set[int]:
    """Return the keys that the rows hold in the reference ``field``."""
    at = loaded.columns.at.get(field)
    return {row[at] for row in loaded.rows if row[at] is not None} if at is not None else set()
