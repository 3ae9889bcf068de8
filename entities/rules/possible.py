"""Which rows the rules let be changed or deleted in their present state, as a condition for queries.

A link to an operation is shown only where the operation would succeed (contract.md §7.3); these are the refusals of
``lines`` and ``deletion`` that depend on a row's state alone, not on what is written.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Literal

from django.db.models import Exists, OuterRef, Q

from entities.models import (
    Address,
    AddressLink,
    Company,
    Currency,
    Person,
    PriceList,
    Quote,
    QuoteLine,
    Record,
    Team,
    Territory,
    User,
)
from entities.registry import Entity, registry
from entities.rules.documents import CONVERTED
from entities.rules.products import BASE_RATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet

    Rows = Callable[[type[Any]], QuerySet[Any]]
    Allowed = Callable[[type[Any], Literal["view", "edit"]], QuerySet[Any]]


def possible(entity: Entity, action: str, rows: Rows, allowed: Allowed, child: Entity | None = None) -> Q:
    """Return the condition under which ``action`` is possible; ``Q()`` = always.

    ``action`` = ``edit``, ``delete``, or ``extend``: whether owned children of the kind ``child`` can be added.
    ``rows(model)`` yields the live rows of a model, ``allowed(model, action)`` those on which the caller may do it.
    """
    if entity.model is QuoteLine:
        return ~Q(Exists(rows(Quote).filter(pk=OuterRef("quote_id"), status=CONVERTED)))
    if entity.model is Quote and (action == "delete" or (child is not None and child.model is QuoteLine)):
        return ~Q(status=CONVERTED)
    if action != "delete":
        return Q()
    if entity.model is Address:
        return ~Q(Exists(_serving_others(rows, allowed)))
    if entity.delete not in ("D6", "D7"):
        return Q()
    referred = referred_to(entity, rows)
    free = Q() if referred is None else ~referred
    return free & _not_needed(entity, rows)


def _serving_others(rows: Rows, allowed: Allowed) -> QuerySet[Any]:
    """Return the links of an address to owners that the caller sees and may not edit."""
    kept = Q()
    owners: tuple[tuple[type[Record], str], ...] = ((Company, "company"), (Person, "person"))
    for model, owner in owners:
        seen, editable = (Exists(allowed(model, action).filter(pk=OuterRef(owner))) for action in ("view", "edit"))
        kept |= Q(seen) & ~Q(editable)
    return rows(AddressLink).filter(kept, address=OuterRef("pk"))


def referred_to(entity: Entity, rows: Rows) -> Q | None:
    """Return the condition that another live record refers to the row; None where no kind can."""
    tests: list[Q] = []
    for other in (other for other in registry() if not other.proxy):
        others = rows(other.model)
        if other.model is entity.model:
            others = others.exclude(pk=OuterRef("pk"))
        columns = (field.column for field in other.fields if field.target == entity.kind and not field.repeat)
        tests.extend(Q(Exists(others.filter(**{column: OuterRef("pk")}))) for column in columns)
    return reduce(or_, tests) if tests else None


def _not_needed(entity: Entity, rows: Rows) -> Q:
    """Return the condition that the system itself can do without the row."""
    if entity.model is PriceList:
        return Q(default_value=False)
    if entity.model is Territory:
        return Q(parent__isnull=False)
    if entity.model is Currency:
        others = rows(Currency).filter(rate=BASE_RATE).exclude(pk=OuterRef("pk"))
        return ~Q(rate=BASE_RATE) | Q(Exists(others))
    if entity.model is Team:
        return ~Q(Exists(rows(User).filter(teams=OuterRef("pk"))))
    return Q()
