"""How the database should go about a list: what the actor sees of a kind, about, decides over the form of a predicate.

The forms answer alike (``predicates.rows_where``); a wrong guess costs time, nothing else. So what was counted is
remembered for some minutes, with the access: walking an order until a page is full is right where much is visible, and
endless where nothing is; collecting all that is visible is the other way round (docs/adr/0031).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Q

from entities.registry import Entity, registry, table_name
from security import gate
from security.access import remembered
from security.predicates import grants_of, scope_condition

if TYPE_CHECKING:
    from typing import Any

    from django.db.models import QuerySet

    from security.access import Access
    from security.predicates import Form

SECONDS = 300.0
FEW = 2.0  # times the root of the rows: from there on walking is faster than collecting, by measurement
HASHED = 5_000  # grants that are read into memory in less time than anybody notices
PROBES = 940  # times the share of the rows that is visible: grants from which on looking for one of each row is faster
MANY = 10_000  # rows from which on nobody counts further
_LEAST = 200

_sizes: dict[str, tuple[float, float]] = {}


@dataclass(frozen=True)
class Seen:
    """What was counted at a moment of ``time.monotonic``, and the form that follows from it.

    ``rows`` = about how many the actor sees: what two rights reach counts twice, and of each no more than ``MANY`` are
    counted. ``size`` = about how many there are.
    """

    form: Form
    at: float = 0.0
    rows: float = math.inf
    size: float = 1.0


def form_of(access: Access, entity: Entity) -> Form:
    """Return the form of the predicate for a list of ``entity`` without further conditions."""
    return seen_of(access, entity).form


def seen_of(access: Access, entity: Entity) -> Seen:
    """Return what was counted of the rows of ``entity`` that the actor sees, some minutes ago at most."""
    plan = access.plans[(registry()[entity.base] if entity.base else entity).kind]
    if plan.shape.entity.parents or any(rule.scope == "everywhere" for rule in plan.rules["view"]):
        return _EVERYTHING
    known: list[Seen] = remembered(access, seen_of, plan.shape.entity, list)
    if not known or known[0].at + SECONDS < time.monotonic():
        known[:] = [_measured(access, plan.shape.entity)]
    return known[0]


_EVERYTHING = Seen("open")


def _measured(access: Access, entity: Entity) -> Seen:
    plan, size = access.plans[entity.kind], _size(entity)
    few = int(max(_LEAST, FEW * math.sqrt(size)))
    scopes = [scope_condition(rule, entity, access.actor) for rule in plan.rules["view"]]
    seen = sum(_count(gate.system_rows(entity.model).filter(Q(scope)), max(few, MANY)) for scope in scopes)
    if "view" not in plan.granted:
        return Seen("sources" if seen < few else "open", time.monotonic(), seen, size)
    # Of so many grants, no share of the rows makes reading them faster.
    most = max(few, MANY, int(2 * math.sqrt(PROBES * size)))
    grants = sum(_count(query, most) for query in grants_of(access, entity, "view"))
    form: Form = "probed" if grants > max(HASHED, PROBES * size / max(seen, grants, 1)) else "hashed"
    return Seen("sources" if seen + grants < few else form, time.monotonic(), seen + grants, size)


def _count(query: QuerySet[Any], most: int) -> int:
    """Return how many rows there are, ``most`` for more: an index that holds the column is enough."""
    return query.order_by()[:most].count()


def _size(entity: Entity) -> float:
    """Return about how many rows the kind has, as the planner believes; remembered in this process."""
    table = table_name(entity.model)
    known = _sizes.get(table)
    if known is None or known[1] + SECONDS < time.monotonic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s AND relkind = 'r'", [table])
            found = cursor.fetchone()
        known = _sizes[table] = (max(1.0, found[0] if found else 1.0), time.monotonic())
    return known[0]
