"""Commands of the owner of the tables, whom the second lock does not bind."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import CommandError


def for_the_owner() -> None:
    """Refuse to work as the locked application, which sees no more than one user does. Raises CommandError."""
    if settings.ROW_SECURITY:
        raise CommandError("This is for the owner of the tables, who is not locked: unset ROW_SECURITY here.")
