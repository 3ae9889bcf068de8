"""``manage.py prove_no_leak``: try to tell two worlds apart that differ only in what a user may not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from crm.management.owner import for_the_owner
from crm.proof import NotStill, UnknownUser, prove
from crm.proof.told import told

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Parse, prove, report; ``crm.proof`` knows how."""

    help = (
        "Send the same requests as a user to this database and to others that differ only in what the user may not"
        " see, and compare every byte. Everything happens in one transaction that is rolled back: nothing is stored."
        " Writers of the changed rows wait until it ends; a copy of the database is the better place."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --user, --requests and --seed."""
        parser.add_argument("--user", required=True, help="the log-on name")
        parser.add_argument("--requests", type=int, default=2_000, help="how many requests; 20000 is thorough")
        parser.add_argument("--seed", type=int, default=1, help="other seeds, other requests and worlds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prove and report. Raises CommandError where something leaks, and where nothing could be proved."""
        for_the_owner()
        logon, count = options["user"], options["requests"]
        if count < 1:
            raise CommandError("--requests is a number from 1 on.")
        try:
            with tqdm(total=2 * count, unit=" requests", disable=None, file=self.stderr) as bar:
                outcome = prove(logon, count, options["seed"], bar.update)
        except UnknownUser as error:
            raise CommandError(f"{logon} is no user who may use the API; nothing was proved.") from error
        except NotStill as error:
            raise CommandError(f"{error} Nothing was proved.") from error
        except KeyboardInterrupt as stop:
            raise CommandError("Interrupted; nothing was stored.", returncode=130) from stop
        if outcome.leak:
            again = f"Again: manage.py prove_no_leak --user {logon} --requests {count} --seed {options['seed']}"
            raise CommandError(f"{told(logon, outcome)}\n{again}")
        self.stdout.write(told(logon, outcome))
