"""Half of the answer: no titles of linked records, no tags, no links that depend on a row's rights, and references to
records that the caller may not see. Earlier reports called this stock, and what is done by hand here its expert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from bench.stock.serializers import COLLECTIONS, PLAIN, RELATIONS, WIRES, ReadableSerializer

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from bench.stock.rights import Rights
    from entities.models import Company


class LeanCompanySerializer(ReadableSerializer):
    """A company, its references as keys and as links."""

    def build_property_field(self, field_name: str, model_class: Any) -> Any:
        """Return a plain number for the key of a reference."""
        return serializers.IntegerField, {"read_only": True, "allow_null": True}


def rows(companies: QuerySet[Company], rights: Rights) -> QuerySet[Company, dict[str, Any]]:
    """Return the readable columns of ``companies``."""
    hidden = rights.hidden()
    columns = (name for name in ("id", *PLAIN) if WIRES[name] not in hidden)
    found: QuerySet[Company, dict[str, Any]] = companies.values(*columns)
    return found


def entry(row: Any, base: str) -> dict[str, Any]:
    """Return the entry of a row, made by hand."""
    url = f"{base}/companies/{row['id']}/"
    links = {name: f"{url}{name}/" for name in COLLECTIONS}
    links |= {"self": url, "explain": f"{url}explain/", "prototype": f"{base}/prototypes/Company/"}
    related = {name: f"{base}/{name}/{row[name + '_id']}/" if row[name + "_id"] else None for name in RELATIONS}
    return {"url": url, **row, **related, "links": links}
