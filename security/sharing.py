"""Grants: one record shared with one user or one profile, as guardian keeps them.

It writes and lists grants; what they mean is decided by ``predicates`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django.contrib.auth.models import Group
from guardian.shortcuts import assign_perm, remove_perm

from entities.models import User
from entities.registry import permission
from security import gate
from security.errors import Invalid, NotPermitted, RecordNotFound
from security.grants import GRANTS
from security.plan import DJANGO_ACTIONS

if TYPE_CHECKING:
    from entities.registry import Entity
    from security.plan import Access, Action

HolderKind = Literal["user", "profile"]
SHARED_ACTIONS: tuple[Action, ...] = ("view", "edit", "delete")


@dataclass(frozen=True)
class Held:
    """One grant on one record: who holds it, for which action; ``source`` = its table and key."""

    holder: HolderKind
    id: int
    action: Action
    source: tuple[str, int]


def grants_on(entity: Entity, key: int) -> list[Held]:
    """Return the grants on the record ``key``: to users, then to profiles."""
    if entity.kind not in GRANTS:
        return []
    actions = {permission(entity, DJANGO_ACTIONS[action]): action for action in SHARED_ACTIONS}
    users, groups = (
        table._default_manager.filter(content_object=key, permission__codename__in=list(actions)).order_by("pk")
        for table in GRANTS[entity.kind]
    )
    rows: list[tuple[HolderKind, tuple[Any, ...]]] = [
        *(("user", row) for row in users.values_list("user", "permission__codename", "pk")),
        *(("profile", row) for row in groups.values_list("group", "permission__codename", "pk")),
    ]
    return [Held(kind, holder, actions[codename], ("Grant", pk)) for kind, (holder, codename, pk) in rows]


@dataclass(frozen=True)
class Share:
    """What one user or profile may do with a record by grant."""

    holder: HolderKind
    id: int
    name: str
    actions: frozenset[Action]

    @property
    def ordered(self) -> list[Action]:
        """The actions in the order in which they are always told."""
        return [action for action in SHARED_ACTIONS if action in self.actions]


def shares(access: Access, entity: Entity, key: int) -> list[Share]:
    """Return with whom the record ``key`` is shared, profiles first. Raises as ``share``."""
    _require(access, entity, key)
    found: dict[tuple[HolderKind, int], set[Action]] = {}
    for held in grants_on(entity, key):
        found.setdefault((held.holder, held.id), set()).add(held.action)
    groups = Group.objects.filter(pk__in=[pk for kind, pk in found if kind == "profile"])
    profiles = dict(groups.order_by("name").values_list("pk", "name"))
    order = list(profiles)
    people = gate.titles(access, {"Users": {pk for kind, pk in found if kind == "user"}})
    listed = [
        Share(kind, pk, profiles[pk] if kind == "profile" else people.get(("Users", pk), ""), frozenset(allowed))
        for (kind, pk), allowed in found.items()
    ]
    by_name = sorted((one for one in listed if one.holder == "profile"), key=lambda one: order.index(one.id))
    return by_name + sorted((one for one in listed if one.holder == "user"), key=lambda one: one.id)


def share(access: Access, entity: Entity, key: int, holder: HolderKind, holder_id: int, actions: set[Action]) -> None:
    """Let the holder do exactly ``actions`` (of ``SHARED_ACTIONS``) with the record ``key``; none ends the sharing.

    Raises ``NotPermitted`` for all but administrators and for child kinds, ``RecordNotFound`` where the actor
    cannot see the record, ``Invalid`` where there is no such holder.
    """
    _require(access, entity, key)
    grantee: User | Group | None
    if holder == "user":
        grantee = gate.system_rows(User).filter(pk=holder_id).first()
    else:
        grantee = Group.objects.filter(pk=holder_id, profile__isnull=False).first()
    if grantee is None:
        raise Invalid([("holder", "BadReference", "Select a valid choice.")])
    record = entity.model(id=key)
    for action in SHARED_ACTIONS:
        write = assign_perm if action in actions else remove_perm
        write(permission(entity, DJANGO_ACTIONS[action]), grantee, record)


def _require(access: Access, entity: Entity, key: int) -> None:
    if not access.actor.administrator or entity.kind not in GRANTS:
        raise NotPermitted
    if not gate.allows(access, entity, "view", key):
        raise RecordNotFound
