"""No rule of business carries what a field rule hides to where it can be read, or tells it by refusing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entities.models import Person, User
from security.gate import system_rows
from tests.api.wire import at

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.wire import Wire

    Rule = Callable[..., None]


def person_with_company(susan: Wire) -> Person:
    """Return somebody whom susan sees, of a company that she sees."""
    companies = susan.keys("company", count=1000)
    return system_rows(Person).filter(pk__in=susan.keys("person", count=1000), company__in=companies)[0]


@pytest.mark.parametrize(("kind", "prefix"), [("Opportunity", "Oppo"), ("Cases", "Case")])
def test_a_hidden_company_of_a_person_is_not_set(susan: Wire, rule: Rule, kind: str, prefix: str) -> None:
    person = person_with_company(susan)
    body = {f"{prefix}_Description": "x", f"{prefix}_PrimaryPersonId": person.pk}
    assert susan.post(kind, body).json[f"{prefix}_PrimaryCompanyId"] == person.company_id
    rule("Person", "Pers_CompanyId", read=False)
    assert susan.post(kind, body).json[f"{prefix}_PrimaryCompanyId"] is None


def test_a_hidden_company_of_a_person_is_not_compared(susan: Wire, rule: Rule) -> None:
    person = person_with_company(susan)
    another = next(key for key in susan.keys("company", count=1000) if key != person.company_id)
    body = {"Oppo_Description": "x", "Oppo_PrimaryPersonId": person.pk, "Oppo_PrimaryCompanyId": another}
    assert susan.post("opportunity", body).code == "BusinessRule"
    rule("Person", "Pers_CompanyId", read=False)
    assert susan.post("opportunity", body).status == 201


def test_choosing_a_primary_person_does_not_tell_a_hidden_company(susan: Wire, rule: Rule) -> None:
    rule("Person", "Pers_CompanyId", read=False)
    companies = [
        e["Comp_CompanyId"] for e in susan.entry("company", count=1000)["$resources"] if "$edit" in e["$links"]
    ]
    own = system_rows(Person).filter(company__in=companies)
    member = next(p for p in own if susan.entry(at("Company", p.company_id or 0))["Comp_PrimaryPersonId"] != p.pk)
    stranger = system_rows(Person).exclude(company=member.company_id).filter(pk__in=susan.keys("person", count=1000))[0]
    address = at("Company", member.company_id or 0)
    answers = [susan.patch(address, {"Comp_PrimaryPersonId": person.pk}) for person in (member, stranger)]
    assert [answer.code for answer in answers] == ["BusinessRule"] * 2
    assert answers[0].body == answers[1].body


def test_a_hidden_account_manager_is_not_copied(susan: Wire, rule: Rule) -> None:
    colleague = system_rows(User).get(logon="william")
    key = susan.post("company", {"Comp_Name": "Copied", "Comp_PrimaryUserId": colleague.pk}).json["$key"]
    person = {"Pers_LastName": "x", "Pers_CompanyId": key}
    assert susan.post("person", person).json["Pers_PrimaryUserId"] == colleague.pk
    rule("Company", "Comp_PrimaryUserId", read=False)
    assert susan.post("person", person).json["Pers_PrimaryUserId"] == system_rows(User).get(logon="susan").pk


def test_what_is_hidden_of_an_opportunity_is_not_copied_to_its_quote(susan: Wire, rule: Rule) -> None:
    colleague, person = system_rows(User).get(logon="william"), person_with_company(susan)
    body = {"Oppo_Description": "x", "Oppo_PrimaryPersonId": person.pk, "Oppo_AssignedUserId": colleague.pk}
    quote = {"Quot_OpportunityId": susan.post("opportunity", body).json["$key"]}
    shown = susan.post("quotes", quote).json
    assert (shown["Quot_ContactId"], shown["Quot_AssignedUserId"]) == (person.pk, colleague.pk)
    rule("Opportunity", "Oppo_PrimaryPersonId", read=False)
    rule("Opportunity", "Oppo_AssignedUserId", read=False)
    shown = susan.post("quotes", quote).json
    assert shown["Quot_ContactId"] is None
    assert shown["Quot_AssignedUserId"] == system_rows(User).get(logon="susan").pk


def test_a_hidden_date_cannot_be_found_by_trying_others(susan: Wire, rule: Rule) -> None:
    body = {"Oppo_Description": "x", "Oppo_Opened": "2026-01-01T00:00:00Z", "Oppo_TargetClose": "2026-06-01T00:00:00Z"}
    address = at("Opportunity", susan.post("opportunity", body).json["$key"])
    assert susan.patch(address, {"Oppo_Opened": "2026-07-01T00:00:00Z"}).code == "BusinessRule"
    rule("Opportunity", "Oppo_TargetClose", read=False)
    assert susan.patch(address, {"Oppo_Opened": "2026-07-01T00:00:00Z"}).status == 200


def test_a_refusal_for_a_hidden_field_names_and_describes_none(susan: Wire, rule: Rule) -> None:
    quotes = susan.entry("quotes", count=1000)["$resources"]
    quote = next(entry["$key"] for entry in quotes if "$edit" in entry["$links"] and entry["Quot_Status"] == "Active")
    line = {"QuIt_OrderQuoteId": quote, "QuIt_LineType": "f", "QuIt_QuotedPrice": 1, "QuIt_Description": "Work"}
    assert susan.post("quoteitems", line).diagnoses[0]["$payloadPath"] == "QuIt_Quantity"
    rule("QuoteItems", "QuIt_Quantity", read=False)
    (refusal,) = susan.post("quoteitems", line).diagnoses
    assert refusal["$applicationCode"] == "BusinessRule"
    assert "quantity" not in str(refusal).lower()
    assert "$payloadPath" not in refusal
