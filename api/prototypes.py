"""The caller's contract in words: ``$prototypes`` and the fingerprints (contract.md §5.3, §21).

Everything here comes from the caller's shapes; what is hidden has no name in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

from api.etags import fingerprint
from api.query.limits import current_limits
from api.values import moment_text, to_json
from entities.registry import CollectionLink, Entity, Field, registry
from security.access import once_per_access

if TYPE_CHECKING:
    from security.plan import Access
    from security.shapes import Shape

RIGHTS = ("view", "edit", "insert", "delete")
TYPES = {
    **dict.fromkeys(("text", "memo", "email", "url", "phone"), "sdata/string"),
    **dict.fromkeys(("key", "int", "ref"), "sdata/integer"),
    **dict.fromkeys(("num", "money", "pct"), "sdata/number"),
    "bool": "sdata/boolean",
    "dt": "sdata/datetime",
    "sel": "sdata/choice",
    "msel": "sdata/array",
}
_FORMATS = {"email": "email", "url": "url", "phone": "phone", "memo": "multiline"}


def known(access: Access) -> list[Entity]:
    """Return the kinds of the caller's contract, by table id."""
    return [entity for entity in registry() if access.knows(entity)]


def rights(shape: Shape) -> dict[str, bool]:
    """Return ``{"$view": true, …}`` for one kind."""
    return {f"${action}": shape.offers(action) for action in RIGHTS}


def writable(access: Access, entity: Entity) -> bool:
    """Whether the caller may create, change or delete some record of ``entity``."""
    shape = access.shape(entity)
    return any(shape.offers(action) for action in ("insert", "edit", "delete"))


def collections(access: Access, entity: Entity) -> list[CollectionLink]:
    """Return the collections of ``entity`` that the caller can follow: target seen, referring fields readable."""
    return [item for item in entity.collections if collection_is_known(access, item)]


def nestable(access: Access, entity: Entity) -> list[CollectionLink]:
    """Return the collections whose members may stand in the body that creates a record (contract.md §11.5)."""
    return [item for item in entity.collections if item.nested and _nests(access, item)]


def _nests(access: Access, item: CollectionLink) -> bool:
    """Whether members exist for the caller: other kinds as anywhere, owned ones if the parent can be inserted."""
    target, via = registry()[item.kind], registry()[item.via or item.kind]
    exists = all(access.nests(kind) for kind in (target, via)) if target.parents else access.knows(target)
    return exists and not target.read_only and _joins(access, item)


def upserts(access: Access, entity: Entity) -> bool:
    """Whether PUT to an external key may create a record (contract.md §14)."""
    shape = access.shape(entity)
    return shape.offers("insert") and any(field.upsert and shape.writes(field) for field in shape.readable)


def collection_is_known(access: Access, item: CollectionLink) -> bool:
    """Whether a collection exists for the caller; one that runs over a hidden field does not."""
    return all(access.sees(registry()[kind]) for kind in (item.kind, item.via or item.kind)) and _joins(access, item)


def _joins(access: Access, item: CollectionLink) -> bool:
    """Whether the fields by which members name their parent are readable."""
    shape = access.shape(registry()[item.via or item.kind])
    needed = [name for name in (item.by, item.unless) if name] or ["owner_table", "owner_id"]
    if item.via:
        needed += [field.name for field in registry()[item.via].fields if field.target == item.kind]
    return all(shape.reads(name) for name in needed)


def relations(access: Access, entity: Entity) -> list[Field]:
    """Return the reference fields of ``entity`` whose to-one relation exists for the caller."""
    shape = access.shape(entity)
    return [field for field in shape.readable if field.relation and access.sees(registry()[field.target])]


def prototype(access: Access, entity: Entity, base: str) -> dict[str, Any]:
    """Return the prototype of one kind; ``base`` is the absolute address of the contract's base."""
    shape = access.shape(entity)
    found = _bare(access, entity, base)
    links: dict[str, Any] = {"$self": {"$url": f"{base}/$prototypes/{entity.kind}"}}
    if shape.offers("view"):
        links["$list"] = {"$url": f"{base}/{entity.kind}", "$title": entity.plural}
    if shape.offers("insert"):
        links["$insert"] = {"$url": f"{base}/{entity.kind}", "$method": "POST", "$title": f"New {entity.label}"}
    properties = found.pop("$properties")
    return found | {"$fingerprint": kind_fingerprint(access, entity), "$properties": properties, "$links": links}


@once_per_access
def kind_fingerprint(access: Access, entity: Entity) -> str:
    """Return the fingerprint of one kind's prototype and actions, whatever address it is read at."""
    nested = [item.kind for item in nestable(access, entity)]
    return fingerprint([_bare(access, entity, ""), nested, access.shape(entity).transitions])


@once_per_access
def contract_fingerprint(access: Access) -> str:
    """Return the fingerprint of the caller's whole contract."""
    kinds = [[entity.kind, kind_fingerprint(access, entity)] for entity in known(access)]
    return fingerprint([kinds, "preview" in access.actor.functions])  # which is an operation of the document


def _bare(access: Access, entity: Entity, base: str) -> dict[str, Any]:
    shape, limits = access.shape(entity), current_limits()
    return {
        "$title": entity.label,
        "$pluralName": entity.plural,
        "$baseUrl": base,
        "$url": f"{base}/$prototypes/{entity.kind}",
        "$resourceId": entity.table_id,
        "$resourceKind": entity.kind,
        "$keyProperty": entity.key.wire,
        "$rights": rights(shape),
        "$limits": {
            "$defaultCount": limits.page_default,
            "$maxCount": limits.page_maximum,
            "$maxWhereLength": limits.where_length,
            "$maxWhereDepth": limits.where_depth,
            "$maxWhereClauses": limits.where_tests,
            "$maxInList": limits.in_values,
            "$maxBatchItems": settings.MAX_BATCH_ITEMS,
        },
        "$properties": _properties(access, entity, base),
    }


def _properties(access: Access, entity: Entity, base: str) -> dict[str, Any]:
    shape = access.shape(entity)
    found = {field.wire: _field(access, shape, field) for field in shape.readable}
    for field in relations(access, entity):
        found[field.relation] = _relation(shape, field, base)
    for item in collections(access, entity):
        target = registry()[item.kind]
        found[item.name] = _flags(target.plural, "sdata/array", mandatory=False, read_only=True, capabilities="") | {
            "$item": {"$type": "sdata/reference", "$resourceKind": item.kind},
            "$links": {"$prototype": {"$url": f"{base}/$prototypes/{item.kind}", "$title": "Prototype"}},
        }
    return found


def _flags(title: str, kind: str, *, mandatory: bool, read_only: bool, capabilities: str) -> dict[str, Any]:
    return {
        "$title": title,
        "$type": kind,
        "$isMandatory": mandatory,
        "$isReadOnly": read_only,
        "$isHidden": False,
        "$capabilities": capabilities,
    }


def _field(access: Access, shape: Shape, field: Field) -> dict[str, Any]:
    able = ["filter"]
    if field.sortable:
        able.append("sort")
    if field.search:
        able.append("search")
    if field.upsert:
        able.append("upsert")
    found = _flags(
        field.title,
        TYPES[field.type],
        mandatory=shape.requires(field),
        read_only=not shape.writes(field),
        capabilities=",".join(able),
    )
    if field.type == "key":
        found["$isUniqueKey"] = True
    if field.max_length and TYPES[field.type] == "sdata/string":
        found["$maxLength"] = field.max_length
    if field.wire.endswith("_Country"):
        found["$format"] = "country"
    elif field.type in _FORMATS:
        found["$format"] = _FORMATS[field.type]
    if field.digits:
        found |= {"$totalDigits": field.digits, "$fractionDigits": field.decimals}
    if field.target and access.sees(registry()[field.target]):
        found["$relation"] = field.target
    if field.default is not None:
        found["$default"] = moment_text(field.default) if field.type == "dt" else to_json(field)(field.default)
    if field.list_name:
        found["$item"] = {"$type": "sdata/string", "$maxLength": 40, "$enum": choices(access, field)}
    return found


def choices(access: Access, field: Field) -> list[dict[str, str]]:
    """Return the allowed codes of a selection field, labelled in the caller's language, in list order."""
    language = access.actor.language
    offered = [choice for choice in access.lists.get(field.list_name, ()) if not choice.retired]
    return [{"$value": choice.code, "$title": choice.label(language)} for choice in offered]


def _relation(shape: Shape, field: Field, base: str) -> dict[str, Any]:
    target = field.target
    return _flags(
        field.title, "sdata/reference", mandatory=False, read_only=not shape.writes(field), capabilities=""
    ) | {
        "$item": {"$url": f"{base}/{target}('{{{field.wire}}}')"},
        "$links": {
            "$prototype": {"$url": f"{base}/$prototypes/{target}", "$title": "Prototype"},
            "$lookup": {"$url": f"{base}/{target}", "$title": "Choose"},
        },
    }
