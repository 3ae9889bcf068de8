"""Companies as a hyperlinked resource: the same columns and as many links as ours, hidden fields popped per user.

The titles of linked records, entity tags and the links that depend on a row's rights are left out, to its advantage.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse

from bench.stock.rights import hidden
from entities.models import Company
from entities.registry import registry

COLLECTIONS = ("Address", "Phone", "Email", "Notes", "Person", "Opportunity", "Cases", "Quotes")
RELATIONS = ("primary_person", "primary_address", "primary_user", "team", "territory")
PLAIN = tuple(
    field.column if field.target else field.name for field in registry()["Company"].fields if field.name != "id"
)
WIRES = {
    (field.column if field.target else field.name): field.wire for field in registry()["Company"].fields
}  # Django's names → ours


class CompanySerializer(serializers.HyperlinkedModelSerializer[Company]):
    """A company, its references as keys and as links, links to its collections."""

    links = serializers.SerializerMethodField()

    class Meta:
        model = Company
        fields = ("id", "url", *PLAIN, *RELATIONS, "links")
        read_only_fields = tuple(name for name in PLAIN if name.endswith("_id") or name.endswith("_at"))
        extra_kwargs = {  # noqa: RUF012  (DRF's own form)
            "primary_person": {"view_name": "person-detail"},
            "primary_address": {"view_name": "address-detail"},
            "primary_user": {"view_name": "user-detail"},
            "team": {"view_name": "team-detail"},
            "territory": {"view_name": "territory-detail"},
        }

    def get_fields(self) -> dict[str, Any]:
        """Return the fields but those that the user may not read."""
        fields = super().get_fields()
        for wire in hidden(self.context["request"].user):
            fields.pop(_NAMES[wire], None)
        return fields

    def build_property_field(self, field_name: str, model_class: Any) -> Any:
        """Return a plain number for the key of a reference."""
        return serializers.IntegerField, {"read_only": True, "allow_null": True}

    def get_links(self, company: Company) -> dict[str, str]:
        """Return the links of the entry."""
        request, key = self.context["request"], company.pk
        links = {name: reverse("company-collection", [key, name], request=request) for name in COLLECTIONS}
        links["self"] = reverse("company-detail", [key], request=request)
        links["explain"] = reverse("company-explain", [key], request=request)
        links["prototype"] = reverse("prototype", ["Company"], request=request)
        return links


_NAMES = {wire: name for name, wire in WIRES.items()}
