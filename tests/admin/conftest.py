"""The world of the administration's tests, and browsers logged in to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin import world as worlds

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture
def world(db: None) -> worlds.World:
    """Return a stored world."""
    return worlds.build()


@pytest.fixture
def clerk(world: worlds.World) -> Client:
    """Return the browser of the restricted member of staff."""
    return worlds.client_of(world.clerk)


@pytest.fixture
def boss(world: worlds.World) -> Client:
    """Return the browser of the administrator."""
    return worlds.client_of(world.boss)
