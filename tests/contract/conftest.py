"""The demo world of tests/api for the tests of the acceptance checklist, whose every answer is judged (number 24)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api import wire
from tests.api.conftest import (
    admin,
    demo_connection,
    demo_database,
    nobody,
    nora,
    olivia,
    peter,
    susan,
    world,
)
from tests.contract.judge import Judge

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "admin",
    "demo_connection",
    "demo_database",
    "nobody",
    "nora",
    "olivia",
    "peter",
    "susan",
    "world",
]


@pytest.fixture(scope="session")
def the_judge() -> Judge:
    """Keep the documents of the whole session."""
    return Judge()


@pytest.fixture(autouse=True)
def judged(world: None, the_judge: Judge) -> Iterator[Judge]:
    """Hold every answer that a test gets against the document of its caller, as it is at that moment."""
    watchers = wire.WATCHERS  # a test may put another list in its place
    watchers.append(the_judge)
    try:
        yield the_judge
    finally:
        watchers.remove(the_judge)


@pytest.fixture
def unjudged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let answers go unjudged, for tests that plant what no write would store."""
    monkeypatch.setattr(wire, "WATCHERS", [])
