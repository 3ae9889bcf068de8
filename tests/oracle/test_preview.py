"""A preview equals the difference that is measured once the change is made, over random worlds and changes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from entities.registry import registry
from security import gate
from security.changes import Change, apply
from security.grants import GRANTS
from security.models import FieldRule, ProfileRight
from security.plan import access_for
from security.preview import ACTIONS, effects
from tests.oracle.checks import expect
from tests.oracle.runs import DEEP, over_worlds

if TYPE_CHECKING:
    from tests.oracle.worlds import World

IN_A_BATCH = 15
BATCHES = 40 if DEEP else 1
OWN = tuple(entity.kind for entity in registry() if entity.has_own_rights)
Measured = dict[tuple[int, str, str], frozenset[Any]]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_preview_is_what_comes_of_it(batch: int) -> None:
    over_worlds(3_000 + batch, IN_A_BATCH, previewed, shrink=False)


def previewed(world: World) -> None:
    """Preview some changes of a world, make them, and compare."""
    dice = random.Random(len(world.rows) * 31 + len(world.rights) * 7 + len(world.rules))
    for _ in range(3):
        drawn = [change(world, dice) for _ in range(dice.randint(1, 3))]
        changes = list({(one.table, one.key or number): one for number, one in enumerate(drawn, -9)}.values())
        before = measured(world)
        _, told = effects(lambda changes=changes: apply(changes))  # type: ignore[misc]
        expect("the preview changes nothing", measured(world), before)
        with transaction.atomic():
            apply(changes)
            after = measured(world)
            transaction.set_rollback(True)
        found: dict[tuple[int, str, str], tuple[int, int]]
        found = {(e.user, r.kind, r.action): (r.gained, r.lost) for e in told for r in e.rows}
        found |= {(e.user, f.kind, "read"): (len(f.read_gained), len(f.read_lost)) for e in told for f in e.fields}
        found |= {(e.user, f.kind, "write"): (len(f.write_gained), len(f.write_lost)) for e in told for f in e.fields}
        expected = {key: (len(after[key] - before[key]), len(before[key] - after[key])) for key in before}
        nothing = (0, 0)
        expect(f"{changes}", *({k: v for k, v in one.items() if v != nothing} for one in (found, expected)))


def measured(world: World) -> Measured:
    """Return the rows that everybody reaches and the fields that they read and write."""
    found: Measured = {}
    disabled = {user.key for user in world.users if user.disabled}
    for user in world.users:
        access = access_for(user.key, external=True)
        for kind in OWN:
            entity = registry()[kind]
            for action in ACTIONS:
                keys = gate.rows(access, entity, action).values_list("pk", flat=True)
                found[user.key, kind, action] = frozenset(() if user.key in disabled else keys)
        for entity in registry():
            known = access.knows(entity) and user.key not in disabled
            fields = access.shape(entity).fields if known else ()
            found[user.key, entity.kind, "read"] = frozenset(item.wire for item in fields)
            found[user.key, entity.kind, "write"] = frozenset(item.wire for item in fields if item.writable)
    return found


def change(world: World, dice: random.Random) -> Change:
    """Return a change of policy that can be made."""
    user, profile = dice.choice(world.users).key, dice.choice(sorted({right.profile for right in world.rights} or {0}))
    kind = dice.choice([kind for kind in OWN if kind in GRANTS and world.of(kind)])
    rights, rules = (list(model.objects.values_list("pk", flat=True)) for model in (ProfileRight, FieldRule))
    flags = {name: dice.random() < 0.5 for name in ("view", "insert", "edit", "delete_right")}
    record = {"entity": kind, "record": dice.choice(world.of(kind)).key}
    kinds: list[Change] = [
        Change("Grant", None, {**record, "user": user, "action": "view"}),
        Change("User", user, {"home_territory": dice.choice([None, *(place.key for place in world.territories)])}),
        Change("TeamMembership", None, {"user": user, "team": dice.choice(sorted(world.teams))}),
        Change("ExternalAccess", None, {"entity": dice.choice(OWN), "offered": False}),
    ]
    if profile:
        kinds.append(Change("Membership", None, {"user": user, "profile": profile}, remove=dice.random() < 0.5))
        kinds.append(Change("Grant", None, {**record, "profile": profile, "action": "edit"}))
    if rights:
        kinds += [Change("ProfileRight", dice.choice(rights), flags), Change("ProfileRight", rights[0], remove=True)]
    if rules:
        kinds.append(Change("FieldRule", dice.choice(rules), {"read": dice.choice([None, True, False])}))
    return dice.choice(kinds)
