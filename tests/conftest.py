"""What all tests share: the order in which they run, log-ins that are not forgotten on the way, and what they cost.

With ROW_SECURITY=on everything runs under the second lock, as the application's role (make test-locked).
"""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import connection
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from crm.settings import planned_once
from security import credentials, row_policies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that commit last: they leave an empty database, in which fixtures of modules cannot build.

    The oracle's come first: no others take as long, and a worker that met them last would go on alone for minutes.
    """
    items.sort(key=lambda item: (_commits(item), "oracle" not in item.path.parts))
    for item in filter(_commits, items if settings.ROW_SECURITY else ()):
        item.add_marker(pytest.mark.skip(reason="it ends by emptying tables, which the application's role may not"))


def pytest_collection_finish() -> None:
    """Look for garbage seldom, and never among what stays to the end: that took an eighth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture(scope="session", autouse=True)
def listed_once() -> Iterator[None]:
    """List the static files once: every test client has middleware of its own, which looks through them all."""
    known: dict[str, Any] = {}
    listing = WhiteNoiseMiddleware.add_files_from_finders

    def listed(middleware: Any) -> None:
        if not known:
            listing(middleware)
            known.update(middleware.files)
        middleware.files.update(known)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", listed)
        yield


@pytest.fixture(scope="session", autouse=True)
def remembered() -> None:
    """Keep verified passwords for longer than a run: one forgotten between two requests would cost a statement more."""
    credentials.REMEMBER_SECONDS = 24 * 3600


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Plan statements once, as served; lock the test database and take the application's role under the second lock."""
    _plan_once()
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


def _plan_once() -> None:
    connection.settings_dict["OPTIONS"] = planned_once(connection.settings_dict["OPTIONS"])
    connection.close()


def _commits(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    return mark is not None and bool(mark.kwargs.get("transaction"))
