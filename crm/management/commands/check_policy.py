"""``manage.py check_policy``: whether the stored policy holds its invariants; for after changes by SQL."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from security.invariants import breaches


class Command(BaseCommand):
    """Name what does not hold."""

    help = "Check the invariants of the policy; fail and name a counterexample for each that does not hold."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the breaches. Raises CommandError where there are any."""
        broken = breaches()
        for breach in broken:
            self.stdout.write(str(breach))
        if broken:
            raise CommandError(f"{len(broken)} invariants do not hold.")
        self.stdout.write("All invariants hold.")
