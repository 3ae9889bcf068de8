"""The complete answer without serializers: tuples instead of model instances, links by formatting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import BooleanField, ExpressionWrapper, Q, Value

from bench.stock.linking import CHANGES, REFERENCES, shown, tag
from bench.stock.serializers import COLLECTIONS, PLAIN, RELATIONS, WIRES
from entities.models import Company

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from bench.stock.rights import Rights

# What refers to records of one kind: asked for together.
_KINDS = (
    ("primary_person",),
    ("primary_address",),
    ("primary_user", "created_by", "updated_by"),
    ("team",),
    ("territory",),
)
PLACES = {
    "primary_person": "people",
    "primary_address": "addresses",
    "primary_user": "users",
    "team": "teams",
    "territory": "territories",
}


def rows(companies: QuerySet[Company], rights: Rights) -> QuerySet[Company, dict[str, Any]]:
    """Return the readable columns of ``companies`` and whether each may be edited and deleted."""
    hidden = rights.hidden()
    columns = [name for name in ("id", *PLAIN) if WIRES[name] not in hidden]
    flags = {f"may_{action}": _flag(rights.condition(Company, action, Company)) for action in CHANGES}
    found: QuerySet[Company, dict[str, Any]] = companies.values(*columns, **flags)
    return found


def _flag(condition: Q | None) -> Any:
    return Value(True) if condition is None else ExpressionWrapper(condition, BooleanField())


def titles(page: Sequence[Mapping[str, Any]], rights: Rights) -> dict[str, dict[int, str]]:
    """Return by reference and key the titles of those linked records of a page that may be shown."""
    found: dict[str, dict[int, str]] = {}
    for names in _KINDS:
        keys = {row[f"{name}_id"] for row in page for name in names if f"{name}_id" in row} - {None}
        records = shown(names[0], keys, rights)
        entity = records.model.entity
        named = {
            key: entity.title_joiner.join(filter(None, parts)) or f"{entity.label or entity.kind} {key}"
            for key, *parts in records.values_list("pk", *entity.title)
        }
        found |= dict.fromkeys(names, named)
    return found


def entry(row: dict[str, Any], named: Mapping[str, Mapping[int, str]], base: str) -> dict[str, Any]:
    """Return the entry of a row; ``named`` = what ``titles`` found for its page."""
    key = row["id"]
    url = f"{base}/companies/{key}/"
    links = {name: f"{url}{name}/" for name in COLLECTIONS}
    links |= {"self": url, "explain": f"{url}explain/", "prototype": f"{base}/prototypes/Company/"}
    links |= {action: url for action in CHANGES if row.pop(f"may_{action}")}
    related: dict[str, Any] = {}
    for name in REFERENCES:
        to = row.get(f"{name}_id")
        if to is not None and to not in named[name]:
            to = row[f"{name}_id"] = None
        if name in RELATIONS and f"{name}_id" in row:
            found = to is not None and {"id": to, "url": f"{base}/{PLACES[name]}/{to}/", "title": named[name][to]}
            related[name] = found or None
    return {"url": url, "etag": tag(key, row.get("updated_at")), **row, **related, "links": links}
