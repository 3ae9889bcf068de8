"""The XSD of the caller's contract, and its prototypes in XML (contract.md §18).

Both are made from shapes; a field or kind that is hidden has no name in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from api.classic import xml
from api.classic.members import Member, address, element, members
from entities.registry import Entity, registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.etree.ElementTree import Element

    from security.plan import Access

_TYPES = {
    **dict.fromkeys(("text", "memo", "email", "url", "phone", "sel"), "xs:string"),
    **dict.fromkeys(("num", "money", "pct"), "xs:decimal"),
    **dict.fromkeys(("key", "int", "ref"), "xs:int"),
    "bool": "xs:boolean",
    "dt": "xs:dateTime",
    "msel": "codes--type",
}
_ALWAYS = ("key", "bool")  # the types that are never null, but in a view that shows them of an invisible record


def xsd(access: Access, entity: Entity) -> Element:
    """Return the schema that the payload of every entry of ``entity`` obeys, whatever is selected and included.

    Codes are text, not enumerations: a stored one may have left its list since. Every member may be absent
    (``select``); the order is strict.
    """
    found = xml.root(
        "xs:schema",
        {
            "xmlns:xs": "http://www.w3.org/2001/XMLSchema",
            "xmlns": xml.PAYLOAD,
            "targetNamespace": xml.PAYLOAD,
            "elementFormDefault": "qualified",
        },
    )
    xml.add(found, "xs:element", None, {"name": element(entity.kind), "type": _type(entity.kind)})
    reached = list(_reached(access, entity))
    for kind in reached:
        _add_kind(found, kind.kind, members(access, kind))
    listed = {member.target for kind in reached for member in members(access, kind) if member.collection}
    for name in sorted(listed):
        sequence = _add_type(found, f"{element(name)}--list")
        many = {"minOccurs": "0", "maxOccurs": "unbounded"}
        xml.add(sequence, "xs:element", None, {"name": element(name), "type": _type(name)} | many)
    codes = _add_type(found, "codes--type", attributes=False)
    xml.add(
        codes, "xs:element", None, {"name": "value", "type": "xs:string", "minOccurs": "0", "maxOccurs": "unbounded"}
    )
    return found


def _reached(access: Access, entity: Entity) -> Iterable[Entity]:
    """Return ``entity`` and every kind that its records can show by relations."""
    found = {entity.kind: entity}
    pending = [entity]
    while pending:
        for member in members(access, pending.pop()):
            if member.target and member.target not in found:
                found[member.target] = registry()[member.target]
                pending.append(found[member.target])
    return found.values()


def _type(kind: str) -> str:
    return f"{element(kind)}--type"


def _add_type(schema: Element, name: str, *, attributes: bool = True) -> Element:
    """Add a type and return its sequence; ``attributes`` = those of SData: key, url, descriptor, total."""
    found = xml.add(schema, "xs:complexType", None, {"name": name})
    sequence = xml.add(found, "xs:sequence")
    if attributes:
        xml.add(found, "xs:anyAttribute", None, {"namespace": "##other", "processContents": "skip"})
    return sequence


def _add_kind(schema: Element, kind: str, found: Iterable[Member]) -> None:
    sequence = _add_type(schema, _type(kind))
    for member in found:
        attributes = {"name": member.name, "minOccurs": "0"}
        if member.field is not None:
            attributes["type"] = _TYPES[member.field.type]
            if member.field.type not in _ALWAYS or member.field.shown:
                attributes["nillable"] = "true"
        else:
            attributes["type"] = f"{element(member.target)}--list" if member.collection else _type(member.target)
        declared = xml.add(sequence, "xs:element", None, attributes)
        xml.add(xml.add(declared, "xs:annotation"), "xs:documentation", member.title)


def prototypes(body: Mapping[str, Any], base: str) -> Element:
    """Return the list of kinds, from the one in JSON."""
    found = xml.root("prototypes", {"xmlns": xml.PAYLOAD, "url": f"{base}/$prototypes"})
    for item in body["$resources"]:
        xml.add(found, "prototype", None, _about(item, base))
    return found


def prototype(access: Access, entity: Entity, body: Mapping[str, Any], base: str) -> Element:
    """Return the prototype of a kind, from the one in JSON: the same facts, fields and links as the caller has them."""
    about = _about(body, base) | {
        "pluralName": body["$pluralName"],
        "keyProperty": body["$keyProperty"].lower(),
        "fingerprint": body["$fingerprint"],
    }
    found = xml.root("prototype", {"xmlns": xml.PAYLOAD} | about)
    for member in members(access, entity):
        facts: Mapping[str, Any] = body["$properties"].get(member.key) or _owner(member)
        plain = {name.removeprefix("$"): _plain(value) for name, value in facts.items() if name not in _STRUCTURED}
        if member.target:
            plain["resourceKind"] = element(member.target)
        if "relation" in plain:
            plain["relation"] = element(plain["relation"])
        listed = xml.add(found, "property", None, {"name": member.name} | plain)
        for choice in facts.get("$item", {}).get("$enum", ()):
            xml.add(listed, "choice", choice["$title"], {"value": choice["$value"]})
    return found


_STRUCTURED = ("$item", "$links")


def _owner(member: Member) -> dict[str, Any]:
    """Return what is said about the linked record of a generic owner, which has no prototype property."""
    return {"$title": member.title, "$type": "sdata/reference", "$isMandatory": False, "$isReadOnly": True}


def _about(item: Mapping[str, Any], base: str) -> dict[str, str]:
    kind = item["$resourceKind"]
    return {
        "resourceKind": element(kind),
        "resourceId": str(item["$resourceId"]),
        "title": item["$title"],
        "url": f"{base}/$prototypes/{element(kind)}",
        "schema": f"{address(base, kind)}/$schema",
    }


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
