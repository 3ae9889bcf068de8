"""The small world in which implementations are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench import limit, world
from bench.stock.views import CachedAuthentication
from security import plan
from tests.bench.served import SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def small_world(db: None) -> Iterator[None]:
    """Build a small world; it is rolled back."""
    world.build(SIZE)
    yield
    CachedAuthentication.known.clear()
    limit._statements.clear()
    plan._policies.clear()
