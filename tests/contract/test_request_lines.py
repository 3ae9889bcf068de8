"""Request lines of programs written for Sage CRM, as written; blanks and bare ``%`` are encoded as clients do."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.api.wire import Answer, Wire

BASE = "/sdata/crmj/sagecrm2/-/"
NUMBERS = ("$key", "$totalResults", "$startIndex", "$itemsPerPage", "$resourceId", "Comp_CompanyId", "Case_CaseId")
ATOM_FIRST = {"Accept": "application/atom+xml,application/xml;q=0.9,application/json;q=0.5"}


def line(address: str) -> str:
    """Return an address as an HTTP client puts it on the wire."""
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", address).replace(" ", "%20")


def sensible(answer: Answer) -> Any:
    """Check what every line must give: success, JSON, numbers as numbers, booleans as such, records as objects."""
    assert 200 <= answer.status < 300, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    body = json.loads(answer.body, parse_float=Decimal)
    for member in _objects(body):
        for name in NUMBERS:
            assert name not in member or type(member[name]) is int, name
        for name in ("Comp_OptOut", "Comp_Promote", "$isMandatory", "$isReadOnly", "$isHidden"):
            assert name not in member or type(member[name]) is bool, name
        for name in ("Person", "Company", "Address", "Users", "Opportunity", "Cases"):
            assert name not in member or isinstance(member[name], dict), name
    return body


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in _objects(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(found for item in value.values() for found in _objects(item))]


def test_a_filtered_ordered_page_with_the_parameters_of_a_browser_client(admin: Wire) -> None:
    where = "where=comp_name%20like%20%27A%25%27&orderby=comp_name%20desc&format=json&_t=1795340780524"
    body = sensible(admin.get(f"{BASE}company?_includeContent=false&count=10&startIndex=1&{where}"))
    found = [entry["Comp_Name"] for entry in body["$resources"]]
    assert found
    assert all(name.lower().startswith("a") for name in found)
    assert found == sorted(found, key=str.lower, reverse=True)
    assert body["$itemsPerPage"] == 10


@pytest.mark.parametrize("address", ["company(%2743%27)?_includeContent=false&format=json", "/company('43')"])
def test_one_company(susan: Wire, address: str) -> None:
    entry = sensible(susan.get(f"{BASE}{address}"))
    assert (entry["$key"], entry["Comp_Name"]) == (43, "Eurolandia")
    assert entry["Person"]["$key"] == entry["Comp_PrimaryPersonId"]
    assert entry == susan.entry("Company('43')")


def test_the_prototype_of_a_kind_behind_two_slashes(susan: Wire) -> None:
    assert sensible(susan.get(f"{BASE}/$prototypes/address"))["$resourceKind"] == "Address"


def test_all_prototypes_behind_an_encoded_dollar(susan: Wire) -> None:
    body = sensible(susan.get(f"{BASE}%24prototypes"))
    assert body["$totalResults"] == len(body["$resources"]) > 10


def test_a_feed_of_one(susan: Wire) -> None:
    body = sensible(susan.get(f"{BASE}Company?startindex=1&count=1"))
    assert (len(body["$resources"]), body["$startIndex"]) == (1, 1)


def test_json_for_a_client_that_would_rather_have_atom(peter: Wire) -> None:
    body = sensible(peter.get(line(f"{BASE}case?count=50&orderBy=case_opened desc"), headers=ATOM_FIRST))
    opened = [entry["Case_Opened"] for entry in body["$resources"]]
    assert opened == sorted(opened, reverse=True)
    assert len(opened) > 5


def test_a_kind_that_is_still_to_come_is_a_clear_404(susan: Wire) -> None:
    answer = susan.get(f"{BASE}communication?where=comm_personid=30")
    if answer.status == 200:
        sensible(answer)
    else:
        assert answer.refusal == (404, "ResourceKindNotFound", "UnknownPath")
        assert "communication" in answer.diagnoses[0]["$message"]


def test_keys_in_quotes(admin: Wire) -> None:
    body = sensible(admin.get(line(f"{BASE}company?where=comp_companyid in ('43', '45')")))
    assert [entry["$key"] for entry in body["$resources"]] == [43, 45]


def test_a_predicate_instead_of_a_key(susan: Wire) -> None:
    assert sensible(susan.get(line(f"{BASE}company(comp_companyid eq '43')")))["$key"] == 43


def test_a_function_over_two_fields(admin: Wire) -> None:
    assert admin.patch("person('30')", {"pers_firstname": "William ", "pers_lastname": "Agnew"}).status == 200
    body = sensible(admin.get(line(f"{BASE}person?where=concat(pers_firstname, pers_lastname) eq 'William Agnew'")))
    assert [entry["$key"] for entry in body["$resources"]] == [30]


def test_a_date_between_at_signs(susan: Wire) -> None:
    assert sensible(susan.get(line(f"{BASE}company?where=comp_updateddate gt @2014-03-14@")))["$totalResults"] > 0


def test_parentheses_and_a_constant_test(susan: Wire) -> None:
    where = "(comp_name like 'x%' or comp_website like 'x%') and comp_type eq 'customer' and 1=1"
    susan.patch("company('43')", {"comp_website": "x.example", "comp_type": "Customer"})
    body = sensible(susan.get(line(f"{BASE}company?where={where}&select=comp_name,comp_type")))
    assert [entry["$key"] for entry in body["$resources"]] == [43]
    assert set(body["$resources"][0]) == {"$key", "$title", "$url", "Comp_Name", "Comp_Type"}


def test_an_update_with_the_flag_for_the_whole_answer(susan: Wire) -> None:
    answer = susan.patch(f"{BASE}company('43')?returnPartial=false", {"comp_website": "www.example.com"})
    body = sensible(answer)
    assert (answer.status, body["Comp_WebSite"], body["Comp_Name"]) == (200, "www.example.com", "Eurolandia")
    assert body == susan.entry("Company('43')")


def test_a_batch_of_three_records_of_which_the_second_is_wrong(susan: Wire) -> None:
    records = [{"comp_name": "First"}, {"comp_nosuch": 1}, {"Comp_Name": "Third", "Comp_Type": "Customer"}]
    items = sensible(susan.post(f"{BASE}company/$batch", records))
    assert [item["$httpStatus"] for item in items] == [200, 400, 200]
    assert items[1]["$diagnoses"][0]["$applicationCode"] == "UnknownMember"
    assert (items[0]["Comp_Name"], items[2]["Comp_Type"]) == ("First", "Customer")
    assert susan.entry(items[2]["$url"])["Comp_Name"] == "Third"


def test_a_quick_find(susan: Wire) -> None:
    address = "/sdata/crmj/sagecrm2/$service/quickFind/getResults?query=eurolandia&entity=Company"
    body = sensible(susan.get(address))
    assert [(entry["$key"], entry["$title"]) for entry in body["$resources"]] == [(43, "Eurolandia")]


@pytest.mark.parametrize(
    "where",
    [
        "quit_productid gt 3 and quit_productid le 10",
        "quit_productid gt sign(-3)",
        "quit_quantity eq abs(-2)",
        "quit_quantity = 2 or quit_quantity = 1",
    ],
)
def test_conditions_that_sage_documents(admin: Wire, where: str) -> None:
    sensible(admin.get(line(f"{BASE}quoteitems?where={where}")))


def test_the_install_name_of_the_address_is_kept(susan: Wire) -> None:
    assert sensible(susan.get(f"{BASE}company('43')"))["$url"].endswith("/sdata/crmj/sagecrm2/-/Company('43')")
