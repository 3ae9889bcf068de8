"""Records read through the gate together with the titles of what they refer to: one statement, whose text is made once.

A page finds its keys first, by an index that holds all it needs, and reads the rest of the records for those alone
(docs/adr/0031). Titles are looked up among the rows that the actor sees of the kinds referred to, but for kinds whose
titles are remembered (``directory``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import IntegerField, Q

from entities.registry import ByOwner, Entity, Field, registry
from security import gate
from security.access import once_per_access
from security.statements import Part, Slot, Statement, among, part

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from django.db.models import QuerySet

    from entities.registry import Record
    from security.access import Access

FIXED_COLUMNS = 4  # key, title, edit flag, delete flag
_KEYS, _ROWS = "k", "t"


@dataclass(frozen=True)
class Columns:
    """What is read of records: the ``fields``, and with ``owner`` the title of what a generic owner names.

    ``now`` = the flags say whether the rules let it happen in the row's present state (``gate.select``).

    A row holds key, title, edit and delete flag, the fields, the title of what each reference among them names (None =
    not to be seen), the owner's title; then what a page is ordered by. Of the kinds ``untitled`` it holds none.
    """

    fields: tuple[Field, ...]
    now: bool = False
    owner: bool = False
    untitled: frozenset[str] = frozenset()

    @cached_property
    def at(self) -> Mapping[Field, int]:
        """Where the value of a field stands in a row."""
        return {field: index for index, field in enumerate(self.fields, FIXED_COLUMNS)}

    @cached_property
    def titles(self) -> Mapping[Field, int]:
        """Where the title of what a reference names stands in a row."""
        references = [field for field in self.fields if field.target and field.target not in self.untitled]
        return {field: index for index, field in enumerate(references, FIXED_COLUMNS + len(self.fields))}

    @cached_property
    def named(self) -> Mapping[Field, int]:
        """Where the keys stand whose titles are not in a row."""
        return {field: at for field, at in self.at.items() if field.target in self.untitled}

    @property
    def owner_at(self) -> int:
        """Where the title of the owner stands in a row."""
        return FIXED_COLUMNS + len(self.fields) + len(self.titles)


@dataclass(frozen=True)
class Window:
    """Which part of ordered keys makes a page; ``directions`` = how each value that they are ordered by is ordered.

    ``key_at`` = which of these values, counted from 1, is the key itself: PostgreSQL then knows that the rows which are
    looked up in the order of their keys are in order; 0 = none.
    """

    directions: tuple[str, ...]
    limit: int
    offset: int = 0
    key_at: int = 0


def records(access: Access, entity: Entity, keys: Collection[int], columns: Columns) -> list[tuple[Any, ...]]:
    """Return those of the records ``keys`` that the actor can see, in no order."""
    if len(keys) == 1:
        return _of_keys(access, entity, columns, one=True).rows(key=next(iter(keys)))
    return _of_keys(access, entity, columns, one=False).rows(keys=list(keys)) if keys else []


@once_per_access
def _of_keys(access: Access, entity: Entity, columns: Columns, *, one: bool) -> Statement:
    wanted = Q(pk=Slot("key", IntegerField(), "int")) if one else Q(among("pk", "keys"))
    seen = gate.rows(access, entity).filter(wanted).order_by()
    found = part(gate.select(access, entity, seen, columns.fields, now=columns.now))
    return _composed(access, entity, columns, found) if found.sql else Statement("")


def page(
    access: Access, entity: Entity, columns: Columns, keys: Sequence[QuerySet[Any, tuple[Any, ...]]], window: Window
) -> Statement:
    """Return the statement of a page of ``entity``.

    ``keys`` are queries of key and order values of visible records (``gate.rows``), one after the other in the order.
    """
    parts = [found for found in map(part, keys) if found.sql]
    if not parts:
        return Statement("")
    return _composed(access, entity, columns, _wide(access, entity, columns), _keys(parts, window), window)


def count(rows: QuerySet[Record]) -> Statement:
    """Return the statement that counts the ``rows``, in which slots may stand."""
    keys = part(rows.order_by().values_list("pk"))
    return Statement(f"SELECT count(*) FROM ({keys.sql or 'SELECT WHERE FALSE'}) AS {_KEYS}", keys.slots)


def listed_keys(keys: QuerySet[Any, tuple[Any, ...]], directions: Sequence[str], most: int) -> Statement:
    """Return the statement of a list of keys in their order, ``most`` at most, and of the snapshot it belongs to."""
    found = part(keys)
    if not found.sql:
        return Statement("")
    listed = f"array_agg({_KEYS}.c0 ORDER BY {_order(_KEYS, directions)})"
    text = f"({found.sql} LIMIT {most:d}) AS {_KEYS} ({', '.join(_names(found.width))})"
    return Statement(f"SELECT coalesce({listed}, '{{}}'), pg_current_snapshot()::text FROM {text}", found.slots)


@once_per_access
def _wide(access: Access, entity: Entity, columns: Columns) -> Part:
    """Return the text that reads records whose keys are known to be visible ones."""
    return part(gate.select_known(access, entity, columns.fields, now=columns.now))


def _keys(parts: Sequence[Part], window: Window) -> Part:
    """Return the text of the keys of a page, and of what they are ordered by."""
    limited = f" LIMIT {window.limit + window.offset:d}"
    if len(parts) == 1:
        (only,) = parts
        return Part(f"{only.sql}{_limit(window)}", only.slots, (), only.width)
    texts = " UNION ALL ".join(f"({found.sql}{limited})" for found in parts)
    names = ", ".join(_names(parts[0].width))
    order = _order("u", window.directions)
    text = f"SELECT * FROM ({texts}) AS u ({names}) ORDER BY {order}{_limit(window)}"
    return Part(text, tuple(slot for found in parts for slot in found.slots), (), parts[0].width)


def _limit(window: Window) -> str:
    return f" LIMIT {window.limit:d}" + (f" OFFSET {window.offset:d}" if window.offset else "")


def _names(width: int) -> list[str]:
    return [f"c{n}" for n in range(width)]


def _order(alias: str, directions: Sequence[str]) -> str:
    """Return the order of a page, whose values stand behind the key."""
    return ", ".join(f"{alias}.c{n} {direction}" for n, direction in enumerate(directions, 1))


def _composed(
    access: Access,
    entity: Entity,
    columns: Columns,
    wide: Part,
    keys: Part | None = None,
    window: Window | None = None,
) -> Statement:
    """Return the statement of the rows of ``wide``, or of those with the ``keys`` of a page, with their titles."""
    shown = [f"{_ROWS}.{name}" for name in _names(wide.width)]
    source, slots = f"({wide.sql}) AS {_ROWS} ({', '.join(_names(wide.width))})", wide.slots
    order = ""
    if keys is not None and window is not None:
        found = f"({keys.sql}) AS {_KEYS} ({', '.join(_names(keys.width))})"
        source, slots = f"{found} JOIN {source} ON {_ROWS}.c0 = {_KEYS}.c{window.key_at:d}", (*keys.slots, *slots)
        order = f" ORDER BY {_order(_KEYS, window.directions)}"
    shown += [_title(access, field.target, columns.at[field]) for field in columns.titles]
    if columns.owner:
        shown.append(_owner_title(access, entity, columns))
    if keys is not None:
        shown += [f"{_KEYS}.{name}" for name in _names(keys.width)[1:]]
    return Statement(f"SELECT {', '.join(shown)} FROM {source}{order}", slots, wide.converters)


def _title(access: Access, kind: str, at: int) -> str:
    """Return the title of the visible record of ``kind`` whose key stands ``at`` this place of a row, as a column.

    A value, and no join: as fast, and PostgreSQL need not think about the order of joins.
    """
    titles = _titles(access, kind)
    return f"(SELECT l.c1 FROM ({titles}) AS l (c0, c1) WHERE l.c0 = {_ROWS}.c{at})" if titles else "NULL::text"


def _owner_title(access: Access, entity: Entity, columns: Columns) -> str:
    """Return the title of a generic owner as a column."""
    table, key = (columns.at[entity.by_name[name]] for name in ("owner_table", "owner_id"))
    kinds = [kind for parent in entity.parents if isinstance(parent, ByOwner) for kind in parent.kinds]
    cases = [f"WHEN {registry()[kind].table_id:d} THEN {_title(access, kind, key)}" for kind in kinds]
    return f"CASE {_ROWS}.c{table} {' '.join(cases)} END"


@once_per_access
def _titles(access: Access, kind: str) -> str:
    """Return the text of keys and titles of the visible records of ``kind``; empty where there can be none."""
    entity = registry()[kind]
    if not access.sees(entity):
        return ""
    shown = gate.rows(access, entity).annotate(_shown=gate.shown_title(access, entity)).order_by()
    return part(shown.values_list("pk", "_shown")).sql
