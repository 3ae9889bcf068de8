"""What a change of policy would do before it is made: who gains or loses how many rows and which fields.

The change is made, looked at and taken back in one transaction: what is measured is the policy itself. Rows are counted
by the predicates of before and after, in one state of the data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q, QuerySet

from entities.models import User
from entities.registry import Entity, registry, table_name
from security import gate
from security.grants import GRANTS
from security.models import PolicyChange
from security.plan import access_for
from security.predicates import NOBODY, as_column, own_reach
from security.sharing import SHARED_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from security.access import Access, Action

ACTIONS = SHARED_ACTIONS
Keys = dict[str, dict["Action", frozenset[int]]]


@dataclass(frozen=True)
class RowEffect:
    """How many rows of a kind one user gains and loses for an action."""

    kind: str
    action: Action
    gained: int
    lost: int


@dataclass(frozen=True)
class FieldEffect:
    """Which fields of a kind one user may newly read or write, or may no longer."""

    kind: str
    read_gained: tuple[str, ...]
    read_lost: tuple[str, ...]
    write_gained: tuple[str, ...]
    write_lost: tuple[str, ...]

    @property
    def lists(self) -> tuple[tuple[str, ...], ...]:
        """The four lists of names, in the order of the members."""
        return self.read_gained, self.read_lost, self.write_gained, self.write_lost


@dataclass(frozen=True)
class Effect:
    """What changes for one user."""

    user: int
    rows: tuple[RowEffect, ...]
    fields: tuple[FieldEffect, ...]


@dataclass(frozen=True)
class _Standing:
    """Where one user stands: the plan, and the keys held by grant of those kinds whose grants the change touches."""

    access: Access
    keys: Keys = field(default_factory=dict)


def last_change() -> int:
    """Return the number of the last recorded change of policy."""
    return PolicyChange.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def changed(since: int, actor: int) -> bool:
    """Whether ``actor`` changed policy after the change ``since``; what others did meanwhile is theirs."""
    return PolicyChange.objects.filter(pk__gt=since, actor=actor).exists()


def effects(change: Callable[[], Any]) -> tuple[Any, list[Effect]]:
    """Make ``change``, measure and take it back; return what it returned and the effects, by user.

    Raises what ``change`` raises.
    """
    with transaction.atomic():
        start = last_change()
        with transaction.atomic():
            made = change()
            changes = list(PolicyChange.objects.filter(pk__gt=start))
            users = affected(changes)
            kinds = [kind for kind in GRANTS if {table_name(t) for t in GRANTS[kind]} & {c.table for c in changes}]
            after = {user: _standing(user, kinds) for user in users}
            transaction.set_rollback(True)
        before = {user: _standing(user, kinds) for user in users}
        told = (_effect(user, before[user], after[user]) for user in sorted(users))
        return made, [effect for effect in told if effect.rows or effect.fields]


def seen_by(reader: Access, told: Iterable[Effect]) -> list[Effect]:
    """Return the effects as far as ``reader`` may know them: people they see, kinds they know, fields they read."""
    told = list(told)
    people = gate.titles(reader, {"Users": {effect.user for effect in told}})

    def known(kind: str, wires: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(wire for wire in wires if gate.resolve(reader, registry()[kind], wire))

    found = []
    for effect in told:
        if ("Users", effect.user) not in people:
            continue
        rows = tuple(row for row in effect.rows if reader.knows(registry()[row.kind]))
        fields = (FieldEffect(one.kind, *(known(one.kind, wires) for wires in one.lists)) for one in effect.fields)
        found.append(Effect(effect.user, rows, tuple(one for one in fields if any(one.lists))))
    return [effect for effect in found if effect.rows or effect.fields]


def affected(changes: Iterable[PolicyChange]) -> set[int]:
    """Return the active users for whom the changes may matter: members of profiles and teams, named users, or all."""
    everyone = set(gate.system_rows(User).filter(resource=False, is_template=False).values_list("pk", flat=True))
    found: set[int] = set()
    for change in changes:
        for row in (change.old, change.new):
            if row is not None:
                found |= _concerned(change.table, row, everyone)
    return found & everyone


def _concerned(table: str, row: Mapping[str, Any], everyone: set[int]) -> set[int]:
    """Return whom one row of a policy table is about."""
    if table == "entities_user":
        return {row["id"]}
    if row.get("user_id") is not None:
        return {row["user_id"]}
    members = gate.system_rows(User)
    group = row.get("group_id", row.get("profile_id"))
    if group is not None:
        return set(members.filter(groups=group).values_list("pk", flat=True))
    if row.get("team_id") is not None:
        found = members.filter(Q(teams=row["team_id"]) | Q(primary_team=row["team_id"]))
        return set(found.values_list("pk", flat=True))
    return everyone


def _standing(user: int, kinds: Iterable[str]) -> _Standing | None:
    """Return where somebody stands; None for whoever may not log in."""
    if not gate.system_rows(User).filter(pk=user, disabled=False).exists():
        return None
    access = access_for(user, external=True)
    profiles = [profile.id for profile in access.actor.profiles]
    keys: Keys = {}
    for kind in kinds:
        users, groups = (table._default_manager for table in GRANTS[kind])
        for action in ACTIONS:
            permission = access.permissions[kind, action]
            mine = users.filter(user=user, permission=permission).values_list("content_object", flat=True)
            ours = groups.filter(group__in=profiles, permission=permission).values_list("content_object", flat=True)
            keys.setdefault(kind, {})[action] = frozenset((*mine, *ours))
    return _Standing(access, keys)


def _effect(user: int, before: _Standing | None, after: _Standing | None) -> Effect:
    rows: list[RowEffect] = []
    fields: list[FieldEffect] = []
    for entity in registry():
        if entity.has_own_rights:
            rows += [found for action in ACTIONS if (found := _rows(entity, action, before, after)) is not None]
        told = _fields(entity, before, after)
        fields += [told] if told is not None else []
    return Effect(user, tuple(rows), tuple(fields))


def _rows(entity: Entity, action: Action, before: _Standing | None, after: _Standing | None) -> RowEffect | None:
    if _facts(before, entity, action) == _facts(after, entity, action):
        return None
    was, becomes = _reached(before, entity, action), _reached(after, entity, action)
    rows = gate.system_rows(entity.model).annotate(_was=as_column(was), _becomes=as_column(becomes))
    gained = _count(rows, was=False, becomes=True)
    lost = _count(rows, was=True, becomes=False)
    return RowEffect(entity.kind, action, gained, lost) if gained or lost else None


def _count(rows: QuerySet[Any], *, was: bool, becomes: bool) -> int:
    return rows.filter(_was=was, _becomes=becomes).count()


def _facts(standing: _Standing | None, entity: Entity, action: Action) -> object:
    """Return what the rows that somebody reaches depend on."""
    if standing is None:
        return None
    plan, kind = standing.access.plans[entity.kind], entity.kind
    actions: list[Action] = [action] if action == "view" else [action, "view"]
    rules = [frozenset((rule.scope, rule.ids) for rule in plan.rules[one]) for one in actions]
    granted = [one in plan.granted for one in actions]
    holders = frozenset(profile.id for profile in standing.access.actor.profiles) if any(granted) else None
    keys = [standing.keys.get(kind, {}).get(one) for one in actions]
    return rules, granted, holders, keys, action in plan.shape.actions


def _reached(standing: _Standing | None, entity: Entity, action: Action) -> Q:
    """Return the rows of a kind with rights of its own that somebody reaches."""
    if standing is None or action not in standing.access.shape(entity).actions:
        return NOBODY

    return own_reach(standing.access, entity, action, standing.keys.get(entity.kind))


def _fields(entity: Entity, before: _Standing | None, after: _Standing | None) -> FieldEffect | None:
    was, becomes = (_writable(standing, entity) for standing in (before, after))
    writes, will = ({wire for wire, writable in fields.items() if writable} for fields in (was, becomes))
    found = FieldEffect(
        entity.kind,
        tuple(sorted(becomes.keys() - was.keys())),
        tuple(sorted(was.keys() - becomes.keys())),
        tuple(sorted(will - writes)),
        tuple(sorted(writes - will)),
    )
    return found if any(found.lists) else None


def _writable(standing: _Standing | None, entity: Entity) -> dict[str, bool]:
    """Return the readable fields of a kind that is known, and whether they may be written."""
    if standing is None or not standing.access.knows(entity):
        return {}
    return {item.wire: item.writable for item in standing.access.shape(entity).fields}
