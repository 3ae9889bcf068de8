"""``manage.py seed_demo``: fill an empty database with the demo world and say who may log in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from crm import demo
from crm.demo import load
from crm.demo.directory import COLLEAGUES, LOGONS, USERS
from crm.management.owner import for_the_owner

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Parse, build, report; ``crm.demo`` knows what the world is."""

    help = "Fill an empty database with the demo world, the same one every time."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --size and --replace."""
        sizes = ", ".join(f"{name} = {count:,} companies" for name, count in demo.SIZES.items())
        parser.add_argument("--size", choices=list(demo.SIZES), default="small", help=sizes)
        parser.add_argument(
            "--replace",
            action="store_true",
            help="remove every record, user and right there is, then seed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed and report. Raises CommandError where the world could not be built; nothing is changed then."""
        for_the_owner()
        if options["replace"]:
            self.stderr.write("Removing every record, user and right of this database.")
        try:
            world = demo.build(options["size"], replace=options["replace"], progress=True)
        except demo.NotEmpty as error:
            raise CommandError(
                "The database is not empty; nothing was changed."
                " Give --replace to remove all it holds and seed it anew."
            ) from error
        except DatabaseError as error:
            reason = str(error).partition("\n")[0]
            raise CommandError(f"The database could not be seeded; nothing was changed: {reason}") from error
        except KeyboardInterrupt as stop:
            raise CommandError("Interrupted; nothing was changed.", returncode=130) from stop
        load.analyze()
        self._report(world)

    def _report(self, world: demo.World) -> None:
        for kind, count in world.counts.items():
            self.stdout.write(f"  {count:>10,} {kind}")
        self.stdout.write("Log in as")
        for logon in LOGONS:
            user = COLLEAGUES[USERS[logon] - 1]
            role = user.profile or ("superuser" if user.superuser else "no profile")
            self.stdout.write(f"  {logon:<8} demo-{logon:<8} {role}")
        self.stdout.write(f"Bearer token of ian, shown once: {world.token}")
