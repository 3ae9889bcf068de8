"""Explain = enforce (security.md §8.5): over random worlds what is explained is what the oracle and the gate say.

And every change that is proposed turns the denial round once it is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from entities.models import User as Account
from entities.registry import registry
from security import explain, explain_fields, flips, gate
from security.changes import apply
from security.plan import access_for
from tests.oracle.catalogue import catalogue
from tests.oracle.checks import KINDS, expect
from tests.oracle.oracle import Oracle
from tests.oracle.runs import DEEP, over_worlds

if TYPE_CHECKING:
    from collections.abc import Callable

    from security.access import Access
    from security.flips import Flip
    from tests.oracle.worlds import Action, Row, User, World

IN_A_BATCH = 20
BATCHES = 40 if DEEP else 2
ASKED: tuple[Action, ...] = ("view", "edit", "delete")
# Deleting these depends on more than the right: on use, or on all owners (entities.md §2).
BY_MORE_RULES = ("NewProduct", "Address", "Users", "Quotes")

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("batch", range(BATCHES))
def test_what_is_explained_is_what_is_enforced(batch: int) -> None:
    over_worlds(2_000 + batch, IN_A_BATCH, explained)


def explained(world: World) -> None:
    """Explain rows and fields of two kinds per user to somebody who sees everything."""
    oracle = Oracle(world)
    reader = Account.objects.create_superuser("explainer")
    turn = len(world.rows) + len(world.rights)
    for index, user in enumerate(world.users):
        kind = KINDS[(turn + 5 * index) % len(KINDS)]
        for number, row in enumerate(world.of(kind)[:4]):
            rows(oracle, user, row, access_for(reader.pk), ASKED[(turn + number) % 3])
        fields(oracle, user, kind, access_for(reader.pk), turn + index)


def rows(oracle: Oracle, user: User, row: Row, reader: Access, action: Action) -> None:
    """One verdict about one row, and what would turn it round."""
    entity = registry()[row.kind]
    if not gate.allows(reader, entity, "view", row.key):
        return  # deleted, or no row of the view: nobody is told anything

    def ask() -> explain.Verdict:
        return explain.row(explain.subject_of(user.key, reader), entity, row.key, action)

    told = ask()
    offered = action == "view" or not catalogue()[row.kind].read_only
    may = not user.disabled and offered and oracle.may(user, action, row)
    if action == "delete" and row.kind in BY_MORE_RULES:
        expect(f"{user.key} may {action} {row} at most as the oracle says", told.allowed and not may, False)
        return
    expect(f"{user.key} may {action} {row}", told.allowed, may)
    expect(f"one rule decides about {row}", sum(reason.deciding for reason in told.reasons), 1)
    if not told.allowed:
        proposed = flips.of_row(explain.subject_of(user.key, reader), entity, row.key, action)
        turned(proposed, lambda: ask().allowed, f"{user.key} {action} {row}")


def turned(proposed: list[Flip], allowed: Callable[[], bool], what: str) -> None:
    """Make each of the proposed changes, ask again, and take it back."""
    for flip in proposed:
        with transaction.atomic():
            apply(flip.changes)
            expect(f"{what} after {flip}", allowed(), True)
            transaction.set_rollback(True)


def fields(oracle: Oracle, user: User, kind: str, reader: Access, turn: int) -> None:
    """Verdicts about the fields of a kind, and what would turn some denials round."""
    entity, shape = registry()[kind], {wire: writable for wire, writable, _ in oracle.shape(user, kind)}
    subject = explain.subject_of(user.key, reader)
    for number, field in enumerate(reader.shape(entity).readable):
        read = explain_fields.field(subject, entity, field, "read")
        write = explain_fields.field(subject, entity, field, "write")
        expect(f"{user.key} reads {field.wire}", read.allowed, field.wire in shape)
        expect(f"{user.key} writes {field.wire}", write.allowed, shape.get(field.wire, False))
        for verdict in (read, write):
            expect(f"one rule decides about {field.wire}", sum(r.deciding for r in verdict.reasons), 1)
        question: explain_fields.Question = "read" if not read.allowed else "write"
        if write.allowed or (number + turn) % 7:
            continue
        proposed = flips.of_field(subject, entity, field, question)

        def allowed(field: object = field, question: explain_fields.Question = question) -> bool:
            again = explain.subject_of(user.key, reader)
            return explain_fields.field(again, entity, field, question).allowed  # type: ignore[arg-type]

        turned(proposed, allowed, f"{user.key} {question} {field.wire}")
