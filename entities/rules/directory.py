"""Rules of users and of the territory tree (entities.md §3.18, §6.11, §9.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Value
from django.db.models.functions import Lower

from entities.models import Territory, User
from entities.rules.circumstances import RuleViolation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from entities.rules.circumstances import Circumstances


@dataclass(frozen=True)
class Place:
    """Where a territory stands in the tree: ``number``..``number_end`` is the interval of its subtree."""

    number: int
    number_end: int
    depth: int
    child_count: int


def check_user(user: User, c: Circumstances) -> Iterator[RuleViolation]:
    """A logon is unique without regard to case."""
    if not user.logon or not c.changed(user, "logon"):
        return
    others = c.rows(User).exclude(pk=user.pk).alias(folded=Lower("logon"))
    if others.filter(folded=Lower(Value(user.logon))).exists():
        yield RuleViolation("This logon is already used.", "logon")


def lock_for_territory(territory: Territory, c: Circumstances) -> None:
    """Let other changes of the tree wait: there is one renumbering at a time."""
    list(c.rows(Territory).filter(parent=None).select_for_update(no_key=True).values_list("pk"))


def check_territory(territory: Territory, c: Circumstances) -> Iterator[RuleViolation]:
    """One root, no cycles."""
    if not c.changed(territory, "parent_id"):
        return
    parents = dict(c.rows(Territory).values_list("pk", "parent_id"))
    if territory.parent_id is None:
        if any(parent is None and key != territory.pk for key, parent in parents.items()):
            yield RuleViolation("Only the root has no parent.", "parent", "Required")
        return
    ancestor: int | None = territory.parent_id
    while ancestor is not None and ancestor != territory.pk:
        ancestor = parents.get(ancestor)
    if ancestor is not None:
        yield RuleViolation("A territory cannot lie below itself.", "parent")


def settle_territory(territory: Territory, c: Circumstances) -> None:
    """Renumber the tree after its shape or order changed."""
    if c.changed(territory, "parent_id", "caption"):
        renumber(c, saved=territory)


def renumber(c: Circumstances, *, saved: Territory | None = None, without: Sequence[int] = ()) -> None:
    """Write the places of all territories that changed; ``without`` is leaving the tree.

    Only what others can see of a territory, depth and number of children, counts as its update.
    """
    rows = list(c.rows(Territory).exclude(pk__in=without))
    places = place_territories((row.pk, row.parent_id, row.caption) for row in rows)
    moved, updated = [], []
    for row in (row for row in rows if row.pk in places):
        place = places[row.pk]
        if (row.depth, row.child_count) != (place.depth, place.child_count):
            row.updated_at, row.updated_by_id = c.now, c.actor.pk
            updated.append(row.pk)
        elif (row.number, row.number_end) == (place.number, place.number_end):
            continue
        row.number, row.number_end = place.number, place.number_end
        row.depth, row.child_count = place.depth, place.child_count
        moved.append(row)
        if saved is not None and row.pk == saved.pk:
            saved.number, saved.number_end = place.number, place.number_end
            saved.depth, saved.child_count = place.depth, place.child_count
    columns = ("number", "number_end", "depth", "child_count", "updated_at", "updated_by")
    c.rows(Territory).bulk_update(moved, columns, batch_size=500)
    if updated:
        c.wrote(Territory, updated, "update", ["depth", "child_count"])


def place_territories(nodes: Iterable[tuple[int, int | None, str]]) -> dict[int, Place]:
    """Return the place of each territory given as (key, parent, caption); siblings by caption, then key."""
    children: dict[int | None, list[tuple[str, int]]] = {}
    for key, parent, caption in nodes:
        children.setdefault(parent, []).append((caption.lower(), key))
    places: dict[int, Place] = {}
    numbers: dict[int, int] = {}
    stack = [(key, 0, False) for _, key in sorted(children.get(None, ()), reverse=True)]
    while stack:
        key, depth, done = stack.pop()
        below = children.get(key, [])
        if done:
            places[key] = Place(numbers[key], len(numbers), depth, len(below))
            continue
        numbers[key] = len(numbers) + 1
        stack.append((key, depth, True))
        stack.extend((child, depth + 1, False) for _, child in sorted(below, reverse=True))
    return places
