"""Feeds and entries as Atom: the entries of the JSON contract, written down in another way (contract.md §18).

It gets what ``feeds`` and ``related`` made for the caller; it selects nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from api import feeds
from api.classic import xml
from api.classic.members import address, element, members
from api.values import moment_text
from entities.registry import CollectionLink, Entity, registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

    from api.query.parameters import ListQuery
    from security.plan import Access

FEED_TYPE, ENTRY_TYPE = "application/atom+xml; type=feed", "application/atom+xml; type=entry"
SCHEMA_LINK = "http://schemas.sage.com/sdata/link-relations/schema"
AUTHOR = "CRM"
# Atom asks for a time; where the caller may not know it, no clock is better than a guess: equal answers stay equal.
UNKNOWN_TIME = "1970-01-01T00:00:00Z"


def feed(access: Access, collection: feeds.Collection, query: ListQuery, page: feeds.Page, base: str) -> Element:
    """Return the feed of a page."""
    found = xml.root("feed", xml.NAMESPACES)
    xml.add(found, "title", collection.entity.plural)
    xml.add(found, "id", collection.url)
    xml.add(found, "updated", max(map(_updated, page.entries), default=UNKNOWN_TIME))
    xml.add(xml.add(found, "author"), "name", AUTHOR)
    for name, given in _pages(query, page).items():
        xml.add(found, "link", None, {"rel": name, "href": feeds.address(collection.url, given)})
    xml.add(found, "link", None, {"rel": SCHEMA_LINK, "href": f"{collection.url}/$schema"})
    for name, number in (("totalResults", page.total), ("startIndex", page.start), ("itemsPerPage", query.count)):
        xml.add(found, f"opensearch:{name}", str(number))
    writer = _Writer(access, base)
    for item in page.entries:
        writer.entry(xml.add(found, "entry"), collection.entity, item)
    return found


def _pages(query: ListQuery, page: feeds.Page) -> dict[str, dict[str, str]]:
    """Return the parameters of the pages to go to: all by number, as this contract has no cursor."""
    first = {name: value for name, value in query.given.items() if name != "startIndex"}
    numbers = feeds.starts(page, query.count)
    if page.next_cursor:
        numbers["next"] = page.start + query.count
    found = {"self": dict(query.given), "first": first}
    return found | {name: first | {"startIndex": str(numbers[name])} for name in _NUMBERED if name in numbers}


_NUMBERED = ("previous", "next", "last")


def entry(access: Access, entity: Entity, item: dict[str, Any], base: str) -> Element:
    """Return one record as a document of its own."""
    found = xml.root("entry", xml.NAMESPACES)
    _Writer(access, base).entry(found, entity, item)
    xml.add(xml.add(found, "author"), "name", AUTHOR)
    xml.add(found, "link", None, {"rel": "self", "href": address(base, entity.kind, item["$key"])})
    xml.add(found, "link", None, {"rel": SCHEMA_LINK, "href": f"{address(base, entity.kind)}/$schema"})
    return found


def _updated(item: Mapping[str, Any]) -> str:
    return moment_text(item.get("$updated")) or UNKNOWN_TIME


class _Writer:
    """Writes entries of the JSON contract as Atom entries; ``base`` = the classic contract's base."""

    def __init__(self, access: Access, base: str) -> None:
        self.access, self.base = access, base

    def entry(self, parent: Element, entity: Entity, item: dict[str, Any]) -> None:
        """Fill an ``<entry>``."""
        xml.add(parent, "id", address(self.base, entity.kind, item["$key"]))
        xml.add(parent, "title", item["$title"])
        xml.add(parent, "updated", _updated(item))
        if "$etag" in item:
            xml.add(parent, "http:etag", item["$etag"])
        xml.add(parent, "content", item["$title"])
        payload = xml.add(parent, "sdata:payload")
        self._record(xml.add(payload, element(entity.kind), None, {"xmlns": xml.PAYLOAD}), entity, item)

    def _record(self, found: Element, entity: Entity, item: dict[str, Any]) -> None:
        """Fill the element of a record: identity and what of it is shown, in the order of the schema."""
        found.attrib |= {
            "sdata:key": str(item["$key"]),
            "sdata:url": address(self.base, entity.kind, item["$key"]),
            "sdata:descriptor": xml.clean(item["$title"]),
        }
        for member in members(self.access, entity):
            if member.key not in item:
                continue
            value = item[member.key]
            if member.collection is not None:
                self._collection(xml.add(found, member.name), entity, item["$key"], member.collection, value)
            elif member.target:
                self._record(xml.add(found, member.name), registry()[member.target], value)
            else:
                _value(found, member.name, value)

    def _collection(
        self, found: Element, parent: Entity, key: int, item: CollectionLink, value: dict[str, Any]
    ) -> None:
        where = _condition(parent, item, key)
        if where:
            found.set("sdata:url", feeds.address(address(self.base, item.kind), {"where": where}))
        found.set("opensearch:totalResults", str(value["$totalResults"]))
        for child in value["$resources"]:
            self._record(xml.add(found, element(item.kind)), registry()[item.kind], child)


def _value(parent: Element, name: str, value: Any) -> None:
    match value:
        case None:
            xml.add(parent, name, None, {"xsi:nil": "true"})
        case bool():
            xml.add(parent, name, "true" if value else "false")
        case list():
            found = xml.add(parent, name)
            for code in value:
                xml.add(found, "value", code)
        case str():
            xml.add(parent, name, value)
        case datetime():
            xml.add(parent, name, moment_text(value))
        case _:  # whole numbers, and exact decimals, which only orjson can read
            xml.add(parent, name, orjson.dumps(value).decode())


def _condition(parent: Entity, item: CollectionLink, key: int) -> str:
    """Return the ``where`` that selects a collection from its kind, empty where only a linking kind knows it.

    The classic contract has no addresses below a record.
    """
    target = registry()[item.kind]
    if item.via:
        return ""
    if not item.by:
        table, owner = target.by_name["owner_table"].wire, target.by_name["owner_id"].wire
        return f"{table} eq {parent.table_id} and {owner} eq {key}"
    condition = f"{target.by_name[item.by].wire} eq {key}"
    return f"{condition} and {target.by_name[item.unless].wire} eq null" if item.unless else condition
