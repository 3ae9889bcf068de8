"""Exact totals that do not count again what was counted: a total is remembered with the snapshot that it belongs to.

What was noted since (``watching``) brings it up to date: rows that the actor gained and lost. The answer is what a
count would say, at the cost of what changed in the meantime (docs/adr/0032). Lists with conditions are counted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from entities.registry import Entity, table_name
from security import gate
from security.access import once_per_access, remembered
from security.grants import GRANTS
from security.reading import count
from security.statements import Statement
from security.watching import HOURS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from security.access import Access, RowRule
    from security.predicates import Form

SECONDS = 600.0  # after which it is counted anew: for changes that nobody notes, such as those of a restored backup
_PLACES = {"territories": 1, "assigned": 2, "team": 3, "created_by": 4}  # in the noted columns

_watched: dict[str, tuple[frozenset[str] | None, float]] = {}


@dataclass(frozen=True)
class _Known:
    """A total, its snapshot, and the moment (``time.monotonic``) of the count that it goes back to."""

    total: int
    snapshot: str
    counted: float


def total(access: Access, entity: Entity) -> int:
    """Return how many rows of ``entity`` the actor sees now."""
    if connection.in_atomic_block or noted(entity) is None:  # own changes are in no snapshot that others have seen
        return int(_counting(access, entity, _form(access, entity)).rows()[0][0])
    place: list[_Known] = remembered(access, total, entity, list)
    known = next(iter(place), None)  # once: another thread may take it away
    found = _up_to_date(access, entity, known) if known and known.counted + SECONDS > time.monotonic() else None
    if found is None:
        number, snapshot = _counting(access, entity, _form(access, entity)).rows()[0]
        found = _Known(number, snapshot, time.monotonic())
    place[:] = [found]
    return found.total


def _form(access: Access, entity: Entity) -> Form:
    """Return the form that counts fastest: several rights overlap, which is found out from their keys."""
    plan = access.plans[entity.kind]
    one = len(plan.rules["view"]) == 1 and "view" not in plan.granted
    return "open" if one else "sources"


@once_per_access
def _counting(access: Access, entity: Entity, form: Form) -> Statement:
    """Return the statement of a total and the snapshot that it belongs to."""
    found = count(gate.rows(access, entity, form=form))
    return Statement(found.sql.replace("count(*)", "count(*), pg_current_snapshot()::text", 1), found.slots)


def _up_to_date(access: Access, entity: Entity, known: _Known) -> _Known | None:
    """Return what is known with what changed since; None where that may be anything."""
    since = changed(access, entity, known.snapshot)
    return None if since.anything else _Known(known.total + since.gained - since.lost, since.snapshot, known.counted)


@dataclass(frozen=True)
class Since:
    """What changed since a snapshot: rows that the actor gained and lost, both of those that moved; or ``anything``.

    ``snapshot`` = the present one.
    """

    gained: int
    lost: int
    anything: bool
    snapshot: str


def changed(access: Access, entity: Entity, snapshot: str) -> Since:
    """Return what changed of the rows that the actor sees since ``snapshot``."""
    return Since(*_changing(access, entity).rows(snapshot=snapshot)[0])


@once_per_access
def _changing(access: Access, entity: Entity) -> Statement:
    """Return the statement of how many rows the actor gained and lost since a snapshot.

    Grants are looked up as they are now; where some that concern the actor changed, the third column says so.
    """
    profiles = [profile.id for profile in access.actor.profiles]
    mine = f"user_id = {access.actor.id:d} OR group_id = ANY ('{{{_list(profiles)}}}'::int[])"
    since = "xid >= pg_snapshot_xmin(%s::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, %s::pg_snapshot)"
    # Notes that came with a dump have numbers of another cluster: those of transactions that are still to come here.
    since += f" AND pg_visible_in_snapshot(xid, pg_current_snapshot()) AND at > now() - interval '{HOURS} hours'"
    return Statement(
        f"SELECT count(*) FILTER (WHERE {_reached(access, entity, 'after')}),"
        f" count(*) FILTER (WHERE {_reached(access, entity, 'before')}),"
        f" coalesce(bool_or(key IS NULL AND coalesce({mine}, user_id IS NULL AND group_id IS NULL)), FALSE),"
        f" pg_current_snapshot()::text FROM security_rowchange WHERE kind = '{entity.kind}' AND {since}",
        ("snapshot", "snapshot"),
    )


def _reached(access: Access, entity: Entity, columns: str) -> str:
    """Return the condition that the actor sees a row with the noted ``columns``: what ``predicates.own_rows`` says."""
    plan = access.plans[entity.kind]
    conditions = [_scope(rule, access, columns) for rule in plan.rules["view"]]
    if "view" in plan.granted:
        permission = access.permissions[entity.kind, "view"]
        profiles = _list(profile.id for profile in access.actor.profiles)
        holders = (f"g.user_id = {access.actor.id:d}", f"g.group_id = ANY ('{{{profiles}}}'::int[])")
        for table, holder in zip(GRANTS[entity.kind], holders, strict=True):
            grant = f"g.content_object_id = key AND g.permission_id = {permission:d} AND {holder}"
            conditions.append(f"EXISTS (SELECT FROM {table_name(table)} g WHERE {grant})")
    return f"{columns} IS NOT NULL AND coalesce({' OR '.join(conditions) or 'FALSE'}, FALSE)"


def _scope(rule: RowRule, access: Access, columns: str) -> str:
    if rule.scope == "everywhere":
        return "TRUE"
    ids = [access.actor.id] if rule.scope in ("created_by", "assigned") else rule.ids
    return f"{columns}[{_PLACES[rule.scope]}] = ANY ('{{{_list(ids)}}}'::int[])"


def _list(ids: Iterable[int]) -> str:
    return ",".join(str(int(one)) for one in ids)


def noted(entity: Entity) -> frozenset[str] | None:
    """Return the columns whose changes are noted beside those that rights are about; None where nobody notes any.

    That is so in a database that cannot tell who has seen what. It is asked again after a while.
    """
    known = _watched.get(entity.kind)
    if known is None or known[1] + SECONDS < time.monotonic():
        trigger = f"{table_name(entity.model)}_noted_updated"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT encode(tgargs, 'escape') FROM pg_trigger WHERE tgname = %s AND tgenabled <> 'D'"
                " AND NOT pg_is_in_recovery()",
                [trigger],
            )
            found = cursor.fetchone()
        columns = frozenset(filter(None, found[0].split("\\000"))) if found else None
        known = _watched[entity.kind] = (columns, time.monotonic())
    return known[0]
