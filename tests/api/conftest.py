"""The demo world in a database of its own, copied from the test database once per session.

Tests roll their changes back; those that serve other threads work on a throw-away copy.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from crm import demo
from security import plan
from tests.api.wire import Wire, login
from tests.owner import as_owner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

_built: list[str] = []


@contextmanager
def copied(source: str, name: str) -> Iterator[None]:
    """Make the database ``name`` a copy of ``source`` and drop it at the end; nothing may be connected to them."""
    with as_owner(), connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
    try:
        yield
    finally:
        with as_owner(), connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """Let the default connection lead to the database ``name``."""
    before = str(connection.settings_dict["NAME"])
    _connect(name)
    try:
        yield
    finally:
        _connect(before)


def _connect(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
    # Plans belong to the database that they were compiled from.
    plan._policies.clear()


@pytest.fixture(scope="session")
def demo_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Build the demo world; return the name of its database. A conftest that lends this fixture shares the world."""
    source = str(connection.settings_dict["NAME"])
    name = f"{source}_demo"
    if name in _built:
        yield name
        return
    with django_db_blocker.unblock():
        connection.close()
        _built.append(name)
        with copied(source, name):
            with connected_to(name), as_owner():
                demo.build("tiny")
            yield name


@pytest.fixture(scope="module")
def demo_connection(demo_database: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Work on the demo world."""
    with django_db_blocker.unblock(), connected_to(demo_database):
        yield


@pytest.fixture(autouse=True)
def world(demo_connection: None, db: None) -> None:
    """Start from the demo world; what a test changes, rights included, is rolled back."""


@pytest.fixture
def admin() -> Wire:
    """A client of the administrator."""
    return login("admin")


@pytest.fixture
def susan() -> Wire:
    """A client of a sales person of the UK."""
    return login("susan")


@pytest.fixture
def olivia() -> Wire:
    """A client of a partner: few rows, hidden fields."""
    return login("olivia")


@pytest.fixture
def peter() -> Wire:
    """A client of a support engineer: companies without revenue, no opportunities."""
    return login("peter")


@pytest.fixture
def nora() -> Wire:
    """A client of somebody without any profile."""
    return login("nora")


@pytest.fixture
def nobody() -> Wire:
    """A client without credentials."""
    return Wire()
