"""The parameters of the addresses: what is the same for all kinds, and what is told by the caller's own fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api import prototypes
from api.openapi.shared import FLAG, INT32, TEXT, Schema, ref
from api.query.limits import current_limits
from entities.registry import registry

if TYPE_CHECKING:
    from entities.registry import Entity, Field
    from security.access import Access


def _query(name: str, description: str, schema: Schema, **more: Any) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


def _header(name: str, description: str, schema: Schema | None = None, **more: Any) -> Schema:
    return {"name": name, "in": "header", "description": description, "schema": schema or TEXT, **more}


def shared_parameters() -> dict[str, Schema]:
    """Return the parameters that are the same for every kind, by component name."""
    limits = current_limits()
    return {
        "StartIndex": _query("startIndex", "The first record of the page, counted from 1.", INT32 | {"minimum": 1}),
        "Count": _query(
            "count",
            f"Records on a page, at most {limits.page_maximum}: more count as that. 0 gives the total only.",
            INT32 | {"minimum": 0, "default": limits.page_default},
        ),
        "After": _query("after", "The cursor of a `$next` link. Follow the link as it is.", TEXT),
        "TotalsParameter": _query("totals", "`none` saves the count.", ref("Totals") | {"default": "exact"}),
        "LabelsParameter": _query(
            "labels", "Whether to add the labels of codes as `$labels`.", FLAG | {"default": False}
        ),
        "ReturnPartial": _query("returnPartial", "Accepted, without effect.", FLAG),
        "AllowDuplicate": _query("allowDuplicate", "Pass a rule that refuses likely duplicates.", FLAG),
        "IdempotencyKey": _header(
            "Idempotency-Key",
            "A request that is repeated with the same key and body within a day is not done again, only answered.",
            TEXT | {"pattern": "^[!-~]{1,255}$"},
        ),
        "Atomic": _query("atomic", "Whether all items are stored, or none if one fails.", FLAG | {"default": False}),
        "OnlyNew": _header("If-None-Match", "`*` with an external key: only create, 412 if there is such a record."),
        "IfMatch": _header("If-Match", "The tag that the record must still have, else 412. `*` = any."),
        "IfNoneMatch": _header("If-None-Match", "The tag that you have: 304 if it is still the right one."),
        "Prefer": _header(
            "Prefer",
            "`handling=strict` refuses quoted numbers, `Y`, `N`, and new values of fields that only the server writes.",
            examples={"strict": {"value": "handling=strict"}},
        ),
        "RequestIdParameter": _header(
            "X-Request-Id",
            "Your id of the request; the answer and the log repeat it.",
            TEXT | {"pattern": "^[A-Za-z0-9._-]{1,64}$"},
        ),
        "KindParameter": {
            "name": "kind",
            "in": "path",
            "required": True,
            "description": "A kind.",
            "schema": ref("Kind"),
        },
    }


def kind_parameters(access: Access, entity: Entity, key: int) -> dict[str, Schema]:
    """Return the parameters that one kind has of its own; ``key`` is the key of an example record."""
    kind, label = entity.kind, entity.label
    found = {
        f"{kind}Key": _key("key", f"The key of a {label}.", key),
        f"{kind}Parent": _key("parent", f"The key of the {label}.", key),
        f"{kind}Select": _query(
            "select",
            "The members to show: fields, relations, dotted through relations, `*`, `$etag`, `$updated`, `$links`.",
            TEXT,
            examples=_values(select=selection(access, entity)),
        ),
        f"{kind}Where": _query(
            "where", _WHERE, TEXT | {"minLength": 1}, examples=_values(**conditions(access, entity, key))
        ),
        f"{kind}OrderBy": _query(
            "orderBy",
            f"Fields, each with `asc` or `desc`, at most {current_limits().order_terms}; dotted through relations.",
            TEXT,
            examples=_values(**_orders(access, entity)),
        ),
    }
    names = included(access, entity)
    if names:
        listed = ", ".join(f"`{name}`" for name in names)
        text = f"Relations to expand in place, dotted to depth 2. Here: {listed}."
        found[f"{kind}Include"] = _query("include", text, TEXT, examples=_values(include=names[0]))
    return found


_WHERE = (
    "A condition: `eq ne lt le gt ge between in like`, `and or not`, parentheses, arithmetic, functions; text in"
    " quotes, times between `@`. Fields may be dotted through relations."
)


def _key(name: str, description: str, key: int) -> Schema:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": INT32,
        "examples": _values(demo=key),
    }


def _values(**values: Any) -> Schema:
    return {name: {"value": value} for name, value in values.items()}


def included(access: Access, entity: Entity) -> list[str]:
    """Return the names that ``include`` takes: relations, then collections."""
    relations = [field.relation for field in prototypes.relations(access, entity)]
    return relations + [item.name for item in prototypes.collections(access, entity)]


def _plain(access: Access, entity: Entity) -> list[Field]:
    """Return the readable text fields, those of the title first."""
    texts = [field for field in access.shape(entity).readable if field.type == "text" and field.sortable]
    return sorted(texts, key=lambda field: field.name not in entity.title)


def selection(access: Access, entity: Entity) -> str:
    """Return an example of ``select``."""
    readable = access.shape(entity).readable
    codes = [field for field in readable if field.type == "sel"]
    fields = [*_plain(access, entity)[:1], *codes[:1], *readable[:1]]
    return ",".join(dict.fromkeys(field.wire for field in fields))


def conditions(access: Access, entity: Entity, key: int) -> dict[str, str]:
    """Return examples of ``where`` over what the caller can read."""
    shape, texts = access.shape(entity), _plain(access, entity)
    found = {"text": f"{texts[0].wire} like 'A%'"} if texts else {}
    found["key"] = f"{entity.key.wire} in ({key},{key + 1})"
    for field in shape.readable:
        codes = [code["$value"] for code in prototypes.choices(access, field)] if field.type == "sel" else []
        if codes:
            found["code"] = f"{field.wire} eq '{codes[0]}' or {field.wire} eq null"
            break
    if shape.reads("updated_at"):
        found["time"] = f"{entity.by_name['updated_at'].wire} gt @2026-03-14@"
    for reference in prototypes.relations(access, entity):
        inner = _plain(access, registry()[reference.target])
        if inner:
            found["relation"] = f"not ({reference.relation}.{inner[0].wire} eq null)"
            break
    return found


def _orders(access: Access, entity: Entity) -> Schema:
    texts = _plain(access, entity)
    found = {"key": f"{entity.key.wire} desc"}
    return {"text": f"{texts[0].wire} desc"} | found if texts else found
