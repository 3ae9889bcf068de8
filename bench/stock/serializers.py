"""Companies as a hyperlinked resource: the same columns and links as ours, hidden fields popped per user."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse

from bench.stock.linking import tag
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
_NAMES = {wire: name for name, wire in WIRES.items()}


class LinkedField(serializers.HyperlinkedRelatedField[Any]):
    """A reference: written as the address of a record, shown as its key, address and title."""

    def use_pk_only_optimization(self) -> bool:
        """Have the record itself, for it must be visible to be shown."""
        return False

    def to_representation(self, value: Any) -> Any:
        """Return what is shown of a linked record."""
        return {"id": value.pk, "url": super().to_representation(value), "title": str(value)}


class ReadableSerializer(serializers.HyperlinkedModelSerializer[Company]):
    """A company without those fields that the user may not read, and with links to its collections."""

    links = serializers.SerializerMethodField()

    class Meta:
        model = Company
        fields: tuple[str, ...] = ("id", "url", *PLAIN, *RELATIONS, "links")
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
        for wire in self.context["rights"].hidden():
            fields.pop(_NAMES[wire], None)
            fields.pop(_NAMES[wire].removesuffix("_id"), None)
        return fields

    def get_links(self, company: Company) -> dict[str, str]:
        """Return the links of the entry."""
        request, key = self.context["request"], company.pk
        links = {name: reverse("company-collection", [key, name], request=request) for name in COLLECTIONS}
        links["self"] = reverse("company-detail", [key], request=request)
        links["explain"] = reverse("company-explain", [key], request=request)
        links["prototype"] = reverse("prototype", ["Company"], request=request)
        return links


class CompanySerializer(ReadableSerializer):
    """The complete entry: with a tag, with titles of visible records alone, and with links that depend on rights."""

    serializer_related_field = LinkedField
    etag = serializers.SerializerMethodField()

    class Meta(ReadableSerializer.Meta):
        fields = ("id", "url", "etag", *PLAIN, *RELATIONS, "links")

    def build_property_field(self, field_name: str, model_class: Any) -> Any:
        """Return the key of a reference, empty where the record is not shown."""
        source = f"{field_name.removesuffix('_id')}.pk"
        return serializers.IntegerField, {"source": source, "read_only": True, "allow_null": True}

    def get_etag(self, company: Company) -> str:
        """Return what changes with the record."""
        return tag(company.pk, company.updated_at)

    def get_links(self, company: Company) -> dict[str, str]:
        """Return the links of the entry, those to change it where that is allowed."""
        links = super().get_links(company)
        return links | {name: links["self"] for name, keys in self.context["may"].items() if company.pk in keys}
