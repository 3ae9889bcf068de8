"""``manage.py reset_second_factor LOGON``: let somebody in again who lost the device and the backup codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from security import second_factor

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """For the last administrator, whom nobody else can reset."""

    help = "Remove the second factor of a user: afterwards the password alone logs in to the administration."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the logon."""
        parser.add_argument("logon")

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove it. Raises CommandError where there is none."""
        if not second_factor.remove_of(options["logon"]):
            raise CommandError(f"{options['logon']} has no second factor.")
        self.stdout.write("The second factor was removed.")
