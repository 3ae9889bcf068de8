"""Writing XML: elements with the contract's prefixes, text that XML can hold, refusals. Nothing here reads XML.

Names of elements come from declarations; everything stored or sent by a client is text or the value of an attribute,
which the standard library's serializer escapes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, tostring

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE = "application/xml"
SDATA = "http://schemas.sage.com/sdata/2008/1"
PAYLOAD = "urn:crm:classic:1"
NAMESPACES = {
    "xmlns": "http://www.w3.org/2005/Atom",
    "xmlns:sdata": SDATA,
    "xmlns:http": "http://schemas.sage.com/sdata/http/2008/1",
    "xmlns:opensearch": "http://a9.com/-/spec/opensearch/1.1/",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
# XML 1.0 has no way to write these, escaped or not; databases hold all but U+0000.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INSTEAD = "\ufffd"


def clean(text: str) -> str:
    """Return ``text`` with the replacement character for every character that XML 1.0 cannot hold."""
    return _NOT_IN_XML.sub(_INSTEAD, text)


def root(name: str, attributes: Mapping[str, str] | None = None) -> Element:
    """Return the element that a document starts with."""
    return Element(name, {key: clean(value) for key, value in (attributes or {}).items()})


def add(parent: Element, name: str, text: str | None = None, attributes: Mapping[str, str] | None = None) -> Element:
    """Append an element and return it."""
    found = SubElement(parent, name, {key: clean(value) for key, value in (attributes or {}).items()})
    found.text = clean(text) if text else None
    return found


def written(document: Element) -> bytes:
    """Return the bytes of a document. A line is ended by LF when XML is read, so a CR that is meant is escaped."""
    body: bytes = tostring(document, encoding="utf-8").replace(b"\r", b"&#13;")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body


def diagnoses(body: Mapping[str, Any]) -> Element:
    """Return ``<sdata:diagnoses>`` for the JSON body of a refusal (contract.md §19)."""
    found = root("sdata:diagnoses", {"xmlns:sdata": SDATA})
    for diagnosis in body["$diagnoses"]:
        item = add(found, "sdata:diagnosis")
        for name, value in diagnosis.items():
            add(item, f"sdata:{name.removeprefix('$')}", value)
    return found
