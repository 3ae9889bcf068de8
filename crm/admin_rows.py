"""Records as the administration shows them: read through the gate, only the readable columns, titles of references.

It turns the tuples of ``gate.select`` into rows and texts. Which pages show them, and writing, is not its matter.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q
from django.db.models.functions import Collate, Lower
from django.db.models.lookups import Contains
from django.template.defaultfilters import truncatechars
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.http import urlencode

from entities.models.base import STAMPS, folded
from entities.registry import Entity, Field, app_label, registry
from security import gate
from security.admin_select import as_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.db.models import QuerySet
    from django.db.models.expressions import Combinable, OrderBy

    from entities.captions import Lists
    from entities.models import Record
    from security.plan import Access

EMPTY = "–"
OWNER_PARAMETER = "owner"
_CELL = 80  # characters of a memo in a list
_WORDS = 8  # of a search; the others are ignored


@dataclass(frozen=True)
class Row:
    """One record as its reader may see it. A reference to a record that the reader cannot see is None."""

    entity: Entity
    key: int
    title: str
    values: Mapping[str, Any]
    titles: Mapping[tuple[str, int], str]

    @property
    def tag(self) -> str:
        """A digest of what is shown but the stamps: another one means that somebody changed it in between."""
        shown = repr(sorted((name, str(value)) for name, value in self.values.items() if name not in STAMPS))
        return hashlib.blake2b(shown.encode(), digest_size=16).hexdigest()

    def carrier(self) -> Record:
        """Return an instance for Django's pages that holds what is shown, this row, and no other column."""
        record: Any = self.entity.model(id=self.key)
        for name in self.entity.title:
            setattr(record, name, "")
        for name, value in self.values.items():
            setattr(record, self.entity.by_name[name].column, value)
        record._state.adding = False
        record.row = self
        return record  # type: ignore[no-any-return]  # Any only to hang the row on it


def row_of(record: Record) -> Row:
    """Return the row that ``Row.carrier`` hung on ``record``."""
    row: Row = vars(record)["row"]
    return row


def read(access: Access, entity: Entity, query: QuerySet[Record], fields: Iterable[Field]) -> list[Row]:
    """Read from ``query`` the readable ``fields`` and the title, and the titles of references: two statements."""
    shape = access.shape(entity)
    titled = [entity.by_name[name] for name in entity.title if shape.reads(name)]
    chosen = tuple(dict.fromkeys((*titled, *fields)))
    found = [(key, title, values) for key, title, _, _, *values in gate.select(access, entity, query, chosen)]
    wanted: dict[str, set[int]] = {}
    for _, _, values in found:
        for field, value in zip(chosen, values, strict=True):
            if field.target and value is not None:
                wanted.setdefault(field.target, set()).add(value)
    titles = gate.titles(access, wanted)

    def seen(field: Field, value: Any) -> Any:
        return None if field.target and (field.target, value) not in titles else value

    return [
        Row(
            entity=entity,
            key=key,
            title=title or gate.neutral_title(entity, key),
            values={field.name: seen(field, value) for field, value in zip(chosen, values, strict=True)},
            titles=titles,
        )
        for key, title, values in found
    ]


def read_one(access: Access, entity: Entity, key: int) -> Row | None:
    """Read everything readable of the record ``key``; None where the actor cannot see it."""
    found = read(access, entity, gate.rows(access, entity).filter(pk=key), shown_fields(access, entity))
    return found[0] if found else None


def shown_fields(access: Access, entity: Entity) -> tuple[Field, ...]:
    """Return the readable fields, each column once."""
    return tuple(field for field in access.shape(entity).readable if not field.repeat)


def order_of(access: Access, entity: Entity) -> list[Combinable | OrderBy]:
    """Return the default order of the kind; by key where one of its fields is hidden (contract.md §8.5)."""
    found: list[Combinable | OrderBy] = []
    for name in entity.order:
        field = entity.by_name.get(name)
        if field is not None and not access.shape(entity).reads(name):
            return [F("pk").asc()]
        found.append(sorting(field) if field else F(name))
    return [*found, F("pk").asc()]


def sorting(field: Field) -> Combinable:
    """Return the expression by which ``field`` is sorted, the one that is indexed."""
    return folded(field.column) if field.is_text else F(field.column)


def searched(access: Access, entity: Entity) -> tuple[Field, ...]:
    """Return the fields that a search looks into: those declared and the title, as far as the actor may read them."""
    shape = access.shape(entity)
    return tuple(entity.by_name[n] for n in dict.fromkeys((*entity.search, *entity.title)) if shape.reads(n))


def search(access: Access, entity: Entity, query: QuerySet[Record], text: str) -> QuerySet[Record]:
    """Keep the rows in which every word of ``text`` occurs in some searched field, or is the key."""
    words = text.replace("\x00", " ").split()[:_WORDS]
    if not words:
        return query
    return query.filter(reduce(and_, (_occurs(word, searched(access, entity)) for word in words)))


def _occurs(word: str, fields: tuple[Field, ...]) -> Q:
    key = as_key(word)
    by_key = Q(pk=key) if key is not None else Q(pk__in=())
    parts = [Q(Contains(Collate(Lower(field.column), "C"), word.lower())) for field in fields]
    return reduce(or_, parts, by_key)


@dataclass(frozen=True)
class Column:
    """A readable field as a column of a list or a read-only line of a form: what Django calls a display callable."""

    field: Field
    lists: Lists = dataclass_field(compare=False, repr=False)
    language: str = ""
    short: bool = False

    @property
    def __name__(self) -> str:
        return self.field.name

    @property
    def short_description(self) -> str:
        """The heading."""
        return self.field.title

    @property
    def boolean(self) -> bool:
        """Shown as an icon."""
        return self.field.type == "bool"

    @property
    def admin_order_field(self) -> Combinable | None:
        """What the column is sorted by; references are not, for that would order rows by what may be invisible."""
        return sorting(self.field) if self.field.sortable and not self.field.target else None

    def __call__(self, record: Record) -> Any:
        row = row_of(record)
        value = row.values.get(self.field.name)
        if self.boolean:
            return value
        if self.field.target:
            return EMPTY if value is None else _link(row, registry()[self.field.target], value)
        text = text_of(self.field, value, self.lists, self.language)
        return (truncatechars(text, _CELL) if self.short else text) or EMPTY


@dataclass(frozen=True)
class TitleColumn:
    """The title as the first column of a list; sorted by its first readable field."""

    first: Field | None
    label: str
    boolean = False
    __name__ = "record_title"

    @property
    def short_description(self) -> str:
        """The heading."""
        return self.label

    @property
    def admin_order_field(self) -> Combinable | None:
        """What the column is sorted by."""
        return sorting(self.first) if self.first else None

    def __call__(self, record: Record) -> str:
        return row_of(record).title


def _link(row: Row, target: Entity, key: int) -> str:
    title = row.titles[target.kind, key]
    return format_html('<a href="{}">{}</a>', address(target, "change", key), title)


def address(entity: Entity, page: str, *arguments: object) -> str:
    """Return the address of an administration page of ``entity``: ``changelist``, ``add``, ``change``, …"""
    name = f"admin:{app_label(entity)}_{entity.model.__name__.lower()}_{page}"
    return reverse(name, args=[str(argument) for argument in arguments])


@dataclass(frozen=True)
class Related:
    """A list of records that refer to one record, and the page to add another."""

    title: str
    list_address: str
    add_address: str


def related(access: Access, entity: Entity, key: int) -> list[Related]:
    """Return the lists of what refers to the record ``key``, as far as kind and reference are known to the actor."""
    found: list[Related] = []
    for item in entity.collections:
        kind = registry()[item.via or item.kind]
        shape = access.shape(kind)
        names = (item.by,) if item.by else ("owner_table", "owner_id")
        if kind.proxy or not access.sees(kind) or not all(shape.reads(name) for name in names):
            continue
        wires = [kind.by_name[name].wire.lower() for name in names]
        listed = {wires[0]: key} if item.by else {OWNER_PARAMETER: f"{entity.kind}-{key}"}
        added = {wires[0]: key} if item.by else {wires[0]: entity.table_id, wires[1]: key}
        found.append(
            Related(
                title=registry()[item.kind].plural,
                list_address=f"{address(kind, 'changelist')}?{urlencode(listed)}",
                add_address=f"{address(kind, 'add')}?{urlencode(added)}" if "insert" in shape.actions else "",
            )
        )
    return found


def text_of(field: Field, value: Any, lists: Lists, language: str) -> str:
    """Return ``value`` as people read it: labels for codes, dates in UTC, numbers without idle zeros."""
    if value is None:
        return ""
    if field.list_name:
        labels = {choice.code: choice.label(language) for choice in lists.get(field.list_name, ())}
        codes = value if isinstance(value, list) else [value]
        return ", ".join(str(labels.get(code, code)) for code in codes)
    if isinstance(value, datetime):
        return date_format(value, "Y-m-d H:i:s")
    if isinstance(value, Decimal):
        return plain(value)
    return str(value)


def plain(value: Decimal) -> str:
    """Return a decimal without exponent and trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
