"""Rules about the policy itself: what no profile may ever allow, and what must always be possible.

They are asked once policy was changed and before it is stored. A breach names a person, and a record if there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from entities.models import User
from entities.registry import registry
from security import gate, predicates
from security.facts import facts_of
from security.models import Invariant, PolicyVersion, ProfileRight
from security.plan import access_for, row_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entities.registry import Entity
    from security.access import Access, Action, RowRule
    from security.facts import Facts


@dataclass(frozen=True)
class Breach:
    """An invariant that does not hold: for whom, and on which record where there is one."""

    invariant: Invariant
    user: int
    name: str
    record: int | None = None

    def __str__(self) -> str:
        """Say it in a sentence."""
        entity = registry()[self.invariant.entity]
        where = f": {entity.label} {self.record}" if self.record is not None else ""
        return f"“{self.invariant}” would not hold for {self.name}{where}."


def breaches() -> list[Breach]:
    """Return the invariants that the present policy breaks, each with one counterexample."""
    found, facts = [], cache(facts_of)  # several invariants ask about the same people
    for invariant in Invariant.objects.select_related("profile__group").order_by("pk"):
        breach = next(_breaches(invariant, facts), None)
        found += [breach] if breach is not None else []
    return found


def judged() -> list[Breach]:
    """Return the breaches, alone: whoever judges a change next sees this one, if it is stored.

    A grant does not move the policy version, so that two changes that are good one by one, but not together, would
    not meet otherwise.
    """
    PolicyVersion.objects.select_for_update().first()
    return breaches()


def _breaches(invariant: Invariant, facts: Callable[[int], Facts]) -> Iterator[Breach]:
    entity = registry().find(invariant.entity)
    if entity is None:
        return
    subjects = gate.system_rows(User).filter(disabled=False, resource=False, is_template=False, is_superuser=False)
    if invariant.profile_id is not None:
        subjects = subjects.filter(groups=invariant.profile_id)
    for user in subjects.order_by("pk"):
        access = access_for(user.pk)
        broken, record = (
            _of_field(invariant, access, entity)
            if invariant.field
            else _of_rows(invariant, access, entity, facts(user.pk))
        )
        if broken:
            yield Breach(invariant, user.pk, str(user), record)


def _of_field(invariant: Invariant, access: Access, entity: Entity) -> tuple[bool, int | None]:
    field = entity.field(invariant.field)
    if field is None:
        return False, None
    if not access.knows(entity):
        return invariant.mode == "always", None
    shape = access.shape(entity)
    allowed = shape.writes(field) if invariant.action == "edit" else shape.reads(field.name)
    return allowed == (invariant.mode == "never"), None


def _of_rows(invariant: Invariant, access: Access, entity: Entity, facts: Facts) -> tuple[bool, int | None]:
    """Judge by the rules, so that a policy is refused before a record shows what is wrong with it."""
    action: Action = invariant.action  # type: ignore[assignment]  # a choice of the model
    root = registry()[entity.base] if entity.base else entity
    scope = row_rule(ProfileRight(scope=invariant.scope or "everywhere"), root, facts)
    if scope is None:
        return False, None
    within = gate.system_rows(entity.model).filter(predicates.scope_condition(scope, root, access.actor))
    rules = access.plans[root.kind].rules[action]
    if invariant.mode == "never":
        given = any(_meets(rule, scope) for rule in rules)
        reached = within.filter(pk__in=gate.rows(access, entity, action).values("pk"))
        record = reached.order_by("pk").values_list("pk", flat=True).first()
        return given or record is not None, record
    needed: list[Action] = [action] if action in ("view", "insert") else ["view", action]
    sure = needed[-1] in access.shape(root).actions and all(
        any(_covers(rule, scope) for rule in access.plans[root.kind].rules[one]) for one in needed
    )
    missed = within.exclude(pk__in=gate.rows(access, entity, action).values("pk"))
    record = None if sure else missed.order_by("pk").values_list("pk", flat=True).first()
    return not sure, record


def _covers(rule: RowRule, scope: RowRule) -> bool:
    """Whether one scope reaches whatever the other does."""
    return rule.scope == "everywhere" or (rule.scope == scope.scope and set(scope.ids) <= set(rule.ids))


def _meets(rule: RowRule, scope: RowRule) -> bool:
    """Whether one scope reaches, or may once reach, what the other does."""
    if "everywhere" in (rule.scope, scope.scope):
        return True
    return rule.scope == scope.scope and (rule.ids == scope.ids or bool(set(rule.ids) & set(scope.ids)))
