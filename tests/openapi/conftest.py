"""The demo world of tests/api, as it is at the end of a module again; tests do not see each other's changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from tests.api.conftest import demo_connection, demo_database
from tests.api.wire import LOGONS, login
from tests.openapi.validate import Contract

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["demo_connection", "demo_database"]


@pytest.fixture(scope="module")
def demo_world(demo_connection: None) -> Iterator[None]:
    """Let what the fixtures of a module store be rolled back at its end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def world(demo_world: None, db: None) -> None:
    """Start from the demo world."""


@pytest.fixture(scope="module")
def contracts(demo_world: None) -> Mapping[str, Contract]:
    """Return the document of every demo user, as served."""
    return {logon: Contract(login(logon).entry("/openapi.json")) for logon in LOGONS}
