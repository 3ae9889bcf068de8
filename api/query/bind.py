"""Binding what a request names to what the caller may read: the tree plus ``Access`` becomes expressions.

Every name goes through the gate; a hidden one and a misspelt one end in the same error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F

from api.query.errors import QueryError, shown
from api.query.expressions import sort_key, where_expression
from api.query.values import Operand
from security import gate
from security.access import once_per_access

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Expression

    from api.query.parameters import OrderTerm
    from api.query.tree import Node
    from entities.registry import Entity, Field
    from security.plan import Access

_SYSTEM_NAMES = {"$updated": "updated_at", "$published": "created_at", "$key": "id"}


@dataclass(frozen=True)
class Order:
    """One term of a total order: the value that is compared, its type, and whether it may be NULL.

    ``column`` = the column of the row itself that it is made of; empty where it is made of others.
    """

    expression: Any
    type: str
    descending: bool
    nullable: bool
    column: str


def by_key(*, descending: bool = False) -> Order:
    """Return the last term of every total order."""
    return Order(F("id"), "key", descending, nullable=False, column="id")


def unknown_name(typed: str, entity: Entity, path: str | None, position: int | None = None) -> QueryError:
    """The error for a field that is misspelt, missing or hidden: one text for all."""
    where = f", at character {position}" if position is not None else ""
    return QueryError("UnknownName", f"'{shown(typed)}' is not a field of {entity.kind}{where}.", path, position)


def bind_name(
    access: Access, entity: Entity, parts: Sequence[str], path: str | None, position: int
) -> tuple[Operand, Field]:
    """Return the operand and field of a possibly dotted name; raises ``QueryError`` ``UnknownName``."""
    found: tuple[Any, Field] | None = None
    if len(parts) == 1 and parts[0] in _SYSTEM_NAMES:
        field = entity.by_name.get(_SYSTEM_NAMES[parts[0]])
        if field is not None and access.shape(entity).reads(field.name):
            found = gate.expression(access, entity, field), field
    else:
        found = gate.through(access, entity, parts)
    if found is None:
        raise unknown_name(".".join(parts), entity, path, position)
    expression, field = found
    own = len(parts) == 1 and field.stored
    plain = own and _is_plain(field)
    nullable = not (plain and (field.is_text or field.type in ("bool", "key")))
    stored = F(field.column) if field.target and own else None
    return Operand(expression, field.type, nullable, stored), field


def _is_plain(field: Field) -> bool:
    """Whether the field is a column of the row, shown as it is."""
    return field.stored and not field.target and not field.derived


def bind_where(access: Access, entity: Entity, tree: Node, path: str | None = "where") -> Expression:
    """Return the condition of ``tree`` over the rows of ``entity``, ready for ``filter``; raises ``QueryError``."""

    def resolve(names: tuple[str, ...], position: int) -> Operand:
        return bind_name(access, entity, names, path, position)[0]

    return where_expression(tree, resolve, path=path)


@once_per_access
def bind_order(access: Access, entity: Entity, terms: Sequence[OrderTerm]) -> list[Order]:
    """Return the total order that ``orderBy`` asks for, or the kind's default; it always ends with the key.

    Raises ``QueryError`` for unknown names and fields that cannot be sorted by.
    """
    found: list[Order] = []
    for term in terms:
        operand, field = bind_name(access, entity, term.name.parts, "orderBy", term.name.position)
        if not field.sortable:
            message = f"'{shown('.'.join(term.name.parts))}' cannot be sorted by."
            raise QueryError("NotSortable", message, "orderBy", term.name.position)
        own = field.column if len(term.name.parts) == 1 and _is_plain(field) else ""
        found.append(Order(sort_key(operand), operand.type, term.descending, operand.nullable, own))
    found = found or _default_order(access, entity)
    if not any(order.column == "id" for order in found):
        descending = found[-1].descending if found else False
        found.append(by_key(descending=descending))
    return found


def _default_order(access: Access, entity: Entity) -> list[Order]:
    shape = access.shape(entity)
    if not all(shape.reads(name) for name in entity.order if name in entity.by_name):
        return []
    found: list[Order] = []
    for name in entity.order:
        field = entity.by_name.get(name)
        if field is None:  # a column that serves the order alone, such as the place in the territory tree
            found.append(Order(F(name), "int", descending=False, nullable=False, column=name))
        else:
            operand, _ = bind_name(access, entity, [field.wire], "orderBy", 1)
            own = field.column if _is_plain(field) else ""
            found.append(Order(sort_key(operand), operand.type, False, operand.nullable, own))
    return found
