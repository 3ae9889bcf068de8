"""Territory, assigned user and team of a record (entities.md §6.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entities.models import Record, Territory, User
from entities.registry import registry
from entities.rules.circumstances import RuleViolation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from entities.rules.circumstances import Circumstances

ROOT = "root territory"


def assignee(record: Any, c: Circumstances) -> Iterator[tuple[type[Record], int | None]]:
    """Yield the user whom a new record is assigned to: what its rules will look up."""
    assigned = registry().by_model[type(record)].assigned
    if assigned:
        yield User, getattr(record, f"{assigned}_id")


def complete_assignment(
    record: Any,
    c: Circumstances,
    *,
    user: int | None = None,
    team: int | None = None,
    territories: Iterable[int | None] = (),
) -> None:
    """Fill assigned user, team and territory of a new record where the caller sent none.

    ``user`` and ``team`` come before the defaults (the caller, the assigned user's primary team),
    ``territories`` before the home territories of assigned user and creator and the root.
    Raises ``RuleViolation`` ``OutsideYourRights`` if no territory lies within the insert right.
    """
    entity = registry().by_model[type(record)]
    assignee: User | None = c.actor
    if entity.assigned:
        column = f"{entity.assigned}_id"
        if getattr(record, column) is None and entity.assigned not in c.given:
            setattr(record, column, user if _assignable(user, c) else c.actor.pk)
        assignee = _user(getattr(record, column), c)
    if entity.has_team and record.team_id is None and "team" not in c.given:
        record.team_id = team or (assignee.primary_team_id if assignee else None)
    if entity.has_territory and record.territory_id is None:
        homes = (assignee.home_territory_id if assignee else None, c.actor.home_territory_id)
        _choose_territory(record, c, (*territories, *homes))


def check_assignment(record: Any, c: Circumstances) -> Iterator[RuleViolation]:
    """Yield what is wrong with a new assigned user, and that the territory was emptied."""
    entity = registry().by_model[type(record)]
    if entity.assigned and c.changed(record, f"{entity.assigned}_id"):
        key = getattr(record, f"{entity.assigned}_id")
        if key is not None and not _assignable(key, c):
            yield RuleViolation("A user who is disabled or a template cannot be assigned.", entity.assigned)
    if (
        entity.has_territory
        and c.before is not None
        and c.changed(record, "territory_id")
        and record.territory_id is None
    ):
        yield RuleViolation("A record always has a territory.", "territory")


def _choose_territory(record: Any, c: Circumstances, steps: Iterable[int | None]) -> None:
    candidates = dict.fromkeys(key for key in (*steps, root_territory(c)) if key is not None)
    for key in candidates:
        record.territory_id = key
        if c.may_insert(record):
            return
    record.territory_id = None
    if candidates:
        raise RuleViolation("The record would lie outside your rights.", "territory", "OutsideYourRights")


def root_territory(c: Circumstances) -> int | None:
    """Return the key of the root territory."""
    roots = c.rows(Territory).filter(parent=None).values_list("pk", flat=True)
    return c.once(ROOT, lambda: roots.order_by("pk").first())


def _user(key: int | None, c: Circumstances) -> User | None:
    if key is None or key == c.actor.pk:
        return c.actor if key else None
    return c.find(User, key)


def _assignable(key: int | None, c: Circumstances) -> bool:
    user = _user(key, c)
    return user is not None and not user.disabled and not user.is_template
