"""Feeds: one page of visible records in a total order, its totals and its links (contract.md §6).

A query arrives in the address or in a body; the links of its pages lead on in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

from api import entries, related, short_pages
from api.pagination import Cursor, after, beyond, directions, in_order, key_at, order_values, seal, unseal, walk_of
from api.query.bind import bind_order, bind_where
from api.query.functions import CLOCK_FUNCTIONS
from api.selection import selected
from security import totals
from security.access import remembered
from security.reading import Window, count, page
from security.selectivity import form_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from django.db.models import Expression, QuerySet

    from api.query.bind import Order
    from api.query.parameters import ListQuery
    from api.related import Selection
    from entities.registry import Entity, Record
    from security.plan import Access
    from security.predicates import Form
    from security.reading import Columns
    from security.statements import Statement


LONG = 500  # characters of a condition


@dataclass(frozen=True, eq=False)
class Source:
    """Rows of a kind: ``rows`` makes the query of the visible ones, in a form of the gate's predicate.

    ``name`` tells sources apart whose statements are remembered, ``values`` fill the slots in them.
    """

    rows: Callable[[Form], QuerySet[Record]]
    name: Hashable
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Collection:
    """What a feed is a feed of: rows of a kind, its address (with and without the base), whether one may insert.

    ``query`` is the address that takes the query as a body, empty where there is none; ``members`` are the members of
    such a body, None where the query came in the address.
    """

    entity: Entity
    source: Source
    url: str
    path: str
    insert: bool = False
    query: str = ""
    members: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Listing:
    """Rows in a total order, what of them is shown, and what their cursors are bound to.

    ``known`` tells listings apart whose statements are remembered; None = it is not worth while. ``of`` = all that the
    actor sees of a kind, those of them that meet a condition, or the members of another record.
    """

    source: Source
    orders: Sequence[Order]
    selection: Selection
    walk: str
    known: Hashable | None = None
    of: Literal["all", "some", "members"] = "some"


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
    entity, source = collection.entity, collection.source
    where = query.given.get("where", "")
    orders = bind_order(access, entity, query.order_by)
    walk = walk_of(access, collection.path, where, query.given.get("orderBy", ""))
    known = (source.name, where, query.order_by)
    of: Literal["some", "members"] = "some" if collection.path == entity.kind else "members"
    if query.where is None:
        return Listing(source, orders, selection, walk, known, "all" if of == "some" else of)
    tree = query.where
    # What asks for the time means another moment each time; what is long is hardly asked again, and would be kept.
    if len(where) > LONG or any(name in where.lower() for name in CLOCK_FUNCTIONS):
        return Listing(_filtered(source, bind_where(access, entity, tree)), orders, selection, walk, None, of)
    condition = remembered(access, bind_where, (entity, where), lambda: bind_where(access, entity, tree))
    return Listing(_filtered(source, condition), orders, selection, walk, known, of)


def _filtered(source: Source, condition: Expression) -> Source:
    return replace(source, rows=lambda form: source.rows(form).filter(condition))


def page_of(access: Access, entity: Entity, listing: Listing, query: ListQuery, base: str) -> Page:
    """Return the page of ``listing`` that ``query`` asks for; raises 400 ``CursorInvalid``."""
    cursor = None if query.after is None else unseal(query.after, listing.walk, listing.orders)
    total = None
    if query.with_total:
        total = cursor.total if cursor and cursor.total is not None else _total(access, entity, listing)
    start = cursor.position + 1 if cursor else query.start_index
    if query.count == 0:
        return Page([], start, total, "")
    columns = entries.needed(access, entity, listing.selection.projection)
    offset = 0 if cursor else start - 1
    window = Window(directions(listing.orders), query.count + 1, offset, key_at(listing.orders))
    rows = _rows(access, entity, listing, columns, window, cursor)
    loaded = entries.Loaded(columns, rows[: query.count])
    found = related.assemble(access, entity, loaded, listing.selection, base)
    following = ""
    if len(rows) > query.count:
        values = rows[query.count - 1][-len(listing.orders) :]
        following = seal(Cursor(tuple(values), start - 1 + query.count, total), listing.walk)
    return Page(found, start, total, following)


def _rows(
    access: Access, entity: Entity, listing: Listing, columns: Columns, window: Window, cursor: Cursor | None
) -> list[tuple[Any, ...]]:
    """Return the rows of a page and, where there are more, the first of the next one."""
    form = _form(access, entity, listing)
    found = short_pages.rows(access, entity, listing, columns, window, cursor, form)
    if found is not None:
        return found
    nulls = None if cursor is None else tuple(value is None for value in cursor.values)

    def make() -> Statement:
        ordered = in_order(listing.source.rows(form), listing.orders)
        parts = [ordered] if nulls is None else [ordered.filter(part) for part in beyond(listing.orders, nulls)]
        keys = [part.values_list("pk", *order_values(listing.orders)) for part in parts]
        return page(access, entity, columns, keys, window)

    statement = _kept(access, page, listing, (entity, columns, window, form, nulls), make)
    return statement.rows(**listing.source.values, **({} if cursor is None else after(cursor)))


def _kept(
    access: Access, what: Callable[..., Statement], listing: Listing, key: Hashable, make: Callable[[], Statement]
) -> Statement:
    """Return the statement that ``make`` makes, kept for the same listing and ``key`` where that is worth while."""
    return make() if listing.known is None else remembered(access, what, (listing.known, key), make)


def _form(access: Access, entity: Entity, listing: Listing) -> Form:
    """Return the form of the predicate in which the rows of the listing are found fastest."""
    if listing.of == "members":
        return "open"
    form = form_of(access, entity)
    return "hashed" if form == "probed" and listing.of == "some" else form  # nobody knows how many rows are walked


def _total(access: Access, entity: Entity, listing: Listing) -> int:
    """Return how many rows the listing has: counted, or brought up to date where it is all that the actor sees."""
    if listing.of == "all" and entity.has_own_rights:
        return totals.total(access, entity)
    form = _form(access, entity, listing)

    def make() -> Statement:
        return count(listing.source.rows(form))

    statement = _kept(access, count, listing, (entity, form), make)
    return int(statement.rows(**listing.source.values)[0][0])


def body_of(collection: Collection, query: ListQuery, page: Page, base: str) -> dict[str, Any]:
    """Return a feed of ``page``."""
    given = query.given if collection.members is None else collection.members
    this = address(collection.url, given) if collection.members is None else collection.query
    body: dict[str, Any] = {
        "$url": this,
        "$title": collection.entity.plural,
        "$baseUrl": base,
    }
    if page.total is not None:
        body["$totalResults"] = page.total
    body |= {"$startIndex": page.start, "$itemsPerPage": query.count, "$resources": page.entries}
    return body | {"$links": _links(collection, given, query.count, page, base, this)}


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


def _links(
    collection: Collection, given: Mapping[str, Any], count: int, page: Page, base: str, this: str
) -> dict[str, Any]:
    entity, url = collection.entity, collection.url
    walk = {name: value for name, value in given.items() if name not in ("after", "startIndex")}

    def link(title: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        if collection.members is None:
            return {"$url": this if asked == given else address(url, asked), "$title": title}
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
