"""``$type`` and ``$isDefault`` are other spellings of fields, and under the same field rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entities.models import AddressLink, Company, Person, Phone
from security.gate import system_rows
from tests.api.wire import Wire, at

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[..., None]


@pytest.fixture
def company(susan: Wire) -> int:
    """Return a new company, which susan may edit."""
    key: int = susan.post("company", {"Comp_Name": "Linked"}).json["$key"]
    return key


def test_the_type_is_set_where_it_may_be_written(susan: Wire, company: int) -> None:
    answer = susan.post(f"{at('Company', company)}/phone", {"Phon_Number": "1", "$type": "fax"})
    assert answer.json["PLink_Type"] == "Fax"


def test_the_type_is_not_set_where_it_is_read_only(susan: Wire, rule: Rule, company: int) -> None:
    rule("Phone", "PLink_Type", write=False)
    answer = susan.post(f"{at('Company', company)}/phone", {"Phon_Number": "1", "$type": "Fax"})
    assert (answer.status, answer.code) == (400, "ReadOnly")
    assert not system_rows(Phone).filter(owner_table=5, owner_id=company).exists()


@pytest.mark.parametrize("code", ["Fax", "NoCode"])
def test_a_hidden_type_is_neither_set_nor_told(susan: Wire, rule: Rule, company: int, code: str) -> None:
    rule("Phone", "PLink_Type", read=False)
    answer = susan.post(f"{at('Company', company)}/phone", {"Phon_Number": "1", "$type": code})
    assert answer.status == 201
    assert system_rows(Phone).get(pk=answer.json["$key"]).type == "Business"


def test_a_hidden_type_of_a_link_is_the_first(susan: Wire, rule: Rule, company: int) -> None:
    rule("Address_Link", "AdLi_Type", read=False)
    answer = susan.post(f"{at('Company', company)}/address", {"Addr_City": "Dublin", "$type": "Shipping"})
    assert system_rows(AddressLink).get(address=answer.json["$key"]).type == "Business"


def test_nobody_becomes_primary_where_that_is_read_only(susan: Wire, rule: Rule, company: int) -> None:
    members = f"{at('Company', company)}/person"
    first = susan.post(members, {"Pers_LastName": "First"}).json["$key"]
    rule("Company", "Comp_PrimaryPersonId", write=False)
    answer = susan.post(members, {"Pers_LastName": "Second", "$isDefault": True})
    assert (answer.status, answer.code) == (400, "ReadOnly")
    assert [person.pk for person in system_rows(Person).filter(company=company)] == [first]


def test_nobody_becomes_primary_where_that_is_hidden(susan: Wire, rule: Rule, company: int) -> None:
    members = f"{at('Company', company)}/person"
    first = susan.post(members, {"Pers_LastName": "First"}).json["$key"]
    rule("Company", "Comp_PrimaryPersonId", read=False)
    assert susan.post(members, {"Pers_LastName": "Second", "$isDefault": True}).status == 201
    assert system_rows(Company).get(pk=company).primary_person_id == first
