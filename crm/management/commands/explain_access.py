"""``manage.py explain_access``: why somebody may or may not do something to a record or one of its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from api.errors import ApiError
from api.explain import answered, members, read_question
from api.query.errors import QueryError
from crm.management.owner import for_the_owner
from entities.registry import registry
from security.errors import UnknownActor
from security.explain import everything, subject_of
from security.policylog import NotRecorded

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterable

    from security.explain import Reason


class Command(BaseCommand):
    """Print the verdict, every rule that was asked, and for a denial what would turn it round."""

    help = "Say why a user may or may not do something to a record, such as: explain_access olivia Company 43."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a user, a record, and what is asked."""
        parser.add_argument("user", help="log-on name or key")
        parser.add_argument("kind", help="such as Company")
        parser.add_argument("key", type=int)
        parser.add_argument("--action", default="view", help="view, edit, delete, or a business action")
        parser.add_argument("--field", help="such as Comp_Revenue")
        parser.add_argument("--at", help="a time in the past, such as 2026-03-14T09:00:00Z")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it. Raises CommandError for what there is not."""
        for_the_owner()
        entity, reader = registry().find(options["kind"]), everything()
        if entity is None:
            raise CommandError(f"There is no kind {options['kind']}.")
        given = {name: options[name] for name in ("user", "action", "field", "at") if options[name]}
        try:
            question = read_question(reader, entity, given)
            subject = subject_of(question.user, reader, at=question.at)
            answer = answered(subject, entity, options["key"], question)
        except (ApiError, QueryError) as error:
            raise CommandError(_message(error)) from error
        except (NotRecorded, UnknownActor) as error:
            raise CommandError("There was no such user, or policy was not recorded yet.") from error
        verdict = "allowed" if answer.allowed else "denied"
        about = f"{given.get('field', '')} {entity.kind} {options['key']}".strip()
        self.stdout.write(f"{given['action']} {about} for {subject.access.actor.logon}: {verdict}")
        self._reasons(answer.record.reasons, 1)
        if answer.field is not None:
            self.stdout.write("  the field:")
            self._reasons(answer.field.reasons, 2)
        for flip in answer.changes:
            self.stdout.write(f"  would change it: {flip.title}")
            for change in flip.changes:
                self.stdout.write(f"    {members(change)}")

    def _reasons(self, reasons: Iterable[Reason], depth: int) -> None:
        for reason in reasons:
            mark, decides = "+" if reason.matched else "-", "  <- decides" if reason.deciding else ""
            source = f" [{reason.source[0]} {reason.source[1]}]" if reason.source else ""
            self.stdout.write(f"{'  ' * depth}{mark} {reason.rule} {reason.why}{source}{decides}")
            self._reasons(reason.inner, depth + 1)


def _message(error: ApiError | QueryError) -> str:
    return str(error) if isinstance(error, QueryError) else " ".join(one.message for one in error.diagnoses)
