"""The demo world of tests/api, as it is at the end of a module again; each test starts from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from security.models import FieldRule, Profile
from tests.api.conftest import demo_connection, demo_database
from tests.api.wire import Wire, login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["demo_connection", "demo_database"]


@pytest.fixture(scope="module")
def demo_world(demo_connection: None) -> Iterator[None]:
    """Let what the fixtures of a module store be rolled back at its end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def susan(demo_world: None, db: None) -> Wire:
    """A client of a sales person, whom the rules of the test restrict."""
    return login("susan")


@pytest.fixture
def rule(susan: Wire) -> Callable[..., None]:
    """Return how a test adds a field rule to the profile of susan: ``rule("Company", "Comp_Type", read=False)``."""

    def add(kind: str, wire: str, **verdicts: bool) -> None:
        profile = Profile.objects.get(group__name="Sales")
        FieldRule.objects.create(profile=profile, entity=kind, field=wire, **verdicts)

    return add
