"""The DRF serializers of the entities: one class per shape, holding only the fields that the shape can read.

What a body means is decided in ``bodies``; this is DRF's seam to it, and what drf-spectacular describes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from rest_framework import serializers

from api.bodies import Reading, Terms, stored_form
from api.values import to_json
from security import gate

if TYPE_CHECKING:
    from entities.registry import Entity, Field
    from security.shapes import Shape


class WireField(serializers.Field[Any, Any, Any, Any]):
    """One entity field: reads and writes the values of contract.md §4. ``field`` is its declaration."""

    def __init__(self, field: Field, **options: Any) -> None:
        super().__init__(**options)
        self.field = field

    def to_internal_value(self, data: Any) -> Any:
        """Return the stored form of a JSON value; raises ``WrongValue``."""
        return stored_form(self.field, data, strict=self.context.get("strict", False))

    def to_representation(self, value: Any) -> Any:
        """Return the JSON form of a stored value."""
        return to_json(self.field)(value)


class EntitySerializer(serializers.Serializer[Any]):
    """Reads bodies of one kind for one shape; made by ``serializer_for``.

    Context: the ``bodies.Terms`` of the reading.
    """

    shape: ClassVar[Shape]

    @property
    def entity(self) -> Entity:
        """The entity that is read."""
        return self.shape.entity

    def run_validation(self, data: Any = serializers.empty) -> dict[str, Any]:
        """Return ``{attribute: new value}`` of the members that change something; raises ``ApiError``."""
        reading = Reading(self.shape, Terms(**self.context), self.instance)
        reading.take(data)
        return reading.result(gate.titles(reading.access, reading.wanted))


@lru_cache(maxsize=2_000)
def serializer_for(shape: Shape) -> type[EntitySerializer]:
    """Return the serializer class of a shape: hidden fields are not in it."""
    declared: dict[str, Any] = {
        field.wire: WireField(
            field,
            read_only=not shape.writes(field),
            required=shape.requires(field) and not field.has_default and shape.writes(field),
            allow_null=field.type != "bool",
            label=field.title,
            source="*",
        )
        for field in shape.readable
    }
    return type(f"{shape.kind}Serializer", (EntitySerializer,), {"shape": shape, **declared})
