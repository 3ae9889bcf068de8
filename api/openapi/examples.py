"""Examples: records of the demo world, kept in ``api/examples.json``, as the caller would see them.

The file holds whole records as ``manage.py write_examples`` read them; here they are projected to the caller's
contract, so that an example never names what the caller cannot read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from api import prototypes, quickfind
from api.errors import ApiError, Diagnosis, body_of, too_many_requests
from api.openapi import actions, explained
from api.openapi import found as quick
from api.openapi.records import owners
from api.openapi.texts import REFUSALS
from entities.registry import Entity, Field, registry
from security import gate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from security.access import Access
    from security.shapes import Shape

FILE = Path(__file__).parent.parent / "examples.json"
BASE = "{base}"
FINGERPRINT = "9f2c4be1d07a5c36"
OPTIONAL_MEMBERS = 6
_SIMPLE = ("text", "email", "url", "phone", "sel", "num", "money", "pct", "dt")


@dataclass(frozen=True)
class Sample:
    """The example records of a kind, and a body that creates one (empty: made of the first record)."""

    records: list[dict[str, Any]]
    create: dict[str, Any]


@lru_cache(maxsize=1)
def stored() -> Mapping[str, Sample]:
    """Return what the file holds, by kind."""
    found = orjson.loads(FILE.read_bytes()) if FILE.exists() else {}
    return {kind: Sample(**sample) for kind, sample in found.items()}


NONE = Sample([], {})


def key_of(entity: Entity) -> int:
    """Return the key of the example record of a kind."""
    records = stored().get(entity.kind, NONE).records
    return int(records[0]["$key"]) if records else 1


def examples(access: Access, base: str) -> dict[str, dict[str, Any]]:
    """Return every example for the caller, by component name; ``base`` is the absolute address of the contract."""
    found = _discovery(access)
    for entity in prototypes.known(access):
        found |= of_kind(access, entity)
    values: dict[str, Any] = with_base(found, base)
    return {name: {"value": value} for name, value in values.items()}


def with_base(value: Any, base: str) -> Any:
    """Return an example with the absolute address of the contract filled in."""
    if isinstance(value, str):
        return value.replace(BASE, base)
    if isinstance(value, dict):
        return {name: with_base(inner, base) for name, inner in value.items()}
    return [with_base(inner, base) for inner in value] if isinstance(value, list) else value


def of_kind(access: Access, entity: Entity) -> dict[str, Any]:
    """Return the examples of one kind, by component name, with ``BASE`` for the address of the contract."""
    sample = stored().get(entity.kind, NONE)
    records = sample.records
    if not records:
        return {}
    kind, shape = entity.kind, access.shape(entity)
    shown = [entry(access, entity, record) for record in records] if access.sees(entity) else []
    created = shown[0] if shown else reference(entity, records[0])
    found = {
        f"{kind}Entry": created,
        f"{kind}Feed": _feed(entity, shown, insert=shape.offers("insert")),
        f"{kind}QueryFeed": _query_feed(entity, shown, insert=shape.offers("insert")),
        f"{kind}Query": {"where": f"{entity.key.wire} gt 0", "orderBy": [f"{entity.key.wire} desc"], "count": 10},
        f"{kind}Create": create(shape, sample),
        f"{kind}Explanation": explained.example(created["$url"], created["$title"], created["$key"]),
        f"{kind}Update": _update(shape, records[0]),
    }
    found |= actions.examples(shape, records)
    for parent in prototypes.known(access):
        for item in prototypes.collections(access, parent):
            if item.kind == kind:
                given = set() if item.via else {item.by} if item.by else {"owner_table", "owner_id"}
                found[f"{parent.kind}{kind}Create"] = create(shape, sample, frozenset(given))
    return found


def reference(entity: Entity, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record by key, neutral title and address."""
    return {"$key": record["$key"], "$title": gate.neutral_title(entity, record["$key"]), "$url": record["$url"]}


def _title(access: Access, entity: Entity, record: Mapping[str, Any]) -> str:
    """Return the title, or the neutral one where a field that it is made of is hidden."""
    shape = access.shape(entity)
    if all(shape.reads(name) for name in entity.title):
        return str(record["$title"])
    return gate.neutral_title(entity, record["$key"])


def entry(access: Access, entity: Entity, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored record as the caller would see it."""
    shape = access.shape(entity)
    found = {"$key": record["$key"], "$title": _title(access, entity, record), "$url": record["$url"]}
    found["$etag"] = record["$etag"]
    if shape.reads("updated_at"):
        found["$updated"] = record["$updated"]
    shown = {field.relation: registry()[field.target] for field in prototypes.relations(access, entity)}
    shown |= {owner.kind: owner for owner in owners(access, entity)}
    for field in shape.readable:
        seen = not field.target or access.sees(registry()[field.target])
        if field.wire in record:  # not yet, where a field is newer than the file
            found[field.wire] = record[field.wire] if seen else None
    for name, target in shown.items():
        if name in record:
            found[name] = record[name] | {"$title": _title(access, target, record[name])}
    return found | {"$links": _links(access, shape, record)}


def _links(access: Access, shape: Shape, record: Mapping[str, Any]) -> dict[str, Any]:
    names = {"$self", "$prototype", "$explain", *(item.name for item in prototypes.collections(access, shape.entity))}
    names |= {f"${action}" for action in ("edit", "delete") if shape.offers(action)}
    found = {name: link for name, link in record["$links"].items() if name in names}
    found["$self"] = found["$self"] | {"$title": _title(access, shape.entity, record)}
    return found | actions.links(shape, record["$url"], record["$links"])


def _feed(entity: Entity, shown: list[dict[str, Any]], *, insert: bool) -> dict[str, Any]:
    url, prototype = f"{BASE}/{entity.kind}", f"{BASE}/$prototypes/{entity.kind}"
    links: dict[str, Any] = {
        "$self": {"$url": f"{url}?count={len(shown)}", "$title": "This page"},
        "$first": {"$url": f"{url}?count={len(shown)}", "$title": "First page"},
        "$prototype": {"$url": prototype, "$title": "Prototype"},
        "$query": {"$url": f"{url}/$query", "$method": "POST", "$title": "Query with a body"},
    }
    if insert:
        links["$batch"] = {"$url": f"{url}/$batch", "$method": "POST", "$title": "Batch"}
        links["$insert"] = {"$url": url, "$method": "POST", "$title": f"New {entity.label}", "$request": prototype}
    return {
        "$url": f"{url}?count={len(shown)}",
        "$title": entity.plural,
        "$baseUrl": BASE,
        "$totalResults": len(shown),
        "$startIndex": 1,
        "$itemsPerPage": len(shown),
        "$resources": shown,
        "$links": links,
    }


def _query_feed(entity: Entity, shown: list[dict[str, Any]], *, insert: bool) -> dict[str, Any]:
    """Return the feed that a query in a body is answered with: its pages are asked for in the same way."""
    found = _feed(entity, shown, insert=insert)
    url = f"{BASE}/{entity.kind}/$query"
    links = dict(found["$links"])
    for name in ("$self", "$first"):
        links[name] = links[name] | {"$url": url, "$method": "POST", "$body": {"count": len(shown)}}
    return found | {"$url": url, "$links": links}


def create(shape: Shape, sample: Sample, given: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return a body that creates such a record: the sample's, or what is required and some of what is plain."""
    record = sample.create or sample.records[0]
    filled = [f for f in shape.readable if shape.writes(f) and f.name not in given and record.get(f.wire) is not None]
    needed = [f for f in filled if sample.create or (shape.requires(f) and not f.has_default)]
    plain = [f for f in filled if f not in needed and _is_plain(f)][:OPTIONAL_MEMBERS]
    return {f.wire: record[f.wire] for f in filled if f in needed or f in plain}


def _is_plain(field: Field) -> bool:
    return field.type in _SIMPLE and not field.upsert


def _update(shape: Shape, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body that changes one member."""
    for field in shape.readable:
        if shape.writes(field) and not field.fixed and _is_plain(field) and record.get(field.wire) is not None:
            return {field.wire: record[field.wire]}
    return {"$key": record["$key"]}


def _discovery(access: Access) -> dict[str, Any]:
    known = prototypes.known(access)
    contract = {"$version": "1.0", "$fingerprint": FINGERPRINT}
    summaries = [
        {
            "$title": entity.label,
            "$baseUrl": BASE,
            "$url": f"{BASE}/$prototypes/{entity.kind}",
            "$resourceId": entity.table_id,
            "$resourceKind": entity.kind,
        }
        for entity in known[:3]
    ]
    links = {
        "$self": {"$url": f"{BASE}/", "$title": "Service", "$type": "application/json"},
        "$whoami": {"$url": f"{BASE}/$whoami", "$title": "The current user"},
        "$prototypes": {"$url": f"{BASE}/$prototypes", "$title": "Resources and fields"},
        **({"$quickFind": quickfind.link(BASE)} if quickfind.searchable(access) else {}),
        "$openapi": {"$url": f"{BASE}/$openapi", "$title": "OpenAPI document", "$type": "application/json"},
        "$documentation": {"$url": f"{BASE}/$docs", "$title": "Documentation", "$type": "text/html"},
    }
    kinds = {entity.kind: {"$url": f"{BASE}/{entity.kind}", "$title": entity.plural} for entity in known}
    found: dict[str, Any] = {
        "ServiceRoot": {
            "$title": "CRM",
            "$url": f"{BASE}/",
            "$baseUrl": BASE,
            "$contract": contract,
            "$links": links | kinds,
        },
        "WhoAmI": _whoami(access)
        | {"$contract": contract, "$rights": {e.kind: prototypes.rights(access.shape(e)) for e in known}},
        "PrototypeFeed": {
            "$title": "Prototypes",
            "$url": f"{BASE}/$prototypes",
            "$baseUrl": BASE,
            "$totalResults": len(summaries),
            "$startIndex": 1,
            "$itemsPerPage": len(summaries),
            "$resources": summaries,
        },
        "OpenApiDocument": {"openapi": "3.1.0", "info": {"title": "CRM", "version": "1.0"}, "paths": {}},
    }
    if known:
        whole = prototypes.prototype(access, known[0], BASE)
        some = dict(list(whole["$properties"].items())[:4])
        found["Prototype"] = whole | {"$fingerprint": FINGERPRINT, "$properties": some}
    for entity in quickfind.searchable(access):
        records = stored().get(entity.kind, NONE).records
        if records:
            shown = entry(access, entity, records[0])
            found["QuickFindFeed"] = quick.example(access, entity, shown, quickfind.quick_find_url(BASE), BASE)
            break
    return found


def _whoami(access: Access) -> dict[str, Any]:
    """Return the example user with its places, as far as the caller can see such records."""
    users = registry()["Users"]
    records = stored().get("Users", NONE).records
    user = entry(access, users, records[0]) if records and access.sees(users) else {}
    own = {users.by_name[name].wire for name in ("logon", "language")}
    team = user.get("Channel")
    return {
        "$url": f"{BASE}/$whoami",
        "$title": user.get("$title", "User 2"),
        "$user": {name: user[name] for name in ("$key", "$url", "$title", *sorted(own)) if name in user} or {"$key": 2},
        "$administrator": False,
        "$profiles": [{"$key": 1, "$title": "Sales"}],
        "$territory": user.get("Territories"),
        "$team": team,
        "$teams": [team] if team else [],
    }


def refusals() -> dict[int, dict[str, Any]]:
    """Return the body of one refusal per status."""
    found = {
        400: ApiError.of(
            400, "UnknownParameter", "'page' is not a parameter of this address.", "page", "BadQueryParameter"
        ),
        401: ApiError.of(401, "NotAuthenticated", "Valid credentials are needed."),
        403: ApiError.of(403, "NotPermitted", "You may not do this."),
        404: ApiError.of(404, "RecordNotFound", "There is no such record."),
        409: ApiError.of(409, "InUse", "It is in use; make it inactive instead."),
        412: ApiError.of(412, "PreconditionFailed", "The record was changed in the meantime; read it again."),
        413: ApiError.of(413, "BodyTooLarge", "A body has at most 1048576 bytes."),
        414: ApiError.of(414, "UrlTooLong", "A request target has at most 8000 bytes.", sdata_code="BadUrlSyntax"),
        415: ApiError.of(415, "UnsupportedMediaType", "Bodies are JSON in UTF-8 (application/json)."),
        422: ApiError.of(422, "IdempotencyKeyReused", "This Idempotency-Key was used with another body."),
        429: ApiError(429, [too_many_requests()]),
        500: ApiError.of(500, "InternalError", ""),
        503: ApiError(503, [_transient()]),
    }
    assert found.keys() == REFUSALS.keys()
    return {status: body_of(error, "4f1c2a90d3b64e5f") for status, error in found.items()}


def _transient() -> Diagnosis:
    message = "The query took too long; narrow it and try again."
    return Diagnosis("QueryTimeout", message, "", "ApplicationUnavailable", "transient")
