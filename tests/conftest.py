"""What all tests share: the order in which they run, and log-ins that are not forgotten on the way."""

from __future__ import annotations

import pytest

from security import credentials


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that commit last: they leave an empty database, in which fixtures of modules cannot build."""
    items.sort(key=_commits)


@pytest.fixture(scope="session", autouse=True)
def remembered() -> None:
    """Keep verified passwords for longer than a run: one forgotten between two requests would cost a statement more."""
    credentials.REMEMBER_SECONDS = 24 * 3600


def _commits(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    return mark is not None and bool(mark.kwargs.get("transaction"))
