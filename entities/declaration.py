"""The one line that says about an entity what its Django model cannot (entities.md §9.4).

Everything else — types, lengths, captions, defaults, targets — is read from the model fields by ``registry``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.db.models import Expression, F, Field, Subquery

    from entities.workflow import Workflow

DeleteRule = Literal["D1", "D2", "D3", "D4", "D5", "D6", "D7", ""]


@dataclass(frozen=True)
class Collection:
    """A to-many relation: records of ``kind`` whose reference ``by`` names this record.

    ``by`` is an attribute of the target, or ``Kind.attribute`` of a linking kind that also refers to the target
    (``Address_Link.company``); empty for kinds with a generic owner (table id, record id).
    ``unless`` names an attribute of the linking kind that must be empty. ``nested`` = members may stand in the body
    that creates this record (entities.md §5); absent: those that it owns.
    """

    kind: str
    by: str = ""
    owned: bool = False
    unless: str = ""
    nested: bool | None = None


@dataclass(frozen=True)
class ByReference:
    """Child of the record that the reference ``field`` names."""

    field: str


@dataclass(frozen=True)
class ByOwner:
    """Child of the record named by ``owner_table`` (a table id) and ``owner_id``, one of ``kinds``."""

    kinds: tuple[str, ...]


@dataclass(frozen=True)
class ByLink:
    """Child of the parents of the records of ``kind`` whose ``field`` names it; without any, its creator's own."""

    kind: str
    field: str


@dataclass(frozen=True)
class ByField:
    """A row about a field: seen by whoever can read, in some kind that he knows, the field spelt in ``column``."""

    column: str


Parent = ByReference | ByOwner | ByLink | ByField


@dataclass(frozen=True)
class Derived:
    """A display value that no column holds: ``expression()`` over the columns ``sources``, of type ``output``."""

    expression: Callable[[], Expression | F | Subquery]
    output: Field[object, object]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Through:
    """A column of a view: a field of the record that references lead to; ``path`` names them, then the field."""

    path: tuple[str, ...]
    wire: str = ""
    title: str = ""


@dataclass(frozen=True)
class First:
    """A column of a view: a field of the first record of ``kind`` that the ``base`` record owns, of that ``type``."""

    kind: str
    attribute: str
    type: str
    wire: str
    title: str


Shown = Through | First


@dataclass(frozen=True)
class Declaration:
    """What Django does not know about an entity.

    ``kind`` is the resource name; ``names`` spells attributes whose wire name does not follow the rule
    prefix + CamelCase; ``repeats`` offers one column under further wire names (``{wire: attribute}``);
    ``title_length`` cuts a title made of a long text;
    ``only`` restricts the attributes offered, in this order; ``internal`` hides attributes from every channel;
    ``completed`` are filled by a business rule where a new record lacks them; ``workflow`` says how the state changes.

    A view is declared on a proxy model: ``base`` = the kind whose rights secure its rows, unless ``parents`` do;
    ``shown`` = columns of other records.
    """

    kind: str
    prefix: str
    table_id: int
    plural: str
    title: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    label: str = ""
    title_joiner: str = " "
    title_length: int = 0
    search: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    assigned: str = ""
    parents: tuple[Parent, ...] = ()
    collections: tuple[Collection, ...] = ()
    relations: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    repeats: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, Derived] = field(default_factory=dict)
    computed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    completed: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    upsert: tuple[str, ...] = ()
    administrators: tuple[str, ...] = ()
    internal: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    unlinked: tuple[str, ...] = ()
    reference_kind: bool = False
    read_only: bool = False
    base: str = ""
    shown: tuple[Shown, ...] = ()
    delete: DeleteRule = "D1"
    workflow: Workflow | None = None
