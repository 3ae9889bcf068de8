"""Pages of short lists, whose keys are remembered: the rows that the database would find (docs/adr/0034)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from api.pagination import in_order, order_values
from security import shortlists
from security.access import remembered
from security.reading import page
from security.statements import among

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from api.feeds import Listing
    from api.pagination import Cursor
    from api.query.bind import Order
    from entities.registry import Entity
    from security.access import Access
    from security.predicates import Form
    from security.reading import Columns, Window
    from security.statements import Statement

Row = tuple[Any, ...]


def rows(
    access: Access,
    entity: Entity,
    listing: Listing,
    columns: Columns,
    window: Window,
    cursor: Cursor | None,
    form: Form,
) -> list[Row] | None:
    """Return the rows of a page and, where there are more, the first of the next one; None where they must be found.

    ``form`` = that in which the whole list is read.
    """
    orders = listing.orders
    if listing.of != "all" or not shortlists.suits(access, entity, [order.column for order in orders]):
        return None
    known = _order(orders)
    shortlist = shortlists.keys(access, entity, known, lambda: _query(listing, form), window.directions)
    wanted = _wanted(shortlist.keys, window, cursor) if shortlist and shortlist.keys else []
    if not shortlist or not wanted:
        return None
    larger = replace(window, limit=window.limit + 1, offset=0)
    make = partial(_page, access, entity, listing, columns, larger)
    found = remembered(access, rows, (known, columns, larger), make).rows(keys=wanted)
    if not shortlists.holds(access, entity, known, shortlist):
        return None
    return found if cursor is None else _after(found, cursor)


def _query(listing: Listing, form: Form, *conditions: Any) -> QuerySet[Any, Row]:
    found = in_order(listing.source.rows(form).filter(*conditions), listing.orders)
    return found.values_list("pk", *order_values(listing.orders))


def _page(access: Access, entity: Entity, listing: Listing, columns: Columns, window: Window) -> Statement:
    those = _query(listing, "probed", among("pk", "keys"))  # there are few: one look for each
    return page(access, entity, columns, [those], window)


def _order(orders: Sequence[Order]) -> tuple[tuple[str, bool], ...]:
    """Return what an order says, however it was spelt: a column counts once, and after the key nothing does."""
    found: dict[str, bool] = {}
    for order in orders:
        if "id" not in found:
            found.setdefault(order.column, order.descending)
    return tuple(found.items())


def _wanted(keys: Sequence[int], window: Window, cursor: Cursor | None) -> list[int]:
    """Return the keys of a page out of all, with a cursor after that of its last record; none where that is gone."""
    if cursor is None:
        return list(keys[window.offset : window.offset + window.limit])
    last = cursor.values[window.key_at - 1]
    start = keys.index(last) if last in keys else len(keys)
    return list(keys[start : start + 1 + window.limit])


def _after(found: list[Row], cursor: Cursor) -> list[Row] | None:
    """Return the rows after the first, which is the cursor's last record; None where that stands elsewhere by now.

    A cursor goes on after values, not after a record: one that was renamed takes nobody along.
    """
    values = tuple(cursor.values)
    return found[1:] if found and found[0][-len(values) :] == values else None
