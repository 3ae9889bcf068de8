"""What holds more than one record in the document: feeds, batches of either form, bodies with children."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

from api import prototypes
from api.items import METHODS
from api.nested import Place, may_insert
from api.openapi import examples, records
from api.openapi.shared import CONTRACT_HEADERS, INT32, TEXT, URL, Schema, closed, ref
from api.serializers import serializer_for
from entities.registry import Entity, registry

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema

    from security.access import Access

_HEAD: Schema = {
    "$httpStatus": INT32 | {"description": "The status of this item."},
    "$httpMessage": TEXT,
    "$httpMethod": TEXT | {"enum": list(METHODS)},
}


def feed(auto_schema: AutoSchema, entity: Entity) -> Schema:
    """Register and return the component of a kind's feed."""
    schema = closed(
        {
            "$url": URL,
            "$title": TEXT,
            "$baseUrl": URL,
            "$totalResults": INT32 | {"description": "How many match; absent with `totals=none`.", "minimum": 0},
            "$startIndex": INT32 | {"minimum": 1},
            "$itemsPerPage": INT32 | {"minimum": 0},
            "$resources": {"type": "array", "items": records.record_ref(auto_schema, entity)},
            "$links": ref("FeedLinks"),
        },
        ("$url", "$title", "$baseUrl", "$startIndex", "$itemsPerPage", "$resources", "$links"),
        description=f"A page of {entity.plural}.",
    )
    return records.named(auto_schema, f"{entity.kind}Feed", schema)


def batch_body(auto_schema: AutoSchema, entity: Entity) -> Schema:
    """Return the request body of a batch: an array of new records, or items with methods of their own."""
    kind, shape = entity.kind, records.access_of(auto_schema).shape(entity)
    new = ref(records.body_name(kind, "POST"))
    item = {
        "type": "object",
        "description": f"The members of a {entity.label}, and what to do with it.",
        "properties": {
            "$httpMethod": TEXT | {"enum": list(METHODS), "default": "POST"},
            "$url": TEXT | {"description": "The record, absolute or as `company('43')`; for POST the kind, or absent."},
            "$key": INT32 | {"description": "The record, instead of `$url`."},
            "$ifMatch": TEXT | {"description": "The tag that the record must still have, else 412."},
        },
    }
    auto_schema.resolve_serializer(serializer_for(shape), "request")
    most = settings.MAX_BATCH_ITEMS
    body = {
        "oneOf": [
            {"type": "array", "items": new, "maxItems": most, "description": "New records."},
            {
                "type": "object",
                "properties": {"$resources": {"type": "array", "items": item, "maxItems": most}},
                "required": ["$resources"],
                "description": "Items with methods of their own.",
            },
        ]
    }
    told = {"array": ref(f"{kind}BatchArray", "examples"), "feed": ref(f"{kind}BatchFeed", "examples")}
    return {"content": {"application/json": {"schema": body, "examples": told}}, "required": True}


def batch_answers(auto_schema: AutoSchema, entity: Entity, headers: Schema) -> Schema:
    """Return what a batch is answered with: all items, each as the request alone would be."""
    item = records.named(auto_schema, f"{entity.kind}BatchItem", _item(entity))
    answer = records.named(
        auto_schema,
        f"{entity.kind}BatchAnswer",
        {"oneOf": [{"type": "array", "items": item}, _feed(item)]},
    )
    told = {"array": ref(f"{entity.kind}BatchAnswer", "examples")}
    refused = {"anyOf": [ref("Diagnoses"), answer]}
    return {
        "200": {
            "description": "The batch was processed; each item says what became of it.",
            "headers": CONTRACT_HEADERS | headers,
            "content": {"application/json": {"schema": answer, "examples": told}},
        },
        "400": {
            "description": "It cannot be understood; or `atomic=true`, an item failed and nothing was stored.",
            "headers": CONTRACT_HEADERS | headers,
            "content": {"application/json": {"schema": refused, "examples": {"refusal": _REFUSED}}},
        },
    }


_REFUSED: Schema = {"value": examples.refusals()[400]}


def _item(entity: Entity) -> Schema:
    """Return the answer to an item: what became of it, and the members of its record, if there is one to show."""
    more: Schema = {
        "$location": URL | {"description": "The address of a new record."},
        "$key": INT32,
        "$title": TEXT,
        "$url": URL,
        "$diagnoses": {"type": "array", "items": ref("Diagnosis"), "minItems": 1},
    }
    return {
        "type": "object",
        "description": f"What became of one {entity.label}: the members of an entry, or why it was refused.",
        "properties": _HEAD | more,
        "required": list(_HEAD),
    }


def _feed(item: Schema) -> Schema:
    return closed(
        {
            "$url": URL,
            "$title": TEXT,
            "$resources": {"type": "array", "items": item},
            "$diagnoses": {"type": "array", "items": ref("Diagnosis"), "minItems": 1},
        },
        ("$url", "$title", "$resources"),
    )


def batch_examples(access: Access, entity: Entity, shown: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return the examples of a batch; ``shown`` = the example record as the caller sees it, ``new`` = a body for it."""
    kind, shape = entity.kind, access.shape(entity)
    feed: list[dict[str, Any]] = [{"$httpMethod": "POST", **new}] if shape.offers("insert") else []
    if shape.offers("view"):
        feed.append({"$httpMethod": "GET", "$key": shown["$key"]})
    head = {"$httpStatus": 200, "$httpMessage": "OK", "$httpMethod": "POST", "$location": shown["$url"]}
    identity = {name: shown[name] for name in ("$key", "$title", "$url")}
    refused = {"$httpStatus": 403, "$httpMessage": "Forbidden", "$httpMethod": "POST", **examples.refusals()[403]}
    return {
        f"{kind}BatchArray": [new, new],
        f"{kind}BatchFeed": {"$resources": feed},
        f"{kind}BatchAnswer": [head | identity, refused],
    }


def with_children(access: Access, entity: Entity, new: dict[str, Any]) -> dict[str, Any]:
    """Return an example of a body with children; nothing where the caller can nest none."""
    found = dict(new)
    for item in prototypes.nestable(access, entity):
        target = registry()[item.kind]
        sample = examples.stored().get(item.kind)
        shape = access.shape(target)
        if sample is None or not sample.records or not may_insert(access, item):
            continue
        given = frozenset() if item.via else frozenset(Place(entity, item).reference)
        child = examples.create(shape, sample, given)
        if child:
            found[item.kind] = [child]
    return found if len(found) > len(new) else {}


def all_examples(access: Access, base: str) -> dict[str, dict[str, Any]]:
    """Return the examples of batches and of bodies with children, by component name."""
    found: dict[str, Any] = {}
    for entity in prototypes.known(access):
        sample, shape = examples.stored().get(entity.kind, examples.NONE), access.shape(entity)
        if sample.records and prototypes.writable(access, entity):
            new = examples.create(shape, sample)
            seen = access.sees(entity)
            record = sample.records[0]
            shown = examples.entry(access, entity, record) if seen else examples.reference(entity, record)
            found |= batch_examples(access, entity, shown, new)
            found[f"{entity.kind}CreateWithChildren"] = with_children(access, entity, new)
    return {name: {"value": examples.with_base(value, base)} for name, value in found.items() if value}
