"""The access model against the oracle, over random worlds (security.md §8.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from security.plan import access_for
from tests.oracle import checks
from tests.oracle.oracle import Oracle
from tests.oracle.runs import DEEP, over_worlds

if TYPE_CHECKING:
    from tests.oracle.worlds import World

IN_A_BATCH = 50
BATCHES = 100 if DEEP else 6

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_way_of_asking_agrees_with_the_oracle(batch: int) -> None:
    over_worlds(batch, IN_A_BATCH, everything)


def everything(world: World) -> None:
    """Ask every user's plan everything; what costs many statements is asked in turns."""
    oracle = Oracle(world)
    turn = len(world.rows) + len(world.rights) + len(world.rules)
    for index, user in enumerate(world.users):
        access = access_for(user.key)
        checks.shapes(oracle, user, access)
        checks.lists(oracle, user, access, turn + index)
        if (turn + index) % 2:  # a statement is made for each kind and user, which takes its time
            checks.pages(oracle, user, access, (turn + index) // 2)
        checks.predicates(oracle, user, access, [turn + index])
        checks.unsaved(oracle, user, access)
        checks.permissions(oracle, user, turn + index)
        checks.detail(oracle, user, access, turn + 3 * index)
    actor = world.users[turn % len(world.users)]
    if not actor.disabled:
        checks.titles(oracle, actor, access_for(actor.key))
        checks.written(oracle, actor, access_for(actor.key), turn)
