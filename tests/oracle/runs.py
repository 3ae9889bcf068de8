"""Runs a check over many worlds: the same ones every time, each forgotten afterwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django.db import transaction
from hypothesis import HealthCheck, Phase, given, note, seed, settings

from tests.oracle.loading import load
from tests.oracle.making import worlds

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.oracle.worlds import World

DEEP = bool(os.environ.get("PARAPET_DEEP"))


def over_worlds(
    batch: int, count: int, check: Callable[[World], None], *, password: str = "!", shrink: bool = True
) -> None:
    """Check ``count`` worlds of a batch; what fails is made small and readable unless told not to."""

    @seed(batch)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(worlds())
    def each(world: World) -> None:
        note(repr(world))
        with transaction.atomic():
            load(world, password)
            check(world)
            transaction.set_rollback(True)

    each()
