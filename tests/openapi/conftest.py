"""The tiny demo world for the tests of a module, rolled back at its end; tests do not see each other's changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from crm import demo
from tests.api.wire import LOGONS, login
from tests.openapi.validate import Contract
from tests.owner import owning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_django import DjangoDbBlocker


@pytest.fixture(scope="module")
def demo_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Build the demo world once; it is rolled back afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        with owning():
            demo.build("tiny", replace=True)
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def world(demo_world: None, db: None) -> None:
    """Start from the demo world."""


@pytest.fixture(scope="module")
def contracts(demo_world: None) -> Mapping[str, Contract]:
    """Return the document of every demo user, as served."""
    return {logon: Contract(login(logon).entry("/openapi.json")) for logon in LOGONS}
