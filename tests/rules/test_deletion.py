"""What goes with a deleted record, and what may not go: D1 to D7 of the catalogue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from entities.models import (
    Address,
    AddressLink,
    Case,
    Company,
    Email,
    Person,
    Phone,
    Price,
    Product,
    QuoteLine,
    Team,
    User,
)
from entities.rules import RuleViolation
from security.gate import system_rows
from tests.rules.world import LATER, World, address, alive, create, delete, link, saved, stored, update


def refusal(call: Any, *arguments: Any, **named: Any) -> RuleViolation:
    with pytest.raises(RuleViolation) as caught:
        call(*arguments, **named)
    return caught.value


def phone(owner: Company | Person) -> Phone:
    return saved(Phone(number="1", owner_table=owner.entity.table_id, owner_id=owner.pk))


def email(owner: Company | Person) -> Email:
    return saved(Email(email_address="a@example.com", owner_table=owner.entity.table_id, owner_id=owner.pk))


def test_d1_takes_the_owned_children_and_nothing_else(world: World) -> None:
    own, shared, persons = address(world.company), address(world.company), address(world.person)
    kept_link = link(shared, world.person)
    mine = [phone(world.company), email(world.company), own]
    others = [phone(world.person), email(world.person), shared, persons, world.person, world.opportunity, kept_link]
    written: list[Any] = []
    assert delete(world.actor, world.company, wrote=lambda *told: written.append(told))
    assert [alive(one) for one in (world.company, *mine)] == [False] * 4
    assert [alive(one) for one in others] == [True] * 7
    assert not system_rows(AddressLink).filter(company=world.company.pk).exists()
    assert stored(world.opportunity).primary_company_id == world.company.pk
    gone = Address.objects.get(pk=own.pk)
    assert (gone.deleted_at, gone.deleted_by_id) == (LATER, world.actor.pk)
    told = {(model, key, action) for model, keys, action, _ in written for key in keys}
    assert {(Phone, mine[0].pk, "delete"), (Address, own.pk, "delete")} <= told


def test_d1_empties_primary_references_to_a_person(world: World) -> None:
    update(world.actor, world.company, primary_person_id=world.person.pk)
    another = saved(Person(last_name="Another", company=world.company))
    delete(world.actor, world.person)
    assert stored(world.company).primary_person_id is None
    assert alive(another)
    assert stored(world.opportunity).primary_person_id == world.person.pk


def test_a_shared_address_stays_primary_where_it_stays(world: World) -> None:
    shared = address(world.company)
    link(shared, world.person)
    update(world.actor, world.person, primary_address_id=shared.pk)
    update(world.actor, world.company, primary_address_id=shared.pk)
    delete(world.actor, world.company)
    assert (stored(world.person).primary_address_id, alive(shared)) == (shared.pk, True)
    delete(world.actor, world.person)
    assert not alive(shared)


def test_a_deleted_owner_keeps_its_primary_address_for_its_return(world: World) -> None:
    own = address(world.company)
    update(world.actor, world.company, primary_address_id=own.pk)
    delete(world.actor, world.company)
    gone = Company.objects.get(pk=world.company.pk)
    assert gone.primary_address_id == own.pk


def test_d2_takes_quotes_and_lines(world: World) -> None:
    quote, converted = world.quote(), world.quote()
    lines = [world.text(quote, "1", "1"), world.text(converted, "1", "1")]
    update(world.actor, converted, status="Converted")
    assert delete(world.actor, world.opportunity)
    assert [alive(one) for one in (quote, converted, *lines)] == [False] * 4
    assert alive(world.company)


def test_d3_takes_the_lines_and_recomputes_the_totals(world: World) -> None:
    quote, other = world.quote(), world.quote()
    line = world.text(quote, "1", "10")
    world.text(other, "1", "5")
    assert delete(world.actor, quote)
    assert not alive(line)
    assert stored(world.opportunity).total == 5


def test_d3_keeps_a_converted_quote(world: World) -> None:
    quote = update(world.actor, world.quote(), status="Converted")
    assert refusal(delete, world.actor, quote).code == "InUse"
    assert alive(quote)


def test_d4_recomputes_the_parent(world: World) -> None:
    quote = world.quote()
    line = world.text(quote, "1", "10")
    world.text(quote, "1", "1")
    assert delete(world.actor, line)
    assert (stored(quote).nett_amt, stored(world.opportunity).total) == (Decimal(1), Decimal(1))
    assert system_rows(QuoteLine).filter(quote=quote).count() == 1


def test_d4_of_the_last_link_of_an_owner_empties_its_primary_address(world: World) -> None:
    place = address()
    billing = create(world.actor, AddressLink(address=place, company=world.company, type="Billing"))
    shipping = create(world.actor, AddressLink(address=place, company=world.company, type="Shipping"))
    assert delete(world.actor, billing)
    assert stored(world.company).primary_address_id == place.pk
    assert delete(world.actor, shipping)
    assert stored(world.company).primary_address_id is None
    assert alive(place)


def test_d5_takes_the_address_with_its_last_link(world: World) -> None:
    place = address(world.company)
    link(place, world.person)
    update(world.actor, world.company, primary_address_id=place.pk)
    assert delete(world.actor, place)
    assert not system_rows(AddressLink).filter(address=place.pk).exists()
    assert stored(world.company).primary_address_id is None
    assert delete(world.actor, address())


def test_d5_leaves_an_owner_that_the_caller_cannot_see_unnoticed(world: World) -> None:
    place = address(world.company)
    theirs = link(place, world.person)
    update(world.actor, world.company, primary_address_id=place.pk)
    update(world.actor, world.person, primary_address_id=place.pk)
    asked: list[Any] = []

    def editable(model: Any, key: int) -> bool:
        asked.append(model)
        return model is Company

    seen = {"visible": lambda model, key: model is Company, "editable": editable}
    assert not delete(world.actor, place, **seen)
    assert (alive(place), alive(theirs)) == (True, True)
    assert stored(world.person).primary_address_id == place.pk
    assert stored(world.company).primary_address_id is None
    assert asked == [Company]


def test_d5_needs_edit_on_every_visible_owner(world: World) -> None:
    place = address(world.company)
    link(place, world.person)
    violation = refusal(delete, world.actor, place, editable=lambda model, key: model is Company)
    assert violation.code == "NotPermitted"
    assert system_rows(AddressLink).filter(address=place.pk).count() == 2


def test_d6_keeps_what_is_in_use(world: World) -> None:
    world.item(world.quote(), "1")
    used = [world.product, world.pieces, world.pieces.family, world.price_list, world.eur, world.team]
    used += [world.product.product_family]
    for record in used:
        assert refusal(delete, world.actor, record).code == "InUse"
    unused = saved(Product(code="P2", name="Bolt"))
    assert delete(world.actor, unused)


def test_d6_does_not_count_deleted_records(world: World) -> None:
    case = saved(Case(description="Broken", product=saved(Product(code="P2", name="Bolt"))))
    assert case.product is not None
    assert refusal(delete, world.actor, case.product).code == "InUse"
    delete(world.actor, case)
    assert delete(world.actor, case.product)


def test_d6_keeps_a_team_with_members(world: World) -> None:
    team = saved(Team(description="Support"))
    world.actor.teams.add(team)
    assert refusal(delete, world.actor, team).code == "InUse"
    world.actor.teams.clear()
    assert delete(world.actor, team)


def test_d4_of_a_price_is_free(world: World) -> None:
    assert delete(world.actor, system_rows(Price).get(price=200))


def test_d7_keeps_a_user_with_any_record(world: World) -> None:
    idle = create(world.actor, User(logon="idle", last_name="Idle"))
    idle.updated_by = idle
    idle.save()
    busy = saved(User(logon="busy", last_name="Busy"))
    saved(Phone(number="1", owner_table=5, owner_id=world.company.pk, created_by=busy))
    for user in (world.actor, busy):
        violation = refusal(delete, world.actor, user)
        assert (violation.code, "disable" in violation.message) == ("InUse", True)
    assert delete(world.actor, idle)
