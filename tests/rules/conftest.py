"""The records that the tests of business rules start from."""

from __future__ import annotations

import pytest

from tests.rules.world import World, build


@pytest.fixture
def world(db: None) -> World:
    """Return a stored world."""
    return build()
