"""``manage.py row_security on|off``: PostgreSQL's row-level security as a second lock (docs/operators.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from crm.management.owner import for_the_owner
from security import row_policies

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Put the second lock on the tables of records, renew it, or take it away."""

    help = "Put row-level security on the tables of records, as their owner; say which role the application takes."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether it is to be on or off."""
        parser.add_argument("wanted", choices=["on", "off"])

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it. Raises CommandError where the database does not let this role do it."""
        for_the_owner()
        try:
            if options["wanted"] == "off":
                row_policies.take_away()
                self.stdout.write("The tables are unlocked: serve with ROW_SECURITY=off.")
            else:
                role = row_policies.put_in_place()
                self.stdout.write(f"The tables are locked: serve with ROW_SECURITY=on, as a member of the role {role}.")
        except DatabaseError as error:
            raise CommandError(f"The database refused: {error}") from error
