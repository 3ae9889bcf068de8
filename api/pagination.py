"""Pages: by ``startIndex`` and by sealed cursor, in a total order (contract.md §6).

A cursor holds the last record's order values, the position and the total, under authenticated encryption, bound to
the caller, the collection, the query and the caller's own plan. It decides nothing about rows.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db.models import (
    BooleanField,
    DateTimeField,
    DecimalField,
    F,
    Field,
    IntegerField,
    OrderBy,
    Q,
    TextField,
)

from api.errors import ApiError
from security.keys import secret
from security.statements import Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from api.query.bind import Order
    from entities.registry import Record
    from security.plan import Access

LIFETIME_SECONDS = 24 * 3600
_PREFIX = "v1."


@dataclass(frozen=True)
class Cursor:
    """Where a walk stands: the order values of the last record, how many records came before, the total if known."""

    values: tuple[Any, ...]
    position: int
    total: int | None


def walk_of(access: Access, collection: str, where: str, order_by: str) -> str:
    """Return what a cursor is bound to: caller, plan, collection and query."""
    parts = [str(access.actor.id), access.digest, collection, where, order_by]
    return hashlib.blake2b(orjson.dumps(parts), digest_size=16).hexdigest()


def seal(cursor: Cursor, walk: str) -> str:
    """Return the text of a cursor; only ``unseal`` with the same ``walk`` reads it."""
    nonce = os.urandom(12)
    values = [_plain(value) for value in cursor.values]
    expiry = int(time.time()) + LIFETIME_SECONDS
    message = orjson.dumps([values, cursor.position, cursor.total, expiry])
    sealed = AESGCM(secret("cursor")).encrypt(nonce, message, walk.encode())
    return _PREFIX + base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")


def unseal(text: str, walk: str, orders: Sequence[Order]) -> Cursor:
    """Return the cursor sealed for ``walk``; raises 400 ``CursorInvalid`` for any other text and after 24 hours."""
    try:
        raw = base64.urlsafe_b64decode(text.removeprefix(_PREFIX) + "=" * (-len(text.removeprefix(_PREFIX)) % 4))
        message = AESGCM(secret("cursor")).decrypt(raw[:12], raw[12:], walk.encode())
    except (ValueError, InvalidTag):
        raise _invalid() from None
    values, position, total, expiry = orjson.loads(message)
    if not text.startswith(_PREFIX) or expiry < time.time() or len(values) != len(orders):
        raise _invalid()
    return Cursor(tuple(_typed(value, order) for value, order in zip(values, orders, strict=True)), position, total)


def _invalid() -> ApiError:
    message = "This cursor does not belong to this query, or no longer does; start again without it."
    return ApiError.of(400, "CursorInvalid", message, "after", "BadQueryParameter")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal | datetime) else value


def _typed(value: Any, order: Order) -> Any:
    if value is None:
        return None
    match order.type:
        case "num" | "money" | "pct":
            return Decimal(value)
        case "dt":
            return datetime.fromisoformat(value)
    return value


def in_order(query: QuerySet[Record], orders: Sequence[Order]) -> QuerySet[Record]:
    """Order ``query`` totally, its order values annotated as ``_order0`` …; empty first ascending, last descending."""
    return query.annotate(**order_values(orders)).order_by(*order_terms(orders))


def order_values(orders: Sequence[Order]) -> dict[str, Any]:
    """Return the order values under the names that ``beyond`` and ``order_terms`` use."""
    return {f"_order{n}": order.expression for n, order in enumerate(orders)}


def order_terms(orders: Sequence[Order]) -> list[OrderBy]:
    """Return the ordering over the names of ``order_values``."""
    terms = []
    for n, order in enumerate(orders):
        nulls = {("nulls_last" if order.descending else "nulls_first"): True} if order.nullable else {}
        terms.append(OrderBy(F(f"_order{n}"), descending=order.descending, **nulls))
    return terms


def directions(orders: Sequence[Order]) -> tuple[str, ...]:
    """Return how each order value is ordered, as SQL."""
    return tuple(_DIRECTIONS[order.descending, order.nullable] for order in orders)


def key_at(orders: Sequence[Order]) -> int:
    """Return which of the order values, counted from 1, is the key."""
    return next(n for n, order in enumerate(orders, 1) if order.column == "id")


_DIRECTIONS = {
    (False, False): "ASC",
    (True, False): "DESC",
    (False, True): "ASC NULLS FIRST",
    (True, True): "DESC NULLS LAST",
}
_SLOTS: dict[str, tuple[Field[Any, Any], str]] = {
    **dict.fromkeys(("key", "ref", "int"), (IntegerField(), "int")),
    **dict.fromkeys(("num", "money", "pct"), (DecimalField(), "numeric")),
    "bool": (BooleanField(), "boolean"),
    "dt": (DateTimeField(), "timestamptz"),
}


def after(cursor: Cursor) -> dict[str, Any]:
    """Return the values of the slots in ``beyond``."""
    return {f"after{n}": value for n, value in enumerate(cursor.values) if value is not None}


def beyond(orders: Sequence[Order], nulls: Sequence[bool]) -> list[Q]:
    """Return the conditions of the rows that come after a cursor's, over the annotations of ``in_order``.

    ``nulls`` = which of the cursor's values are empty; the others are slots. Where empty first values follow, they are
    a part of their own, behind the rest: each part is a range of an index.
    """
    first, rest = orders[0], _later(orders, nulls, 1)
    if nulls[0]:
        here = Q(_order0__isnull=True) & rest
        return [here] if first.descending else [here, Q(_order0__isnull=False)]
    bound = Q(**{f"_order0__{'lte' if first.descending else 'gte'}": _slot(orders, 0)})
    here = bound & (_strictly(orders, 0) | rest)
    return [here, Q(_order0__isnull=True)] if first.descending and first.nullable else [here]


def _later(orders: Sequence[Order], nulls: Sequence[bool], n: int) -> Q:
    """Return the condition of what comes after the cursor among rows that are its equals up to the value ``n``."""
    if n == len(orders):
        return Q(pk__in=[])
    order, rest = orders[n], _later(orders, nulls, n + 1)
    empty = Q(**{f"_order{n}__isnull": True})
    if nulls[n]:
        return empty & rest if order.descending else (empty & rest) | ~empty
    strictly = _strictly(orders, n)
    if order.descending and order.nullable:
        strictly |= empty
    return strictly | (Q(**{f"_order{n}": _slot(orders, n)}) & rest)


def _strictly(orders: Sequence[Order], n: int) -> Q:
    return Q(**{f"_order{n}__{'lt' if orders[n].descending else 'gt'}": _slot(orders, n)})


def _slot(orders: Sequence[Order], n: int) -> Slot:
    return Slot(f"after{n}", *_SLOTS.get(orders[n].type, (TextField(), "text")))
