"""Feeds: one page of visible records in a total order, its totals and its links (contract.md §6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from django.db.models import F

from api import entries, related
from api.pagination import Cursor, beyond, in_order, seal, unseal, walk_of
from api.query.bind import bind_order, bind_where
from api.selection import check_nodes, selection_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from api.query.parameters import ListQuery
    from entities.registry import Entity, Record
    from security.plan import Access


@dataclass(frozen=True)
class Collection:
    """What a feed is a feed of: rows of a kind, its address (with and without the base), whether one may insert."""

    entity: Entity
    rows: QuerySet[Record]
    url: str
    path: str
    insert: bool


@dataclass(frozen=True)
class Page:
    """The rows of a page and where it stands."""

    entries: list[dict[str, Any]]
    start: int
    total: int | None
    next_cursor: str


def feed(access: Access, collection: Collection, query: ListQuery, base: str) -> dict[str, Any]:
    """Return the feed that ``query`` asks for; raises ``QueryError`` and ``ApiError`` for what it may not ask."""
    page = page_of(access, collection, query, selected(access, collection.entity, query), base)
    body: dict[str, Any] = {
        "$url": address(collection.url, query.given),
        "$title": collection.entity.plural,
        "$baseUrl": base,
    }
    if page.total is not None:
        body["$totalResults"] = page.total
    body |= {"$startIndex": page.start, "$itemsPerPage": query.count, "$resources": page.entries}
    return body | {"$links": _links(collection, query, page, base)}


def selected(access: Access, entity: Entity, query: ListQuery) -> related.Selection:
    """Return what of each record is shown; raises ``QueryError`` for unknown names and too large a page."""
    found = selection_of(access, entity, query)
    check_nodes(query, found)
    return found


def page_of(access: Access, collection: Collection, query: ListQuery, selection: related.Selection, base: str) -> Page:
    """Return the page that ``query`` asks for, however it is written down; raises ``QueryError`` and ``ApiError``."""
    entity, rows = collection.entity, collection.rows
    if query.where is not None:
        rows = rows.filter(bind_where(access, entity, query.where))
    orders = bind_order(access, entity, query.order_by)
    walk = walk_of(access, collection.path, query.given.get("where", ""), query.given.get("orderBy", ""))
    cursor = None if query.after is None else unseal(query.after, walk, orders)
    total = None
    if query.with_total:
        total = cursor.total if cursor and cursor.total is not None else rows.count()
    start = cursor.position + 1 if cursor else query.start_index
    ordered = in_order(rows, orders)
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


def address(url: str, given: Mapping[str, str]) -> str:
    """Return ``url`` with the parameters ``given``."""
    return f"{url}?{urlencode(given, quote_via=quote, safe=_UNRESERVED)}" if given else url


_UNRESERVED = "$'()*,:@/"


def starts(page: Page, count: int) -> dict[str, str]:
    """Return where the pages start to which one can go from here by number: ``previous`` and ``last``, if any."""
    found = {}
    if page.start > 1:
        found["previous"] = str(max(1, page.start - max(count, 1)))
    if page.total is not None and count and page.total > count:
        found["last"] = str((page.total - 1) // count * count + 1)
    return found


def _links(collection: Collection, query: ListQuery, page: Page, base: str) -> dict[str, Any]:
    entity, url = collection.entity, collection.url
    given = dict(query.given)
    walk = {name: value for name, value in given.items() if name not in ("after", "startIndex")}
    numbered = starts(page, query.count)
    links: dict[str, Any] = {
        "$self": {"$url": address(url, given), "$title": "This page"},
        "$first": {"$url": address(url, walk), "$title": "First page"},
    }
    if "previous" in numbered:
        before = walk | {"startIndex": numbered["previous"]}
        links["$previous"] = {"$url": address(url, before), "$title": "Previous page"}
    if page.next_cursor:
        links["$next"] = {"$url": address(url, walk | {"after": page.next_cursor}), "$title": "Next page"}
    if "last" in numbered:
        links["$last"] = {"$url": address(url, walk | {"startIndex": numbered["last"]}), "$title": "Last page"}
    prototype = f"{base}/$prototypes/{entity.kind}"
    links["$prototype"] = {"$url": prototype, "$title": "Prototype"}
    if collection.insert:
        links["$insert"] = {"$url": url, "$method": "POST", "$title": f"New {entity.label}", "$request": prototype}
    return links
