"""Quick find in the document: its parameters, the feed of what is found, an example; all from the searched fields.

A field that the caller cannot read is searched by nobody and named nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.openapi.shared import INT32, TEXT, URL, Schema, closed, ref
from api.quickfind import LONGEST, SHORTEST, searchable, searched

if TYPE_CHECKING:
    from entities.registry import Entity
    from security.access import Access


def parameters(access: Access) -> dict[str, Schema]:
    """Return the parameters that only quick find has; none where the caller can search nothing."""
    kinds = [entity.kind for entity in searchable(access)]
    if not kinds:
        return {}
    words = TEXT | {"minLength": SHORTEST, "maxLength": LONGEST}
    return {
        "QuickFindQuery": _required("query", "Words, each of which must occur.", words),
        "QuickFindEntity": _required("entity", "The kind to search, in any case.", TEXT | {"enum": kinds}),
    }


def _required(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "required": True, "description": description, "schema": schema}


def schemas(access: Access) -> dict[str, Schema]:
    """Return the schemas of the feed and of what is found of each kind."""
    kinds = searchable(access)
    if not kinds:
        return {}
    found = {f"{entity.kind}Found": _found(access, entity) for entity in kinds}
    resources = {"type": "array", "items": {"anyOf": [ref(name) for name in found]}}
    feed = closed(
        {
            "$url": URL,
            "$title": TEXT,
            "$baseUrl": URL,
            "$totalResults": INT32 | {"minimum": 0},
            "$startIndex": INT32 | {"minimum": 1},
            "$itemsPerPage": INT32 | {"minimum": 0},
            "$resources": resources,
            "$links": ref("FeedLinks"),
        },
        description="A page of what was found.",
    )
    return found | {"QuickFindFeed": feed}


def _found(access: Access, entity: Entity) -> Schema:
    fields = {field.wire: {"type": ["string", "null"], "title": field.title} for field in searched(access, entity)}
    links = closed({"$self": ref("Link")})
    identity = {"$key": INT32, "$title": TEXT, "$url": URL}
    return closed({**identity, **fields, "$links": links}, description=f"A {entity.label}, by its searched fields.")


def example(access: Access, entity: Entity, entry: dict[str, Any], url: str, base: str) -> dict[str, Any]:
    """Return a feed in which ``entry``, the example record of ``entity`` as the caller sees it, is found."""
    names = ("$key", "$title", "$url", *(field.wire for field in searched(access, entity)))
    word = str(entry["$title"]).split()[0]
    here = {"$url": f"{url}?query={word}&entity={entity.kind}", "$title": "This page"}
    links = {"$self": {"$url": entry["$url"], "$title": entry["$title"]}}
    return {
        "$url": here["$url"],
        "$title": entity.plural,
        "$baseUrl": base,
        "$totalResults": 1,
        "$startIndex": 1,
        "$itemsPerPage": 25,
        "$resources": [{name: entry[name] for name in names} | {"$links": links}],
        "$links": {
            "$self": here,
            "$first": here | {"$title": "First page"},
            "$prototype": {"$url": f"{base}/$prototypes/{entity.kind}", "$title": "Prototype"},
        },
    }
