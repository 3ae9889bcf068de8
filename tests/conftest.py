"""What all tests share: the order in which they run, and log-ins that are not forgotten on the way.

With ROW_SECURITY=on everything runs under the second lock, as the application's role (make test-locked).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import connection

from security import credentials, row_policies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that commit last: they leave an empty database, in which fixtures of modules cannot build."""
    items.sort(key=_commits)
    for item in filter(_commits, items if settings.ROW_SECURITY else ()):
        item.add_marker(pytest.mark.skip(reason="it ends by emptying tables, which the application's role may not"))


@pytest.fixture(scope="session", autouse=True)
def remembered() -> None:
    """Keep verified passwords for longer than a run: one forgotten between two requests would cost a statement more."""
    credentials.REMEMBER_SECONDS = 24 * 3600


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Lock the test database and take the application's role, where the second lock is on."""
    if not settings.ROW_SECURITY:
        yield
        return
    with django_db_blocker.unblock():
        role = row_policies.put_in_place()
        connection.close()
    os.environ["DATABASE_ROLE"] = role  # for the servers that tests start
    options = connection.settings_dict["OPTIONS"]
    connection.settings_dict["OPTIONS"] = options | {"options": f"{options['options']} -c role={role}"}
    yield
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict["OPTIONS"] = options  # of the owner, who may drop the database


def _commits(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    return mark is not None and bool(mark.kwargs.get("transaction"))
