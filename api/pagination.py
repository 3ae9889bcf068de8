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
from django.db.models import F, OrderBy, Q

from api.errors import ApiError
from security.keys import secret

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


def beyond(cursor: Cursor, orders: Sequence[Order]) -> Q:
    """Return the condition of the rows that come after the cursor's, over the annotations of ``in_order``."""
    after = Q(pk__in=[])
    equal = Q()
    for n, (value, order) in enumerate(zip(cursor.values, orders, strict=True)):
        after |= equal & _strictly_after(f"_order{n}", value, order)
        equal &= Q(**{f"_order{n}__isnull": True}) if value is None else Q(**{f"_order{n}": value})
    first, value = orders[0], cursor.values[0]
    if value is not None and not first.nullable:  # a bound on the first term alone lets an index start there
        after &= Q(**{f"_order0__{'lte' if first.descending else 'gte'}": value})
    return after


def _strictly_after(name: str, value: Any, order: Order) -> Q:
    if value is None:
        return Q(pk__in=[]) if order.descending else Q(**{f"{name}__isnull": False})
    if not order.descending:
        return Q(**{f"{name}__gt": value})
    lower = Q(**{f"{name}__lt": value})
    return lower | Q(**{f"{name}__isnull": True}) if order.nullable else lower
