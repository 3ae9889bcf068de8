"""What a compiled declaration looks like: fields, collections, entities and all of them together.

Frozen facts for every layer to read; ``registry`` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from django.db import models
    from django.db.models import Expression, F, Subquery

    from entities.declaration import DeleteRule, Parent, Shown
    from entities.models.base import Record
    from entities.workflow import Workflow

FieldType = Literal[
    "key",
    "int",
    "num",
    "pct",
    "money",
    "text",
    "memo",
    "email",
    "url",
    "phone",
    "sel",
    "msel",
    "bool",
    "dt",
    "ref",
]
TEXT_TYPES: frozenset[str] = frozenset({"text", "memo", "email", "url", "phone", "sel"})
NUMBER_TYPES: frozenset[str] = frozenset({"key", "int", "num", "pct", "money", "ref"})


def fold(name: str) -> str:
    """Return the form in which names are compared: any case of ASCII; look-alikes of other alphabets stay apart."""
    return name.lower() if name.isascii() else name


@dataclass(frozen=True, eq=False)
class Field:
    """One field of an entity.

    ``wire`` is its name on every channel, ``name`` the model attribute, ``column`` what a query selects
    (``primary_person_id`` for a reference). ``sources`` are the fields it is computed from, as
    ``(kind, attribute)``. ``system`` = only the server writes it. ``expression`` stands instead of a column, and
    so does ``shown``, the way to a field of another record; ``passes`` are the kinds on that way.
    """

    wire: str
    name: str
    column: str
    type: FieldType
    title: str
    required: bool
    system: bool
    max_length: int | None = None
    digits: int | None = None
    decimals: int | None = None
    default: Any = None
    completed: bool = False
    list_name: str = ""
    target: str = ""
    relation: str = ""
    fixed: bool = False
    search: bool = False
    upsert: bool = False
    administrators: bool = False
    derived: bool = False
    repeat: bool = False
    sources: tuple[tuple[str, str], ...] = ()
    expression: Callable[[], Expression | F | Subquery] | None = None
    shown: Shown | None = None
    passes: tuple[str, ...] = ()

    @property
    def stored(self) -> bool:
        """A column of the kind's own table."""
        return self.expression is None and self.shown is None

    @property
    def has_default(self) -> bool:
        """A new record that lacks it gets a value: a stored default, or one from a business rule."""
        return self.default is not None or self.completed or self.type == "bool"

    @property
    def sortable(self) -> bool:
        """All but memos, multi-selections and display values can be sorted (entities.md §1.2)."""
        return self.type not in ("memo", "msel") and not self.derived

    @property
    def is_text(self) -> bool:
        """Compared and ordered as text."""
        return self.type in TEXT_TYPES


@dataclass(frozen=True)
class CollectionLink:
    """A compiled to-many relation. ``by`` is the referring attribute on ``via`` (a linking kind) or on ``kind``."""

    name: str
    kind: str
    by: str
    via: str
    unless: str
    owned: bool
    nested: bool


@dataclass(frozen=True)
class Column:
    """A column that a row is written with: the ``attribute`` that holds its value, its name, its type in SQL."""

    attribute: str
    name: str
    type: str


@dataclass(frozen=True, eq=False)
class FieldCheck:
    """What Django checks of one field's value: ``clean(value, record)`` returns it or raises ``ValidationError``.

    Nothing is asked of what ``empty`` holds, nor of the ``default``, if it passes, which was seen once.
    """

    name: str
    attribute: str
    clean: Callable[[Any, Any], Any]
    empty: tuple[Any, ...]
    default: Any

    def asks(self, value: Any) -> bool:
        """Whether ``value`` has to be checked."""
        if value is self.default or (type(value) is type(self.default) and value == self.default):
            return False
        return value not in self.empty


@dataclass(frozen=True, eq=False)
class Entity:
    """One kind of record, compiled from its model and its declaration."""

    kind: str
    aliases: tuple[str, ...]
    label: str
    plural: str
    prefix: str
    table_id: int
    model: type[Record]
    fields: tuple[Field, ...]
    title: tuple[str, ...]
    title_joiner: str
    title_length: int
    search: tuple[str, ...]
    order: tuple[str, ...]
    assigned: str
    has_territory: bool
    has_team: bool
    parents: tuple[Parent, ...]
    collections: tuple[CollectionLink, ...]
    reference_kind: bool
    read_only: bool
    base: str
    shown: tuple[Shown, ...]
    proxy: bool
    delete: DeleteRule
    by_wire: Mapping[str, Field]
    by_name: Mapping[str, Field]
    relations: Mapping[str, Field]
    workflow: Workflow | None = None

    @property
    def key(self) -> Field:
        """The primary key."""
        return self.by_name["id"]

    @property
    def has_own_rights(self) -> bool:
        """Neither child nor view: profiles give rights to it and grants name its rows."""
        return not self.parents and not self.base

    @property
    def view(self) -> bool:
        """Shows records of another kind under that kind's rights, with columns of others (entities.md §8)."""
        return bool(self.base or self.shown)

    @property
    def passes(self) -> frozenset[str]:
        """The other kinds whose records a view shows columns of."""
        return frozenset(kind for field in self.fields for kind in field.passes)

    def field(self, wire: str) -> Field | None:
        """Return the field spelt ``wire`` in any case, or None."""
        return self.by_wire.get(fold(wire))


@dataclass(frozen=True, eq=False)
class Registry:
    """All entities; ``names`` maps every lower-case kind and alias to its kind."""

    entities: Mapping[str, Entity]
    names: Mapping[str, str]
    by_table_id: Mapping[int, Entity]
    by_model: Mapping[type[models.Model], Entity]

    def __iter__(self) -> Iterator[Entity]:
        return iter(self.entities.values())

    def __getitem__(self, kind: str) -> Entity:
        return self.entities[kind]

    def find(self, name: str) -> Entity | None:
        """Return the entity called ``name`` (kind, singular, plural or alias; any case), or None."""
        kind = self.names.get(fold(name))
        return self.entities[kind] if kind else None
