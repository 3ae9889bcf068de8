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
    page = _page(access, collection, query, base)
    body: dict[str, Any] = {
        "$url": _address(collection.url, query.given),
        "$title": collection.entity.plural,
        "$baseUrl": base,
    }
    if page.total is not None:
        body["$totalResults"] = page.total
    body |= {"$startIndex": page.start, "$itemsPerPage": query.count, "$resources": page.entries}
    return body | {"$links": _links(collection, query, page, base)}


def _page(access: Access, collection: Collection, query: ListQuery, base: str) -> Page:
    entity, rows = collection.entity, collection.rows
    selection = selection_of(access, entity, query)
    check_nodes(query, selection)
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


def _address(url: str, given: Mapping[str, str]) -> str:
    return f"{url}?{urlencode(given, quote_via=quote, safe=_UNRESERVED)}" if given else url


_UNRESERVED = "$'()*,:@/"


def _links(collection: Collection, query: ListQuery, page: Page, base: str) -> dict[str, Any]:
    entity, url = collection.entity, collection.url
    given = dict(query.given)
    walk = {name: value for name, value in given.items() if name not in ("after", "startIndex")}
    links: dict[str, Any] = {
        "$self": {"$url": _address(url, given), "$title": "This page"},
        "$first": {"$url": _address(url, walk), "$title": "First page"},
    }
    if page.start > 1:
        before = max(1, page.start - max(query.count, 1))
        links["$previous"] = {"$url": _address(url, walk | {"startIndex": str(before)}), "$title": "Previous page"}
    if page.next_cursor:
        links["$next"] = {"$url": _address(url, walk | {"after": page.next_cursor}), "$title": "Next page"}
    if page.total is not None and query.count and page.total > query.count:
        last = (page.total - 1) // query.count * query.count + 1
        links["$last"] = {"$url": _address(url, walk | {"startIndex": str(last)}), "$title": "Last page"}
    prototype = f"{base}/$prototypes/{entity.kind}"
    links["$prototype"] = {"$url": prototype, "$title": "Prototype"}
    if collection.insert:
        if collection.path == entity.kind:
            links["$batch"] = {"$url": f"{url}/$batch", "$method": "POST", "$title": "Batch"}
        links["$insert"] = {"$url": url, "$method": "POST", "$title": f"New {entity.label}", "$request": prototype}
    return links
