"""What an actor may do, as one compiled object: ``Access`` maps every entity to a plan of rows, columns and actions.

Frozen facts; ``plan`` compiles them, ``gate`` enforces them.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from entities.captions import Lists
    from entities.registry import Entity
    from security.shapes import Rules, Shape

Action = Literal["view", "insert", "edit", "delete"]
ACTIONS: tuple[Action, ...] = ("view", "insert", "edit", "delete")
DJANGO_ACTIONS: Mapping[Action, Literal["view", "add", "change", "delete"]] = {
    "view": "view",
    "insert": "add",
    "edit": "change",
    "delete": "delete",
}
P = ParamSpec("P")
T = TypeVar("T")
REMEMBERED = 100  # of each function: a kind's statements are some 10 kB each
Holder = Literal["user", "group"]  # a grant is held by a user, or by all who are in a profile
Granted = frozenset[tuple[str, Action, Holder]]
Held = Mapping[Action, frozenset[Holder]]  # what of it is about one kind


@dataclass(frozen=True)
class RowRule:
    """One scope of one right: which rows qualify. ``ids`` are territories or teams; ``source`` the right's key."""

    scope: Literal["everywhere", "created_by", "assigned", "team", "territories"]
    ids: tuple[int, ...] = ()
    source: int = 0


@dataclass(frozen=True)
class ProfileName:
    """A profile that the actor is in."""

    id: int
    name: str


@dataclass(frozen=True)
class Actor:
    """Who acts: the facts about a user that rights depend on."""

    id: int
    logon: str
    name: str
    language: str
    administrator: bool
    home_territory: int | None
    primary_team: int | None
    teams: tuple[int, ...]
    profiles: tuple[ProfileName, ...]
    functions: frozenset[str]


@dataclass(frozen=True, eq=False)
class AccessPlan:
    """What one actor may do with one entity; ``granted`` = for which actions there are grants, and to whom.

    ``nests`` = it may create a child of this kind together with its parent, which needs the right to insert that alone.
    """

    shape: Shape
    rules: Mapping[Action, tuple[RowRule, ...]]
    granted: Held
    nests: bool = False


def once_per_access(function: Callable[Concatenate[Access, P], T]) -> Callable[Concatenate[Access, P], T]:
    """Let ``function`` of an access and hashable arguments be worked out once; it is forgotten with the access.

    A cache beside the accesses would keep them alive long after their policy has changed.
    """

    @wraps(function)
    def asked(access: Access, /, *arguments: P.args, **options: P.kwargs) -> T:
        key = (arguments, tuple(options.items()))
        return remembered(access, function, key, lambda: function(access, *arguments, **options))

    return asked


def remembered(access: Access, what: Callable[..., Any], key: Hashable, make: Callable[[], T]) -> T:
    """Return what ``make`` returned for the ``key`` among those of ``what``; it is forgotten with the access."""
    known = access.memo.setdefault(what, {})
    found: T
    if key in known:
        with suppress(KeyError):  # another thread may have made place
            found = known[key]
            return found
    found = make()
    with _making_place:
        while len(known) >= REMEMBERED:
            known.pop(next(iter(known)))  # the oldest: clients choose what they ask for
        known[key] = found
    return found


_making_place = threading.Lock()


@dataclass(frozen=True, eq=False)
class Access:
    """What one actor may do; made for each request by ``access_for``. ``memo`` is ``once_per_access``'s."""

    actor: Actor
    version: int
    plans: Mapping[str, AccessPlan]
    lists: Lists
    permissions: Mapping[tuple[str, Action], int]
    memo: dict[Callable[..., Any], dict[Any, Any]] = field(default_factory=dict, init=False, repr=False)

    def shape(self, entity: Entity) -> Shape:
        """Return the shape of ``entity``."""
        return self.plans[entity.kind].shape

    def knows(self, entity: Entity) -> bool:
        """Whether the kind exists for this actor: some row may be viewed or inserted."""
        return bool({"view", "insert"} & self.shape(entity).actions)

    def sees(self, entity: Entity) -> bool:
        """Whether some row of ``entity`` may be viewed."""
        return "view" in self.shape(entity).actions

    def nests(self, entity: Entity) -> bool:
        """Whether a child of this kind may be created together with its parent."""
        return self.plans[entity.kind].nests

    @cached_property
    def wires(self) -> tuple[str, ...]:
        """The names of all fields that the actor can read, of the kinds that exist for it."""
        shapes = (plan.shape for plan in self.plans.values() if self.knows(plan.shape.entity))
        return tuple(sorted({item.wire for shape in shapes for item in shape.fields}))

    @cached_property
    def reading(self) -> Access:
        """The same access without any write, as a read-only token has it; what one may only insert is unknown."""
        plans = {}
        for kind, plan in self.plans.items():
            fields = tuple(replace(item, writable=False) for item in plan.shape.fields)
            shape = replace(plan.shape, fields=fields, actions=plan.shape.actions & {"view"}, transitions=())
            plans[kind] = replace(plan, shape=shape, nests=False)
        return replace(self, plans=plans)

    @cached_property
    def digest(self) -> str:
        """A digest of the whole plan: equal as long as nothing that touches this actor changes."""
        facts: list[object] = [self.actor]
        for kind, plan in sorted(self.plans.items()):
            rules = [[rule.scope, sorted(rule.ids)] for action in ACTIONS for rule in plan.rules[action]]
            shape = plan.shape
            may = [shape.fields, sorted(shape.actions), shape.transitions, plan.nests]
            facts.append([kind, may, rules, sorted(plan.granted)])
        return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Policy:
    """The compiled policy of one user, without the grants, which are read anew for every request.

    ``grantable`` = what the keys mean that ``granted_statement`` lists; others mean nothing. ``refusals`` = the
    transitions that each profile refuses, as ``Kind.transition``; one set per profile.
    """

    actor: Actor
    rules: Mapping[str, Mapping[Action, tuple[RowRule, ...]]]
    field_rules: Rules
    lists: Lists
    permissions: Mapping[tuple[str, Action], int]
    granted_statement: str
    grantable: Mapping[int, tuple[str, Action]]
    withheld: frozenset[str]
    refusals: tuple[frozenset[str], ...] = ()
