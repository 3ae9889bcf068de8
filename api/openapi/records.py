"""The schemas of one kind for one shape: entry, feed, and the bodies that create and change (drf-spectacular's seams).

The serializers hold the fields that the shape can read, and so do the schemas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.plumbing import ResolvedComponent

from api import entries, prototypes, related, workflow
from api.nested import CHILDREN
from api.openapi.shared import FLAG, INT32, MOMENT, TEXT, URL, Schema, closed, ref
from api.serializers import WireField, serializer_for
from entities.registry import CollectionLink, Entity, Field, registry

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema
    from drf_spectacular.utils import Direction

    from api.base import SDataView
    from api.serializers import EntitySerializer
    from security.access import Access
    from security.shapes import Shape

RECORD = "x-record"
IGNORED: Schema = {"patternProperties": {r"^\$": {}}}
_WHOLE = 10**18


def access_of(auto_schema: AutoSchema) -> Access:
    """Return the access of the caller whose document is made."""
    return cast("SDataView", auto_schema.view).access


def named(auto_schema: AutoSchema, name: str, schema: Schema) -> Schema:
    """Register a component, unless it is known, and return a reference to it."""
    component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema, str)
    auto_schema.registry.register_on_missing(component)
    return component.ref


class WireFieldExtension(OpenApiSerializerFieldExtension):
    """The JSON of one field; whether it may be null is said by ``ContractSchema``."""

    target_class = "api.serializers.WireField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Return the schema of the field's values."""
        field: Field = self.target.field
        body = direction == "request"
        match field.type:
            case "key" | "int" | "ref":
                return INT32 | _target(access_of(auto_schema), field)
            case "num" | "money" | "pct":
                whole = 10 ** ((field.digits or 24) - (field.decimals or 0))
                limit = min(whole, _WHOLE)
                return {"type": "number"} | ({"exclusiveMinimum": -limit, "exclusiveMaximum": limit} if body else {})
            case "bool":
                return FLAG
            case "dt":
                return {"type": "string", "format": "date-time"} if body else MOMENT
            case "sel":
                return choice(auto_schema, field)
            case "msel":
                return {"type": "array", "items": choice(auto_schema, field), "uniqueItems": True}
        length = {"maxLength": field.max_length} if field.max_length else {}
        return TEXT | length | ({"format": "email"} if body and field.type == "email" else {})


def _target(access: Access, field: Field) -> Schema:
    """Say which kind a reference names, where the caller knows it."""
    if field.target and access.sees(registry()[field.target]):
        return {"description": f"The key of a {registry()[field.target].label}."}
    return {}


def choice(auto_schema: AutoSchema, field: Field) -> Schema:
    """Return the schema of the codes of a selection field: one named component per list."""
    access = access_of(auto_schema)
    return named(auto_schema, list_component(access, field), _codes(access, field))


def list_component(access: Access, field: Field) -> str:
    """Return the component name of a selection list.

    A list is called like the field that it was made for; where the caller cannot read that one, the list is called
    like the first field that shows it, so that no hidden name appears.
    """
    named = [found for entity in registry() for found in entity.fields if found.wire == field.list_name]
    readable = [found for entity in prototypes.known(access) for found in access.shape(entity).readable]
    if not named or any(found in readable for found in named):
        return field.list_name
    # The lists of children that a new record may bring along belong to kinds that are otherwise unknown.
    return next((found.wire for found in readable if found.list_name == field.list_name), field.wire)


def _codes(access: Access, field: Field) -> Schema:
    """Return the codes of a list, the retired ones too: records may still hold them."""
    choices, language = access.lists.get(field.list_name, ()), access.actor.language
    if not choices:
        return TEXT | {"maxLength": 40, "description": "A list without codes, so far."}
    lines = [f"- `{c.code}`: {c.label(language)}{' (retired)' if c.retired else ''}" for c in choices]
    return TEXT | {"enum": [c.code for c in choices], "description": "\n".join(lines)}


class EntityExtension(OpenApiSerializerExtension):
    """One kind: its entry in answers, its bodies in requests."""

    target_class = "api.serializers.EntitySerializer"
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: Direction) -> str:
        """Return ``Company``, ``CompanyCreate`` or ``CompanyUpdate``."""
        kind: str = self.target.shape.kind
        return kind if direction == "response" else body_name(kind, auto_schema.method)

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Return the schema of the entry or of the body."""
        return entry(auto_schema, self.target) if direction == "response" else body(auto_schema, self.target)


def body_name(kind: str, method: str) -> str:
    """Return the component name of a body."""
    return f"{kind}Create" if method == "POST" else f"{kind}Update"


def entry(auto_schema: AutoSchema, serializer: EntitySerializer) -> Schema:
    """Return the schema of an entry: only its identity is always there, because ``select`` may leave out the rest."""
    access, shape = access_of(auto_schema), serializer.shape
    entity = shape.entity
    properties: Schema = {
        "$key": INT32 | {"description": "The record's key."},
        "$title": TEXT | {"description": "Made of the title fields that you can read."},
        "$url": URL | {"description": "The record's address."},
        "$etag": TEXT | {"description": "The tag of what you see of the record."},
    }
    if shape.reads("updated_at"):
        properties["$updated"] = MOMENT | {"description": "When the record was last changed."}
    for wire, field in serializer.fields.items():
        properties[wire] = auto_schema._map_serializer_field(field, "response")
    for reference in prototypes.relations(access, entity):
        properties[reference.relation] = _linked(auto_schema, reference)
    for owner in owners(access, entity):
        properties[owner.kind] = ref("Reference") | {"title": owner.label}
    for item in prototypes.collections(access, entity):
        properties[item.name] = _included(auto_schema, item)
    labels = closed({field.wire: ref("Labels") for field in shape.readable if field.list_name}, ())
    properties["$labels"] = labels | {"description": "With `labels=true`: what the codes mean in your language."}
    properties["$links"] = entry_links(access, shape)
    return closed(properties, ("$key", "$title", "$url"), description=f"A {entity.label}, as far as you may read it.")


def record_ref(auto_schema: AutoSchema, entity: Entity) -> Schema:
    """Return a reference to the entry of ``entity``; to a bare reference where the caller can read no record of it."""
    access = access_of(auto_schema)
    if not access.sees(entity):
        return ref("Reference")
    return auto_schema.resolve_serializer(serializer_for(access.shape(entity)), "response").ref


def _linked(auto_schema: AutoSchema, field: Field) -> Schema:
    target = registry()[field.target]
    text = f"Absent if empty or not visible to you. With `include={field.relation}` it has the members of its kind."
    return ref("Linked") | {"title": field.title, "description": text, RECORD: _record(auto_schema, target)}


def _included(auto_schema: AutoSchema, item: CollectionLink) -> Schema:
    target = registry()[item.kind]
    text = f"With `include={item.name}`: the first records of the collection."
    return ref("LinkedCollection") | {
        "title": target.plural,
        "description": text,
        RECORD: _record(auto_schema, target),
    }


def _record(auto_schema: AutoSchema, entity: Entity) -> str:
    """Say which schema an included record obeys, without a ``$ref``: tools that expand those would never end."""
    return str(record_ref(auto_schema, entity)["$ref"])


def owners(access: Access, entity: Entity) -> list[Entity]:
    """Return the kinds of generic owner whose link object an entry may show."""
    return [registry()[kind] for kind in entries.owner_kinds(access, entity)]


def entry_links(access: Access, shape: Shape) -> Schema:
    """Return the schema of an entry's ``$links``."""
    names = ["$self"]
    names += ["$edit"] if shape.offers("edit") else []
    names += ["$delete"] if shape.offers("delete") else []
    names += ["$prototype", "$explain", *(item.name for item in prototypes.collections(access, shape.entity))]
    actions = {step.name: ref("ActionLink") for step in workflow.steps(shape)}
    return closed(dict.fromkeys(names, ref("Link")) | actions, ("$self", "$prototype", "$explain"))


def body(auto_schema: AutoSchema, serializer: EntitySerializer) -> Schema:
    """Return the schema of a body: what may be written, and what a record that was read may bring back unchanged."""
    access, shape = access_of(auto_schema), serializer.shape
    create = auto_schema.method == "POST"
    properties: Schema = {}
    required: list[str] = []
    for wire, field in serializer.fields.items():
        assert isinstance(field, WireField)
        properties[wire] = auto_schema._map_serializer_field(field, "request")
        if create and field.required:
            required.append(wire)
    for reference in prototypes.relations(access, shape.entity):
        writable = shape.writes(reference) and (create or not reference.fixed)
        properties[reference.relation] = ref("ReferenceInput") | ({} if writable else {"readOnly": True})
    for owner in owners(access, shape.entity):
        fixed = {"readOnly": True, "description": "Cannot be changed."}
        properties[owner.kind] = ref("ReferenceInput") | ({} if create else fixed)
    for item in prototypes.collections(access, shape.entity):
        properties[item.name] = {"type": "object", "readOnly": True, "description": "Ignored."}
    if create:
        properties |= nested(auto_schema, shape.entity)
    text = (
        "Members that you cannot write may come back unchanged; those that begin with `$` are ignored."
        " Names are matched in any case; a quoted number and `Y` or `N` for a boolean are understood."
    )
    return closed(properties, tuple(required), description=text) | IGNORED


def nested(auto_schema: AutoSchema, entity: Entity) -> Schema:
    """Return the members of a body that creates a record by which its children are created, too."""
    found: Schema = {}
    access = access_of(auto_schema)
    for item in prototypes.nestable(access, entity):
        child = _child(auto_schema, entity, item)
        forms: list[Schema] = [child, {"type": "array", "items": child, "maxItems": CHILDREN}]
        hop = entity.relations.get(item.kind.lower())
        if hop is not None and hop in prototypes.relations(access, entity):
            forms.insert(0, ref("ReferenceInput"))
        label = registry()[item.kind].plural
        found[item.kind] = {"anyOf": forms, "description": f"{label} to create with it, one or an array."}
    return found


def _child(auto_schema: AutoSchema, parent: Entity, item: CollectionLink) -> Schema:
    """Return a reference to the body of a child: what a member of the collection is created with."""
    name, target = f"{parent.kind}{item.kind}Create", registry()[item.kind]
    key = (name, ResolvedComponent.SCHEMA)
    if key not in auto_schema.registry._components:
        serializer = serializer_for(access_of(auto_schema).shape(target))
        auto_schema.resolve_serializer(serializer, "request")
        base = auto_schema.registry[body_name(item.kind, "POST"), ResolvedComponent.SCHEMA].schema
        return named(auto_schema, name, member_body(auto_schema, base, parent, item))
    return ref(name)


def member_body(auto_schema: AutoSchema, base: Schema, parent: Entity, item: CollectionLink) -> Schema:
    """Return the body that creates a member of a collection: the parent is given, the way of linking may be said."""
    target = registry()[item.kind]
    given = [] if item.via else [item.by] if item.by else ["owner_table", "owner_id"]
    wires = {target.by_name[name].wire for name in given}
    found = base | {"properties": {**_linking(auto_schema, parent, item), **base["properties"]}}
    required = [name for name in base.get("required", ()) if name not in wires]
    found.pop("required", None)
    return found | ({"required": required} if required else {})


def _linking(auto_schema: AutoSchema, parent: Entity, item: CollectionLink) -> Schema:
    linking = registry()[item.via or item.kind]
    field = linking.by_name.get("type")
    found: Schema = {}
    access = access_of(auto_schema)
    if field is not None and field.list_name and access.shape(linking).writes(field):
        found["$type"] = choice(auto_schema, field) | {"description": "The way of linking; absent: the first."}
    primary = related.primary_field(parent, item.kind)
    if primary is not None and access.shape(parent).writes(primary):
        found["$isDefault"] = FLAG | {"description": "Whether this one becomes the primary one."}
    return found


def field_meta(serializer_field: WireField, direction: Direction, method: str) -> dict[str, Any]:
    """Return what is said of a field beside its values: title, null, default, whether it can be written."""
    field = serializer_field.field
    meta: dict[str, Any] = {"title": field.title}
    if direction == "response":
        if field.shown or not (field.type in ("key", "bool") or (field.required and not field.target)):
            meta["nullable"] = True
        return meta
    shape = cast("EntitySerializer", serializer_field.parent).shape
    if not shape.requires(field) or (method == "POST" and field.has_default):
        meta["nullable"] = True
    if serializer_field.read_only or (method != "POST" and field.fixed):
        meta["readOnly"] = True
    elif method == "POST" and field.default is not None:
        default = serializer_field.to_representation(field.default)
        meta["default"] = default if isinstance(default, str | int | bool) else float(field.default)
    return meta
