"""Feeds: one page of visible records in a total order, its totals and its links (contract.md §6).

A query arrives in the address or in a body; the links of its pages lead on in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from django.db.models import F

from api import entries, related
from api.pagination import Cursor, beyond, in_order, seal, unseal, walk_of
from api.query.bind import bind_order, bind_where
from api.selection import selected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from api.query.bind import Order
    from api.query.parameters import ListQuery
    from api.related import Selection
    from entities.registry import Entity, Record
    from security.plan import Access


@dataclass(frozen=True)
class Collection:
    """What a feed is a feed of: rows of a kind, its address (with and without the base), whether one may insert.

    ``query`` is the address that takes the query as a body, empty where there is none; ``members`` are the members of
    such a body, None where the query came in the address.
    """

    entity: Entity
    rows: QuerySet[Record]
    url: str
    path: str
    insert: bool = False
    query: str = ""
    members: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Listing:
    """Rows in a total order, what of them is shown, and what their cursors are bound to."""

    rows: QuerySet[Record]
    orders: Sequence[Order]
    selection: Selection
    walk: str


@dataclass(frozen=True)
class Page:
    """The rows of a page and where it stands."""

    entries: list[dict[str, Any]]
    start: int
    total: int | None
    next_cursor: str


def feed(access: Access, collection: Collection, query: ListQuery, base: str) -> dict[str, Any]:
    """Return the feed that ``query`` asks for; raises ``QueryError`` and ``ApiError`` for what it may not ask."""
    listing = listing_of(access, collection, query, selected(access, collection.entity, query))
    return body_of(collection, query, page_of(access, collection.entity, listing, query, base), base)


def listing_of(access: Access, collection: Collection, query: ListQuery, selection: Selection) -> Listing:
    """Return the rows that ``query`` asks for in its order, however they are written down; raises ``QueryError``."""
    entity, rows = collection.entity, collection.rows
    if query.where is not None:
        rows = rows.filter(bind_where(access, entity, query.where))
    orders = bind_order(access, entity, query.order_by)
    walk = walk_of(access, collection.path, query.given.get("where", ""), query.given.get("orderBy", ""))
    return Listing(rows, orders, selection, walk)


def page_of(access: Access, entity: Entity, listing: Listing, query: ListQuery, base: str) -> Page:
    """Return the page of ``listing`` that ``query`` asks for; raises 400 ``CursorInvalid``."""
    orders, selection, walk = listing.orders, listing.selection, listing.walk
    cursor = None if query.after is None else unseal(query.after, walk, orders)
    total = None
    if query.with_total:
        total = cursor.total if cursor and cursor.total is not None else listing.rows.count()
    start = cursor.position + 1 if cursor else query.start_index
    ordered = in_order(listing.rows, orders)
    window = ordered.filter(beyond(cursor, orders)) if cursor else ordered
    offset = 0 if cursor else start - 1
    extra = {f"_at{n}": F(f"_order{n}") for n in range(len(orders))}
    if query.count == 0:
        return Page([], start, total, "")
    loaded = entries.load(access, entity, window[offset : offset + query.count + 1], selection.projection, extra)
    more = len(loaded.rows) > query.count
    loaded = replace(loaded, rows=loaded.rows[: query.count])
    found = related.assemble(access, entity, loaded, selection, base)
    following = ""
    if more:
        values = loaded.rows[-1][-len(orders) :]
        following = seal(Cursor(tuple(values), start - 1 + query.count, total), walk)
    return Page(found, start, total, following)


def body_of(collection: Collection, query: ListQuery, page: Page, base: str) -> dict[str, Any]:
    """Return a feed of ``page``."""
    given = query.given if collection.members is None else collection.members
    body: dict[str, Any] = {
        "$url": address(collection.url, given) if collection.members is None else collection.query,
        "$title": collection.entity.plural,
        "$baseUrl": base,
    }
    if page.total is not None:
        body["$totalResults"] = page.total
    body |= {"$startIndex": page.start, "$itemsPerPage": query.count, "$resources": page.entries}
    return body | {"$links": _links(collection, given, query.count, page, base)}


def address(url: str, given: Mapping[str, Any]) -> str:
    """Return ``url`` with the parameters ``given``."""
    return f"{url}?{urlencode(given, quote_via=quote, safe=_UNRESERVED)}" if given else url


_UNRESERVED = "$'()*,:@/"


def starts(page: Page, count: int) -> dict[str, int]:
    """Return where the pages start to which one can go from here by number: ``previous`` and ``last``, if any."""
    found = {}
    if page.start > 1:
        found["previous"] = max(1, page.start - max(count, 1))
    if page.total is not None and count and page.total > count:
        found["last"] = (page.total - 1) // count * count + 1
    return found


def _links(collection: Collection, given: Mapping[str, Any], count: int, page: Page, base: str) -> dict[str, Any]:
    entity, url = collection.entity, collection.url
    walk = {name: value for name, value in given.items() if name not in ("after", "startIndex")}

    def link(title: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        if collection.members is None:
            return {"$url": address(url, asked), "$title": title}
        return {"$url": collection.query, "$method": "POST", "$title": title, "$body": asked}

    links: dict[str, Any] = {"$self": link("This page", given), "$first": link("First page", walk)}
    numbered = starts(page, count)
    if "previous" in numbered:
        links["$previous"] = link("Previous page", walk | {"startIndex": numbered["previous"]})
    if page.next_cursor:
        links["$next"] = link("Next page", walk | {"after": page.next_cursor})
    if "last" in numbered:
        links["$last"] = link("Last page", walk | {"startIndex": numbered["last"]})
    prototype = f"{base}/$prototypes/{entity.kind}"
    links["$prototype"] = {"$url": prototype, "$title": "Prototype"}
    if collection.query:
        links["$query"] = {"$url": collection.query, "$method": "POST", "$title": "Query with a body"}
    if collection.insert:
        if collection.path == entity.kind:
            links["$batch"] = {"$url": f"{url}/$batch", "$method": "POST", "$title": "Batch"}
        links["$insert"] = {"$url": url, "$method": "POST", "$title": f"New {entity.label}", "$request": prototype}
    return links
