"""Companies, people and how to reach them; and that the people of deals and cases belong to their companies."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from entities.models import Address, AddressLink, Case, Company, Email, Opportunity, Person, Phone
from entities.rules import RuleViolation
from tests.rules.world import LATER, NOW, World, address, create, link, saved, stored, update

Dealing = type[Case | Opportunity]
DEALINGS: list[Dealing] = [Case, Opportunity]


def refusal(call: Any, *arguments: Any, **named: Any) -> RuleViolation:
    with pytest.raises(RuleViolation) as caught:
        call(*arguments, **named)
    return caught.value


def test_the_first_person_becomes_primary(world: World) -> None:
    first = create(world.actor, Person(last_name="First", company=world.company))
    second = create(world.actor, Person(last_name="Second", company=world.company))
    company = stored(world.company)
    assert company.primary_person_id == first.pk != second.pk
    assert (company.updated_at, company.updated_by_id) == (LATER, world.actor.pk)


def test_a_caller_who_may_not_edit_the_owner_makes_nobody_primary(world: World) -> None:
    asked: list[Any] = []

    def editable(model: Any, key: int) -> bool:
        asked.append((model, key))
        return model is Address

    person = create(world.actor, Person(last_name="First", company=world.company), editable=editable)
    place = address()
    create(world.actor, AddressLink(address=place, person=person), editable=editable)
    create(world.actor, AddressLink(address=place, company=world.company), editable=editable)
    assert stored(world.company).primary_person_id is None
    assert (stored(world.company).primary_address_id, stored(person).primary_address_id) == (None, None)
    owners = [asking for asking in asked if asking[0] is not Address]
    assert owners == [(Company, world.company.pk), (Person, person.pk), (Company, world.company.pk)]


def test_the_first_address_becomes_primary(world: World) -> None:
    first, second = address(), address(city="Cork")
    for owner in ({"company": world.company}, {"person": world.person, "company": world.company}):
        create(world.actor, AddressLink(address=first, **owner))
        create(world.actor, AddressLink(address=second, **owner))
    assert stored(world.company).primary_address_id == first.pk
    assert stored(world.person).primary_address_id == first.pk


def test_the_primary_person_belongs_to_the_company(world: World) -> None:
    stranger = saved(Person(last_name="Stranger"))
    violation = refusal(update, world.actor, world.company, primary_person_id=stranger.pk)
    assert (violation.field, violation.code) == ("primary_person", "BusinessRule")
    violation = refusal(create, world.actor, Company(name="New", primary_person=world.person))
    assert violation.field == "primary_person"
    assert update(world.actor, world.company, primary_person_id=world.person.pk).primary_person_id


def test_the_primary_address_is_linked_to_its_owner(world: World) -> None:
    place = address(world.company)
    assert refusal(update, world.actor, world.person, primary_address_id=place.pk).field == "primary_address"
    assert refusal(create, world.actor, Company(name="New", primary_address=place)).field == "primary_address"
    link(place, world.person)
    assert update(world.actor, world.person, primary_address_id=place.pk).primary_address_id == place.pk
    assert update(world.actor, world.company, primary_address_id=place.pk).primary_address_id == place.pk


def test_a_person_who_moves_is_no_longer_primary(world: World) -> None:
    update(world.actor, world.company, primary_person_id=world.person.pk)
    other = saved(Company(name="Other"))
    deal = stored(world.opportunity)
    update(world.actor, world.person, company_id=other.pk)
    assert stored(world.company).primary_person_id is None
    assert stored(other).primary_person_id == world.person.pk
    assert stored(world.opportunity).primary_company_id == deal.primary_company_id == world.company.pk
    update(world.actor, world.person, company_id=None)
    assert stored(other).primary_person_id is None


def test_an_address_has_some_part(world: World) -> None:
    for empty in (Address(), Address(state="Leinster", country="IE")):
        assert refusal(create, world.actor, empty).code == "BusinessRule"
    for part in ("address1", "address2", "address3", "address4", "city", "post_code"):
        assert create(world.actor, Address(**{part: "x"})).pk
    assert refusal(update, world.actor, address(), city="").field == "address1"


def test_a_link_has_an_owner_and_is_made_once_per_type(world: World) -> None:
    place = address()
    assert refusal(create, world.actor, AddressLink(address=place)).code == "BusinessRule"
    create(world.actor, AddressLink(address=place, company=world.company, type="Billing"))
    shipping = create(world.actor, AddressLink(address=place, company=world.company, type="Shipping"))
    create(world.actor, AddressLink(address=place, person=world.person, type="Billing"))
    gone = address()
    gone.deleted_at = LATER
    gone.save()
    link_to_gone = AddressLink(address=gone, company=world.company)
    assert refusal(create, world.actor, link_to_gone).code == "BadReference"
    again = AddressLink(address=place, company=world.company, type="Billing")
    assert refusal(create, world.actor, again).field == "type"
    assert refusal(update, world.actor, shipping, type="Billing").field == "type"
    with_company = AddressLink(address=place, company=world.company, person=world.person, type="Billing")
    assert refusal(create, world.actor, with_company).field == "type"


def test_seeing_an_address_is_not_enough_to_link_it(world: World) -> None:
    link = AddressLink(address=address(), company=world.company)
    violation = refusal(create, world.actor, link, editable=lambda model, key: model is Company)
    assert violation.code == "NotPermitted"


@pytest.mark.parametrize("model", [Phone, Email])
def test_a_phone_or_email_belongs_to_a_company_or_person(world: World, model: type[Phone | Email]) -> None:
    value = {"number": "12345"} if model is Phone else {"email_address": "a@example.com"}
    for owner in (world.company, world.person):
        made = create(world.actor, model(owner_table=owner.entity.table_id, owner_id=owner.pk, **value))
        assert made.type == "Business"
    for table, key in ((5, 10**9), (102, world.opportunity.pk), (77, 1)):
        violation = refusal(create, world.actor, model(owner_table=table, owner_id=key, **value))
        assert (violation.code, violation.field) == ("BadReference", "owner_id")


@pytest.mark.parametrize("model", DEALINGS)
def test_a_person_of_another_company_is_refused(world: World, model: Dealing) -> None:
    other = saved(Company(name="Other"))
    made = model(description="New", primary_company=other, primary_person=world.person)
    violation = refusal(create, world.actor, made)
    assert (violation.field, violation.code) == ("primary_person", "BusinessRule")
    assert "Eurolandia" not in violation.message
    record = create(world.actor, model(description="New", primary_company=other))
    assert refusal(update, world.actor, record, primary_person_id=world.person.pk).field == "primary_person"
    same = create(world.actor, model(description="New", primary_person=world.person, primary_company=world.company))
    assert refusal(update, world.actor, same, primary_company_id=other.pk).field == "primary_person"


@pytest.mark.parametrize("model", DEALINGS)
def test_the_company_of_the_person_is_set_where_none_is_sent(world: World, model: Dealing) -> None:
    record = create(world.actor, model(description="New", primary_person=world.person))
    assert stored(record).primary_company_id == world.company.pk
    empty = create(world.actor, model(description="New"))
    assert update(world.actor, empty, primary_person_id=world.person.pk).primary_company_id == world.company.pk
    assert update(world.actor, record, primary_company_id=None).primary_company_id is None


@pytest.mark.parametrize("model", DEALINGS)
def test_a_company_that_the_caller_cannot_see_is_neither_set_nor_compared(world: World, model: Dealing) -> None:
    other = saved(Company(name="Other"))

    def visible(seen: Any, key: int) -> bool:
        return (seen, key) != (Company, world.company.pk)

    alone = create(world.actor, model(description="New", primary_person=world.person), visible=visible)
    assert stored(alone).primary_company_id is None
    made = model(description="New", primary_company=other, primary_person=world.person)
    assert create(world.actor, made, visible=visible).primary_company_id == other.pk


@pytest.mark.parametrize("model", DEALINGS)
def test_a_person_without_company_goes_with_any(world: World, model: Dealing) -> None:
    person = saved(Person(last_name="Free"))
    record = create(world.actor, model(description="New", primary_company=world.company, primary_person=person))
    assert record.primary_company_id == world.company.pk


@pytest.mark.parametrize("model", DEALINGS)
def test_no_end_lies_before_the_opening(world: World, model: Dealing) -> None:
    record = create(world.actor, model(description="New"))
    assert record.opened == LATER
    violation = refusal(update, world.actor, record, target_close=NOW - timedelta(days=1))
    assert (violation.field, violation.code) == ("target_close", "BusinessRule")
    late = model(description="New", opened=NOW, target_close=NOW - timedelta(seconds=1))
    assert refusal(create, world.actor, late).field == "target_close"
    record = update(world.actor, record, target_close=LATER + timedelta(days=1))
    assert refusal(update, world.actor, record, opened=LATER + timedelta(days=2)).field == "target_close"


def test_a_stored_disorder_does_not_hinder_other_changes(world: World) -> None:
    case = saved(Case(description="Old", opened=LATER, target_close=NOW, territory=world.uk))
    assert update(world.actor, case, description="Renamed").description == "Renamed"


@pytest.mark.parametrize(
    ("stage", "certainty"),
    [
        ("Lead", 10),
        ("Qualified", 25),
        ("Quoted", 50),
        ("Negotiating", 75),
        ("Sale Agreed", 90),
        ("Sale Closed", 100),
        ("Deal Lost", 0),
        ("Invented by staff", None),
    ],
)
def test_the_stage_gives_the_first_certainty(world: World, stage: str, certainty: int | None) -> None:
    assert create(world.actor, Opportunity(description="New", stage=stage)).certainty == certainty
    assert create(world.actor, Opportunity(description="New", stage=stage, certainty=33)).certainty == 33


def test_a_new_opportunity_counts_nothing_in_the_base_currency(world: World) -> None:
    deal = stored(create(world.actor, Opportunity(description="New")))
    assert (deal.total_quotes, deal.total_orders, deal.total, deal.no_disc_amt_sum) == (Decimal(0),) * 4
    assert (deal.forecast_currency_id, deal.currency_id) == (world.eur.pk, None)
    sent = create(world.actor, Opportunity(description="New", forecast=Decimal(5), forecast_currency=world.yen))
    assert sent.forecast_currency_id == world.yen.pk
