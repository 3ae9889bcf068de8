"""The tiny demo world for the tests of a module, rolled back at its end; each test starts from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from crm import demo
from security.models import FieldRule, Profile
from tests.api.wire import Wire, login
from tests.owner import owning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import DjangoDbBlocker


@pytest.fixture(scope="module")
def demo_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Build the demo world once; it is rolled back afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        with owning():
            demo.build("tiny", replace=True)
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
