"""Short lists: the keys of all records that an actor sees of a kind, remembered in their order with their snapshot.

Whoever sees few of many records has them all over the table: for each page the database would look for every one of
them, and sort them. What was noted since (``watching``) tells whether the list still holds; the page itself is read
through the gate as every other is, so that a remembered key shows nothing by itself (docs/adr/0034).
"""

from __future__ import annotations

import time
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from security import totals
from security.access import remembered
from security.reading import listed_keys
from security.selectivity import MANY, seen_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence
    from typing import Any

    from django.db.models import QuerySet

    from entities.registry import Entity
    from security.access import Access

SECONDS = 600.0  # after which it is read anew: for changes that nobody notes, such as those of a restored backup
WORTH = 10.0  # rows for each that the actor sees: with fewer, walking is as fast


@dataclass(frozen=True)
class Shortlist:
    """Keys in an order, the snapshot that they belong to, and when they were read (``time.monotonic``).

    Longer lists than ``MANY`` have no keys: only that they are longer is remembered.
    """

    keys: array[int] | None
    snapshot: str
    read: float


def suits(access: Access, entity: Entity, columns: Collection[str]) -> bool:
    """Whether a list of all that the actor sees of ``entity``, ordered by these columns, is worth remembering."""
    if connection.in_atomic_block or not entity.has_own_rights:  # own changes are in no snapshot that others have seen
        return False
    seen = seen_of(access, entity)
    if not 0 < seen.rows < MANY or seen.size < WORTH * seen.rows:
        return False
    noted = totals.noted(entity)
    return noted is not None and noted | {"id"} >= set(columns)


def keys(
    access: Access,
    entity: Entity,
    known: Hashable,
    read: Callable[[], QuerySet[Any, tuple[Any, ...]]],
    directions: Sequence[str],
) -> Shortlist | None:
    """Return the keys of the list ``known``, as they were some time ago; None where there are too many.

    ``read`` makes the query of keys and order values. Whoever reads records by these keys asks ``holds`` afterwards.
    """
    place = _place(access, entity, known)
    shortlist = next(iter(place), None)  # once: another thread may take it away
    if shortlist is None or shortlist.read + SECONDS < time.monotonic():
        found, snapshot = listed_keys(read(), directions, MANY + 1).rows()[0]
        shortlist = Shortlist(array("i", found) if len(found) <= MANY else None, snapshot, time.monotonic())
        place[:] = [shortlist]
    return shortlist if shortlist.keys is not None else None


def holds(access: Access, entity: Entity, known: Hashable, found: Shortlist) -> bool:
    """Whether the list ``known`` is still as it was ``found``; otherwise it is forgotten."""
    place = _place(access, entity, known)
    since = totals.changed(access, entity, found.snapshot)
    still = not (since.anything or since.gained or since.lost)
    if place[:1] == [found]:  # and not a newer one
        place[:] = [Shortlist(found.keys, since.snapshot, found.read)] if still else []
    return still


def _place(access: Access, entity: Entity, known: Hashable) -> list[Shortlist]:
    """Return where the list is remembered: none or one."""
    place: list[Shortlist] = remembered(access, keys, (entity, known), list)
    return place
