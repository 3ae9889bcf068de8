"""Writes at the same time: no sum is lost, nobody waits for each other in a circle, one default, one primary."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier, Event
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction

from entities.models import AddressLink, Company, Opportunity, Person, PriceList, Quote, QuoteLine, Territory
from entities.rules import RuleViolation
from security.gate import system_rows
from tests.rules.world import World, address, alive, build, case, create, delete, link, saved, stored, update

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def together(*writes: Callable[[], Any]) -> list[Any]:
    """Run each write in a thread and a transaction of its own, all at once; return what they return."""
    start = Barrier(len(writes))

    def run(write: Callable[[], Any]) -> Any:
        try:
            start.wait()
            with transaction.atomic():
                return write()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(writes)) as threads:
        return list(threads.map(run, writes))


def text(world: World, quote: Quote) -> QuoteLine:
    return world.text(quote, "1", "1.25")


def test_lines_written_at_once_are_all_counted() -> None:
    world = build()
    quotes = [world.quote(), world.quote()]
    for _ in range(3):
        together(*(lambda quote=quote: text(world, quote) for quote in quotes * 4))
    lines = list(system_rows(QuoteLine).filter(quote=quotes[0]))
    together(
        lambda: delete(world.actor, lines[0]),
        lambda: update(world.actor, lines[1], quantity=Decimal(4)),
        lambda: text(world, quotes[0]),
        lambda: delete(world.actor, lines[2]),
        lambda: update(world.actor, quotes[1], discount_pc=Decimal(50)),
        lambda: text(world, quotes[1]),
    )
    assert stored(quotes[0]).nett_amt == Decimal("1.25") * (12 - 2 + 1 + 3)
    assert stored(quotes[1]).nett_amt == Decimal("1.25") * 13
    total = sum(stored(quote).gross_amt or 0 for quote in quotes)
    assert stored(world.opportunity).total == total
    numbers = [line.line_number for line in system_rows(QuoteLine).filter(quote=quotes[0])]
    assert len({*numbers}) == len(numbers)


def test_quotes_created_at_once_all_count_and_have_their_own_numbers() -> None:
    world = build()
    quotes = together(*(world.quote for _ in range(8)))
    assert len({quote.reference for quote in quotes}) == 8
    together(*(lambda quote=quote: text(world, quote) for quote in quotes))
    assert stored(world.opportunity).total == Decimal(10)


def test_an_opportunity_deleted_while_lines_are_written_takes_them_along() -> None:
    world = build()
    quote = world.quote()
    existing = text(world, quote)

    def write() -> None:
        try:
            update(world.actor, existing, quantity=Decimal(2))
        except (Quote.DoesNotExist, QuoteLine.DoesNotExist):
            return

    def remove() -> None:
        system_rows(Opportunity).select_for_update(no_key=True).get(pk=world.opportunity.pk)
        delete(world.actor, world.opportunity)

    together(write, remove, write)
    assert not alive(quote)
    assert not alive(existing)


def test_cases_created_at_once_have_their_own_numbers() -> None:
    world = build()
    cases = together(*(lambda: create(world.actor, case(world)) for _ in range(8)))
    assert len({one.reference_id for one in cases}) == 8


def test_of_people_created_at_once_one_is_primary() -> None:
    world = build()
    people = together(*(lambda: create(world.actor, Person(last_name="New", company=world.company)) for _ in range(6)))
    assert stored(world.company).primary_person_id in {person.pk for person in people}


def test_of_defaults_set_at_once_one_stays() -> None:
    world = build()
    lists = [saved(PriceList(name=f"List {number}")) for number in range(4)]
    together(*(lambda one=one: update(world.actor, one, default_value=True) for one in lists))
    assert system_rows(PriceList).filter(default_value=True).count() == 1


def test_a_shared_address_goes_with_the_last_of_two_deletions_at_once() -> None:
    world = build()
    place = address(world.company)
    link(place, world.person)

    def only(model: type[Any]) -> dict[str, Any]:
        return {"visible": lambda seen, key: seen is model}

    gone = together(
        lambda: delete(world.actor, place, **only(Company)),
        lambda: delete(world.actor, place, **only(Person)),
    )
    assert sorted(gone) == [False, True]
    assert not alive(place)


def test_an_address_that_is_being_linked_stays() -> None:
    world = build()
    place = address(world.company)
    linked = Event()

    def link_it() -> None:
        create(world.actor, AddressLink(address=place, person=world.person))
        linked.set()
        sleep(0.5)

    def delete_it() -> bool:
        linked.wait()
        return delete(world.actor, place, visible=lambda seen, key: seen is Company)

    assert together(link_it, delete_it) == [None, False]
    assert alive(place)


def test_an_address_that_is_being_deleted_is_not_linked() -> None:
    world = build()
    place = address(world.company)
    deleted = Event()

    def delete_it() -> None:
        assert delete(world.actor, place)
        deleted.set()
        sleep(0.5)

    def link_it() -> str:
        deleted.wait()
        try:
            create(world.actor, AddressLink(address=place, person=world.person))
        except RuleViolation as violation:
            return violation.code
        return ""

    assert together(delete_it, link_it) == [None, "BadReference"]


def test_territories_moved_at_once_leave_one_sound_tree() -> None:
    world = build()
    branches = [create(world.actor, Territory(caption=f"T{n}", parent=world.root)) for n in range(4)]

    def below(upper: Territory, lower: Territory) -> Any:
        try:
            return update(world.actor, lower, parent_id=upper.pk)
        except Exception as problem:
            return problem

    together(
        lambda: below(branches[0], branches[1]),
        lambda: below(branches[1], branches[0]),
        lambda: below(branches[2], branches[3]),
    )
    tree = {one.pk: one for one in system_rows(Territory)}
    for one in tree.values():
        assert one.number_end - one.number + 1 == sum(
            one.number <= other.number <= one.number_end for other in tree.values()
        )
        if one.parent_id is not None:
            above = tree[one.parent_id]
            assert above.number < one.number <= one.number_end <= above.number_end
            assert one.depth == above.depth + 1
