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


def test_a_quote_tells_no_hidden_company_and_currency_of_its_opportunity(susan: Wire, rule: Rule) -> None:
    deal = next(e["$key"] for e in susan.entry("opportunity", count=1000)["$resources"] if e["Oppo_PrimaryCompanyId"])
    quote = {"Quot_OpportunityId": deal}
    shown = susan.post("quotes", quote).json
    opportunity = susan.entry(at("Opportunity", deal))
    assert shown["Quot_CompanyId"] == opportunity["Oppo_PrimaryCompanyId"]
    assert shown["Quot_Currency"] == shown["Quot_NettAmt_CID"] == opportunity["Oppo_Currency"]
    rule("Opportunity", "Oppo_PrimaryCompanyId", read=False)
    rule("Opportunity", "Oppo_Currency", read=False)
    found = susan.post("quotes", quote)
    assert found.status == 201
    assert found.json.keys().isdisjoint({"Company", "Quot_CompanyId", "Quot_Currency", "Quot_NettAmt_CID"})


@pytest.fixture
def item(susan: Wire) -> dict[str, int | str]:
    """Return the body of a new line of a quote: a product that has a price there, given neither price nor text."""
    quotes = susan.entry("quotes", count=1000)["$resources"]
    quote = next(entry for entry in quotes if "$edit" in entry["$links"] and entry["Quot_Status"] == "Active")
    where = f"pric_active eq true and pric_pricinglistid eq {quote['Quot_PricingListId']}"
    price = susan.entry("pricing", where=f"{where} and pric_price_cid eq {quote['Quot_Currency']}")["$resources"][0]
    product = {"QuIt_ProductId": price["Pric_ProductId"], "QuIt_UOMId": price["Pric_UOMId"]}
    return {"QuIt_OrderQuoteId": quote["$key"], "QuIt_LineType": "i", "QuIt_Quantity": 1, **product}


def test_the_name_and_family_of_a_product_that_are_hidden_are_not_copied_to_a_line(
    susan: Wire, rule: Rule, item: dict[str, int | str]
) -> None:
    product = susan.entry(at("NewProduct", int(item["QuIt_ProductId"])))
    shown = susan.post("quoteitems", item).json
    assert (shown["QuIt_Description"], shown["QuIt_ProductFamilyId"]) == (
        product["Prod_Name"],
        product["Prod_ProductFamilyId"],
    )
    rule("NewProduct", "Prod_Name", read=False)
    rule("NewProduct", "Prod_ProductFamilyId", read=False)
    shown = susan.post("quoteitems", item).json
    assert shown["QuIt_Description"] is None
    assert "QuIt_ProductFamilyId" not in shown


@pytest.mark.parametrize(("kind", "wire"), [("Pricing", "Pric_Price"), ("QuoteItems", "QuIt_ListPrice")])
def test_a_hidden_price_is_not_copied_to_a_line(
    susan: Wire, rule: Rule, item: dict[str, int | str], kind: str, wire: str
) -> None:
    assert susan.post("quoteitems", item).json["QuIt_QuotedPrice"] is not None
    rule(kind, wire, read=False)
    (refusal,) = susan.post("quoteitems", item).diagnoses
    assert (refusal["$applicationCode"], refusal["$payloadPath"]) == ("Required", "QuIt_QuotedPrice")
    address = at("QuoteItems", susan.post("quoteitems", item | {"QuIt_QuotedPrice": 7}).json["$key"])
    assert susan.patch(address, {"QuIt_QuotedPrice": None}).code == "Required"
    others = susan.entry("pricing", where="pric_active eq true", count=1000)["$resources"]
    quote = susan.entry(at("Quotes", int(item["QuIt_OrderQuoteId"])))
    other = next(
        e
        for e in others
        if e["Pric_PricingListId"] == quote["Quot_PricingListId"]
        and e["Pric_Price_CID"] == quote["Quot_Currency"]
        and e["Pric_ProductId"] != item["QuIt_ProductId"]
    )
    changed = susan.patch(address, {"QuIt_ProductId": other["Pric_ProductId"], "QuIt_UOMId": other["Pric_UOMId"]})
    assert changed.json["QuIt_QuotedPrice"] == 7


def test_a_hidden_price_may_follow_the_list(susan: Wire, rule: Rule, item: dict[str, int | str]) -> None:
    rule("QuoteItems", "QuIt_QuotedPrice", read=False)
    assert susan.post("quoteitems", item).status == 201
