"""What an entry shows besides its own columns: the linked records that are visible, and what may be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch, prefetch_related_objects

from bench.stock.rights import live
from entities.models import Company, Person, Team, Territory, User

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from bench.stock.rights import Action, Rights

REFERENCES = ("primary_person", "primary_address", "primary_user", "team", "territory", "created_by", "updated_by")
CHANGES: tuple[Action, ...] = ("edit", "delete")


def fetch(companies: Sequence[Company], rights: Rights) -> None:
    """Fetch the linked records of ``companies``: a statement for each reference, for all of them together."""
    keys = {name: {getattr(company, f"{name}_id") for company in companies} - {None} for name in REFERENCES}
    found = (Prefetch(name, queryset=shown(name, keys[name], rights)) for name in REFERENCES)
    prefetch_related_objects(companies, *found)


def shown(reference: str, keys: set[int], rights: Rights) -> QuerySet[Any]:
    """Return those records with ``keys`` that may be shown where a company refers to them, with their titles alone."""
    rows: QuerySet[Any]
    match reference:
        case "primary_person":
            rows = rights.allowed(Person, among=keys)
        case "primary_address":
            rows = rights.addresses(keys)
        case "team":
            rows = live(Team).filter(pk__in=keys)
        case "territory":
            rows = live(Territory).filter(pk__in=keys)
        case _:
            rows = live(User).filter(pk__in=keys)
    return rows.only(*rows.model.entity.title)


def changeable(keys: Sequence[int], rights: Rights) -> dict[Action, set[int]]:
    """Return which of the companies with ``keys`` the user may edit, and which delete."""
    return {action: set(rights.allowed(Company, action, keys).values_list("pk", flat=True)) for action in CHANGES}


def tag(key: int, updated: datetime | None) -> str:
    """Return the entity tag of a record."""
    return f"{key}-{updated.timestamp() if updated else 0:.6f}"
