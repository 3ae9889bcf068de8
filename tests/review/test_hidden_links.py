"""What links and owners are hidden is told by no collection, no owner and no rule; linking needs the owner's edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group
from guardian.shortcuts import assign_perm

from entities.models import Address, AddressLink, Company, Person, User
from security.gate import system_rows
from security.models import Profile, ProfileRight
from tests.api.wire import Wire, at, login

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[..., None]


@pytest.fixture
def company(susan: Wire) -> int:
    """Return a new company with an address, which susan may edit."""
    key: int = susan.post("company", {"Comp_Name": "Linked"}).json["$key"]
    for city in ("Dublin", "Cork"):
        assert susan.post(f"{at('Company', key)}/address", {"Addr_City": city}).status == 201
    return key


@pytest.fixture
def clerk(susan: Wire) -> Wire:
    """Return a client of susan with another profile: she may edit people, and knows nothing of companies."""
    group = Group.objects.create(name="Clerks")
    profile = Profile.objects.create(group=group)
    ProfileRight.objects.create(profile=profile, entity="Person", scope="everywhere", view=True, insert=True, edit=True)
    system_rows(User).get(logon="susan").groups.set([group])
    return login("susan")


@pytest.mark.parametrize("wire", ["AdLi_AddressId", "AdLi_CompanyId"])
def test_no_collection_runs_over_a_hidden_link(susan: Wire, rule: Rule, company: int, wire: str) -> None:
    assert susan.get(f"{at('Company', company)}/address").status == 200
    rule("Address_Link", wire, read=False)
    hidden = susan.get(f"{at('Company', company)}/address")
    unknown = susan.get(f"{at('Company', company)}/nosuchs")
    assert hidden.body == unknown.body.replace(b"nosuchs", b"address")
    assert "AddressCollection" not in susan.entry(at("Company", company))["$links"]


@pytest.mark.parametrize("wire", ["AdLi_AddressId", "AdLi_CompanyId"])
def test_choosing_a_primary_address_does_not_tell_a_hidden_link(
    susan: Wire, rule: Rule, company: int, wire: str
) -> None:
    linked = system_rows(AddressLink).filter(company=company).order_by("-pk")[0].address_id
    other = next(
        key for key in susan.keys("address", count=1000) if key not in susan.keys(f"{at('Company', company)}/address")
    )
    rule("Address_Link", wire, read=False)
    answers = [susan.patch(at("Company", company), {"Comp_PrimaryAddressId": key}) for key in (linked, other)]
    assert [answer.status for answer in answers] == [400, 400]
    assert answers[0].body == answers[1].body


def test_a_hidden_primary_address_is_not_copied_to_a_quote(susan: Wire, rule: Rule, company: int) -> None:
    deal = susan.post("opportunity", {"Oppo_Description": "x", "Oppo_PrimaryCompanyId": company}).json["$key"]
    assert susan.post("quotes", {"Quot_OpportunityId": deal}).json["Quot_ShipAddress"] == "Dublin"
    rule("Company", "Comp_PrimaryAddressId", read=False)
    assert susan.post("quotes", {"Quot_OpportunityId": deal}).json["Quot_ShipAddress"] is None


def test_the_type_of_a_link_that_is_hidden_chooses_no_address_of_a_quote(susan: Wire, rule: Rule, company: int) -> None:
    system_rows(AddressLink).filter(company=company, address__city="Cork").update(type="Shipping")
    deal = susan.post("opportunity", {"Oppo_Description": "x", "Oppo_PrimaryCompanyId": company}).json["$key"]
    assert susan.post("quotes", {"Quot_OpportunityId": deal}).json["Quot_ShipAddress"] == "Cork"
    rule("Address_Link", "AdLi_Type", read=False)
    assert susan.post("quotes", {"Quot_OpportunityId": deal}).json["Quot_ShipAddress"] == "Dublin"


def test_a_kind_of_owner_that_is_unknown_is_told_by_no_member(clerk: Wire) -> None:
    key = clerk.post("person", {"Pers_LastName": "Owner"}).json["$key"]
    phone = {"Phon_Number": "1"}
    address = f"{at('Person', key)}/phone"
    assert clerk.post(address, phone | {"Person": {"$key": key}}).status == 201
    hidden, unknown = (clerk.post(address, phone | {name: {"$key": key}}) for name in ("Company", "NoSuchs"))
    assert hidden.status == 400
    assert hidden.body == unknown.body.replace(b"NoSuchs", b"Company")


def test_a_kind_of_owner_that_is_unknown_is_told_by_no_number(clerk: Wire) -> None:
    hidden, unknown = (
        clerk.post("phone", {"Phon_Number": "1", "PLink_EntityId": number, "PLink_RecordId": 1}) for number in (5, 9999)
    )
    assert hidden.status == 400
    assert hidden.body == unknown.body


def test_a_relation_of_a_kind_that_is_only_inserted_is_as_unknown_as_any_name(susan: Wire) -> None:
    group = Group.objects.create(name="Enterers")
    profile = Profile.objects.create(group=group)
    ProfileRight.objects.create(profile=profile, entity="Company", scope="everywhere", insert=True)
    system_rows(User).get(logon="susan").groups.set([group])
    known, unknown = (login("susan").get(f"company('1')/{name}") for name in ("person", "nosuch"))
    assert known.status == 404
    assert known.body == unknown.body.replace(b"nosuch", b"person")


def test_an_address_is_linked_to_nobody_whom_one_may_not_edit(susan: Wire) -> None:
    user = system_rows(User).get(logon="susan")
    person, company = system_rows(Person)[0], system_rows(Company)[0]
    user.groups.clear()
    assign_perm("view_person", user, person)
    assign_perm("view_company", user, company)
    assign_perm("change_company", user, company)
    caller = login("susan")
    address = caller.post(f"{at('Company', company.pk)}/address", {"Addr_City": "Dublin"}).json["$key"]
    link = {"AdLi_AddressId": address, "AdLi_CompanyId": company.pk, "AdLi_PersonId": person.pk, "AdLi_Type": "Billing"}
    answer = caller.post("address_link", link)
    assert (answer.status, answer.code) == (403, "NotPermitted")
    assert not system_rows(AddressLink).filter(address=address, person=person).exists()
    assert system_rows(Address).filter(pk=address).exists()
    assign_perm("change_person", user, person)
    assert caller.post("address_link", link).status == 201
