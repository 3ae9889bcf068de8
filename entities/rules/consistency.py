"""Rules of several kinds alike (entities.md §6.11): person and company, dates, one default."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

from entities.models import Case, Company, Opportunity, Person, PriceList, Record, Unit
from entities.registry import registry
from entities.rules.assignment import assignee, complete_assignment
from entities.rules.circumstances import RuleViolation
from entities.rules.writing import change_all
from entities.workflow import effect, workflow_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from entities.rules.circumstances import Circumstances

Dealing = Opportunity | Case
Choosable = PriceList | Unit


def near_dealing(record: Dealing, c: Circumstances) -> Iterator[tuple[type[Record], int | None]]:
    """Yield what the rules of a new opportunity or case look up: whom it is assigned to, company and person."""
    yield from assignee(record, c)
    yield Person, record.primary_person_id
    yield Company, record.primary_company_id
    yield from company_of_person(record, c)


def company_of_person(record: Dealing, c: Circumstances) -> Iterator[tuple[type[Record], int | None]]:
    """Yield the company of the person, which rules may not tell whoever does not see it."""
    person = c.foreseen(Person, record.primary_person_id)
    yield Company, person.company_id if person else None


def complete_dealing(record: Dealing, c: Circumstances) -> None:
    """Fill company, assignment and opening time of a new opportunity or case."""
    _adopt_company(record, c)
    neighbours: tuple[Company | Person | None, ...] = ()
    if record.territory_id is None:
        neighbours = (c.find(Company, record.primary_company_id), c.find(Person, record.primary_person_id))
    complete_assignment(record, c, territories=[found.territory_id for found in neighbours if found])
    if record.opened is None and "opened" not in c.given:
        record.opened = c.now


def complete_closing(record: Dealing, c: Circumstances) -> None:
    """Fill the closing dates of a record that is created in a closed state, as an import does."""
    entity = registry().by_model[type(record)]
    flow = workflow_of(entity)
    if flow is not None and record.status in flow.closed:
        for name, told in flow.closing.items():
            field = entity.by_name[name]
            setattr(record, field.column, effect(told, field, c.actor.pk, c.now))


def check_dealing_dates(record: Dealing, c: Circumstances) -> Iterator[RuleViolation]:
    """Yield each end that lies before the opening; closing now is never too early."""
    ends = ("target_close", "closed") if c.changed(record, "opened") else ("target_close",)
    yield from check_dates(record, c, "opened", *ends)


def check_person(record: Dealing, c: Circumstances) -> Iterator[RuleViolation]:
    """Yield that the person belongs to another company; nothing if the caller cannot see or read that one."""
    if not c.changed(record, "primary_person_id", "primary_company_id"):
        return
    if c.changed(record, "primary_person_id"):
        _adopt_company(record, c)
    if record.primary_company_id is None:
        return
    company = _company_of_person(record, c)
    if company is not None and company != record.primary_company_id:
        yield RuleViolation("The person belongs to another company.", "primary_person")


def check_dates(record: Record, c: Circumstances, start: str, *ends: str) -> Iterator[RuleViolation]:
    """Yield each of ``ends`` that lies before ``start``. A midnight stands for its whole day.

    Dates that the caller cannot read are not compared: refusals would tell them to whoever tries one after another.
    """
    begin = getattr(record, start)
    for name in (name for name in ends if c.readable(type(record), start) and c.readable(type(record), name)):
        end = getattr(record, name)
        if end is not None and begin is not None and c.changed(record, start, name):
            same_day = end.time() == time() and end.date() == begin.date()
            if end < begin and not same_day:
                yield RuleViolation("An end date cannot lie before its start date.", name)


def differs(record: Record, c: Circumstances) -> bool:
    """Whether the record is new or any of its columns differs from before."""
    fields = registry().by_model[type(record)].fields
    return c.changed(record, *(field.column for field in fields if field.expression is None))


def lock_list(record: Choosable, c: Circumstances) -> None:
    """Lock the list of ``record``: of two new defaults at once the second waits, then sees the first."""
    list(_list(record, c).select_for_update(no_key=True).order_by("pk").values_list("pk"))


def unset_other_defaults(record: Choosable, c: Circumstances) -> None:
    """Let ``record`` be the only default of its list, if it is one."""
    if record.default_value:
        others = _list(record, c).exclude(pk=record.pk)
        change_all(others.filter(default_value=True), c, default_value=False)


def _list(record: Choosable, c: Circumstances) -> QuerySet[Any]:
    if isinstance(record, Unit):
        return c.rows(Unit).filter(family=record.family_id)
    return c.rows(PriceList)


def _adopt_company(record: Dealing, c: Circumstances) -> None:
    # "No company sent -> the person's company is set", as far as the caller sees and reads it.
    if record.primary_company_id is None:
        record.primary_company_id = _company_of_person(record, c)


def _company_of_person(record: Dealing, c: Circumstances) -> int | None:
    if record.primary_person_id is None or not c.readable(Person, "company"):
        return None
    person = c.find(Person, record.primary_person_id)
    company = person.company_id if person else None
    return company if company is not None and c.visible(Company, company) else None
