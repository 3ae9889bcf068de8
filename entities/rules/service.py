"""Rules of cases (entities.md §3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entities.rules import numbering
from entities.rules.assignment import check_assignment
from entities.rules.consistency import check_dealing_dates, check_person, complete_closing, complete_dealing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entities.models import Case
    from entities.rules.circumstances import Circumstances, RuleViolation


def complete_case(case: Case, c: Circumstances) -> None:
    """Fill company, assignment, opening, closing and reference of a new case."""
    complete_dealing(case, c)
    complete_closing(case, c)
    case.opened_by_id = c.actor.pk
    if not case.reference_id:
        case.reference_id = numbering.case_reference(c.actor.pk, c.number(numbering.CASES))


def check_case(case: Case, c: Circumstances) -> Iterator[RuleViolation]:
    """Person and company agree, the assigned user can work, no end lies before the opening."""
    yield from check_assignment(case, c)
    yield from check_person(case, c)
    yield from check_dealing_dates(case, c)
