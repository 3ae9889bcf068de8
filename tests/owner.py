"""The two roles of the test database under the second lock: its owner, and the application's, which owns nothing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection, transaction

from security import row_policies, row_security

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def as_owner() -> Iterator[None]:
    """Connect as the owner where tests run under the second lock: it makes databases, fills and empties them."""
    options = connection.settings_dict["OPTIONS"]
    if not settings.ROW_SECURITY:
        yield
        return
    connection.close()
    connection.settings_dict["OPTIONS"] = {name: value for name, value in options.items() if name != "options"}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["OPTIONS"] = options


@contextmanager
def owning() -> Iterator[None]:
    """Be the owner on the connection as it is, inside a transaction or not, where tests run under the second lock."""
    if not settings.ROW_SECURITY:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (role,) = cursor.fetchone()
        cursor.execute("SET ROLE NONE; SET search_path = public")
        yield
        cursor.execute(f"SET search_path = unfiltered, public; SET ROLE {role}")


@contextmanager
def as_application() -> Iterator[str]:
    """Lock the tables and be the application until the block ends; yield its role. Everything is taken back."""
    attached = list(connection.execute_wrappers)
    before = settings.ROW_SECURITY
    with transaction.atomic():
        role = row_policies.put_in_place()
        settings.ROW_SECURITY = True
        row_security.attach(connection)
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL search_path = unfiltered, public; SET LOCAL ROLE {role}")
            yield role
        finally:
            transaction.set_rollback(True)
            settings.ROW_SECURITY = before
            connection.execute_wrappers[:] = attached
