"""Who changed a record, when and which fields: the trail of all channels, shown with today's rights.

It decides what of the trail somebody may see; it writes nothing (``writes`` does) and knows no channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from security import gate
from security.errors import RecordNotFound
from security.models import Change

if TYPE_CHECKING:
    from datetime import datetime

    from entities.registry import Entity, Field
    from security.plan import Access

LIMIT = 200


@dataclass(frozen=True)
class Entry:
    """One write as its reader may know it; ``at`` and ``user`` are empty where the stamps are not readable."""

    action: str
    at: datetime | None
    user: str
    fields: tuple[Field, ...]


def history(access: Access, entity: Entity, key: int) -> list[Entry]:
    """Return the newest ``LIMIT`` writes to the record ``key``, newest first.

    A change that touched only fields hidden from the reader is left out: it would tell that they exist and moved.
    Raises ``RecordNotFound`` where the actor cannot see the record (security.md §6, row 23).
    """
    if not gate.allows(access, entity, "view", key):
        raise RecordNotFound
    shape = access.shape(entity)
    readable = {field.name: field for field in shape.readable}
    known = ~Q(action="edit") | Q(fields__has_any_keys=list(readable))
    changes = list(Change.objects.filter(known, kind=entity.kind, key=key).order_by("-at", "-pk")[:LIMIT])
    users = {change.user_id for change in changes if change.user_id is not None}
    names = gate.titles(access, {"Users": users})

    def entry(change: Change) -> Entry:
        stamp = "created" if change.action == "insert" else "updated"
        return Entry(
            action=change.action,
            at=change.at if shape.reads(f"{stamp}_at") else None,
            user=names.get(("Users", change.user_id or 0), "") if shape.reads(f"{stamp}_by") else "",
            fields=tuple(readable[name] for name in change.fields if name in readable),
        )

    return [entry(change) for change in changes]
