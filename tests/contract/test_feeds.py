"""Feeds: pages, totals, links, order (contract.md §6, §8.4, §8.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from entities.models import Company
from security.gate import system_rows
from security.models import FieldRule
from tests.api.wire import ROOT, Wire, login, statements

if TYPE_CHECKING:
    from collections.abc import Callable


def test_27_a_page_holds_25_unless_asked(admin: Wire) -> None:
    feed = admin.entry("company")
    assert (feed["$itemsPerPage"], len(feed["$resources"]), feed["$startIndex"]) == (25, 25, 1)
    assert feed["$totalResults"] == system_rows(Company).count() == 60


def test_27_a_page_holds_at_most_1000(admin: Wire) -> None:
    assert admin.entry("company", count=5000)["$itemsPerPage"] == 1000
    assert admin.entry("company", count=10**30)["$itemsPerPage"] == 1000


def test_27_a_count_of_0_gives_only_the_total(admin: Wire) -> None:
    feed = admin.entry("company", count=0)
    assert (feed["$totalResults"], feed["$itemsPerPage"], feed["$resources"]) == (60, 0, [])
    assert "$next" not in feed["$links"]


@pytest.mark.parametrize(
    "query",
    [
        "count=-1",
        "count=x",
        "count=1.5",
        "count=",
        "count=1e3",
        "count=٣",
        "count=0x10",
        "startIndex=0",
        "startIndex=-5",
        "startIndex=x",
        "startIndex=",
        "totals=maybe",
        "totals=",
    ],
)
def test_27_what_is_no_number_of_a_page_is_refused(admin: Wire, query: str) -> None:
    answer = admin.get(f"company?{query}")
    assert answer.refusal == (400, "BadQueryParameter", "BadParameterValue")
    assert answer.diagnoses[0]["$payloadPath"] == query.partition("=")[0]


def test_27_beyond_the_end_there_is_an_empty_page(admin: Wire) -> None:
    for start in (61, 10**9, 10**40):
        feed = admin.entry("company", startIndex=start)
        assert (feed["$resources"], feed["$totalResults"]) == ([], 60)
        assert "$next" not in feed["$links"]


def test_the_numbers_of_a_feed_are_numbers(admin: Wire) -> None:
    feed = admin.entry("company")
    assert {type(feed[name]) for name in ("$totalResults", "$startIndex", "$itemsPerPage")} == {int}


def links(feed: dict[str, Any]) -> dict[str, str]:
    return {name: link["$url"] for name, link in feed["$links"].items()}


def test_the_first_page_links_itself_the_next_and_the_last(admin: Wire) -> None:
    found = links(admin.entry("company?count=25&orderBy=comp_name&where=comp_companyid gt 0"))
    here = f"{ROOT}/Company?count=25&orderBy=comp_name&where=comp_companyid%20gt%200"
    assert found["$self"] == found["$first"] == here
    assert found["$last"] == f"{here}&startIndex=51"
    assert found["$next"].startswith(f"{here}&after=v1.")
    assert "$previous" not in found
    assert found["$prototype"] == f"{ROOT}/$prototypes/Company"


def test_a_page_in_the_middle_links_the_previous(admin: Wire) -> None:
    found = links(admin.entry("company", startIndex=31, count=20))
    assert found["$previous"] == f"{ROOT}/Company?count=20&startIndex=11"
    assert links(admin.entry("company", startIndex=6, count=20))["$previous"].endswith("startIndex=1")


def test_the_last_page_has_no_next(admin: Wire) -> None:
    assert "$next" not in links(admin.entry("company", startIndex=41, count=20))
    assert "$next" in links(admin.entry("company", startIndex=40, count=20))
    assert "$last" not in links(admin.entry("company", count=60))


def test_every_link_of_a_feed_can_be_followed(susan: Wire) -> None:
    feed = susan.entry("company?count=4&startIndex=5&where=comp_name like 'a%25' or 1=1&orderBy=comp_name desc")
    for name, link in feed["$links"].items():
        if "$method" not in link:
            assert susan.get(link["$url"]).status == 200, name


def test_the_pages_of_previous_and_last_fit(admin: Wire) -> None:
    everything = admin.keys("company", count=1000)
    feed = admin.entry("company", count=25)
    last = admin.entry(feed["$links"]["$last"]["$url"])
    assert [entry["$key"] for entry in last["$resources"]] == everything[50:]
    before = admin.entry(last["$links"]["$previous"]["$url"])
    assert [entry["$key"] for entry in before["$resources"]] == everything[25:50]


def test_32_without_totals_nothing_is_counted(admin: Wire) -> None:
    with statements() as counted:
        admin.entry("company", count=25)
    with statements() as uncounted:
        feed = admin.entry("company", count=25, totals="none")
    assert len(uncounted) == len(counted) - 1
    assert not [sql for sql in uncounted if "COUNT" in sql]
    assert "$totalResults" not in feed
    assert "$last" not in feed["$links"]
    following = admin.entry(feed["$links"]["$next"]["$url"])
    assert [entry["$key"] for entry in following["$resources"]] == admin.keys("company", count=1000)[25:50]
    assert "$totalResults" not in following


def test_34_insert_is_offered_to_those_who_may_insert() -> None:
    for logon, offered in (("susan", True), ("olivia", True), ("peter", False), ("ian", True)):
        found = login(logon).entry("company")["$links"]
        assert ("$insert" in found) is offered
    assert login("susan").entry("company")["$links"]["$insert"] == {
        "$url": f"{ROOT}/Company",
        "$method": "POST",
        "$title": "New Company",
        "$request": f"{ROOT}/$prototypes/Company",
    }


def test_34_a_kind_that_is_served_read_only_offers_nothing(admin: Wire) -> None:
    for kind in ("users", "channel", "territories", "phonelink"):
        feed = admin.entry(kind)
        assert "$insert" not in feed["$links"]
        assert not [entry for entry in feed["$resources"] if {"$edit", "$delete"} & set(entry["$links"])]


def text_of(entry: dict[str, Any]) -> tuple[bool, str]:
    return (entry["Comp_WebSite"] is not None, (entry["Comp_WebSite"] or "").lower())


def test_empty_values_come_first_ascending_and_last_descending(admin: Wire) -> None:
    system_rows(Company).filter(pk__in=(3, 30, 57)).update(web_site="")
    for order, reverse in (("comp_website", False), ("comp_website desc", True)):
        entries = admin.entry("company", orderBy=order, count=1000)["$resources"]
        assert entries == sorted(entries, key=lambda entry: (text_of(entry), entry["$key"]), reverse=reverse)


def test_text_is_ordered_without_regard_to_case(admin: Wire) -> None:
    for key, name in ((1, "b"), (2, "A"), (3, "a"), (4, "B"), (5, "ab")):
        system_rows(Company).filter(pk=key).update(name=name)
    assert admin.keys("company?where=$key le 5&orderBy=comp_name") == [2, 3, 5, 1, 4]
    assert admin.keys("company?where=$key le 5&orderBy=comp_name desc") == [4, 1, 5, 3, 2]


def test_46_several_terms_order_one_after_the_other(admin: Wire) -> None:
    entries = admin.entry("company", orderBy="comp_type,comp_name desc", count=1000)["$resources"]
    found = [(entry["Comp_Type"].lower(), entry["Comp_Name"].lower()) for entry in entries]
    by_name = sorted(found, key=lambda pair: pair[1], reverse=True)
    assert found == sorted(by_name, key=lambda pair: pair[0])


@pytest.mark.parametrize("order", ["Users.User_LastName", "Person.pers_lastname desc", "Person.Company.comp_name"])
def test_46_one_may_order_through_relations(susan: Wire, order: str) -> None:
    assert sorted(susan.keys("company", orderBy=order, count=1000)) == susan.keys("company", count=1000)


@pytest.mark.parametrize("order", ["comp_nosuch", "comp_revenue", "comp_revenue desc", "Users.user_homephone", "x.y"])
def test_46_unknown_and_hidden_names_are_refused_alike(olivia: Wire, order: str) -> None:
    answer = olivia.get("company", orderBy=order)
    assert answer.refusal == (400, "BadQueryParameter", "UnknownName")
    name = order.removesuffix(" desc")
    assert answer.diagnoses[0]["$message"] == f"'{name}' is not a field of Company, at character 1."


@pytest.mark.parametrize(
    ("kind", "order", "code"),
    [
        ("opportunity", "oppo_note", "NotSortable"),
        ("person", "pers_type", "NotSortable"),
        ("person", "pers_fullname", "NotSortable"),
        ("company", "comp_name,COMP_NAME", "BadParameterValue"),
        ("company", "comp_name up", "BadParameterValue"),
        ("company", "comp_name,", "BadParameterValue"),
        ("company", "*", "BadParameterValue"),
        ("company", "comp_name;drop", "BadParameterValue"),
        ("company", "name", "UnknownName"),
        ("company", "deleted_at", "UnknownName"),
        ("company", "comp__name", "UnknownName"),
        ("company", "primary_user__password", "UnknownName"),
        ("company", ",".join(f"f{n}" for n in range(9)), "LimitExceeded"),
    ],
)
def test_46_what_is_no_order_is_refused(susan: Wire, kind: str, order: str, code: str) -> None:
    assert susan.get(kind, orderBy=order).refusal == (400, "BadQueryParameter", code)


def test_the_default_order_of_a_hidden_field_is_the_key(admin: Wire, susan: Wire) -> None:
    ordered = susan.keys("users", count=1000)
    assert ordered != sorted(ordered)
    FieldRule.objects.create(entity="Users", field="User_FirstName", read=False)
    assert susan.keys("users", count=1000) == sorted(ordered)
    assert admin.keys("users", count=1000) == ordered


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("newproduct", lambda entry: (entry["Prod_Code"].lower(), entry["$key"])),
        ("currency", lambda entry: (entry["Curr_Symbol"].lower(), entry["$key"])),
        ("quoteitems", lambda entry: (entry["QuIt_OrderQuoteId"], entry["QuIt_LineNumber"], entry["$key"])),
        ("users", lambda entry: (entry["User_LastName"].lower(), entry["User_FirstName"].lower(), entry["$key"])),
        ("company", lambda entry: entry["$key"]),
        ("person", lambda entry: entry["$key"]),
    ],
)
def test_every_kind_has_its_default_order(admin: Wire, kind: str, wanted: Callable[[dict[str, Any]], Any]) -> None:
    entries = admin.entry(kind, count=1000)["$resources"]
    assert entries == sorted(entries, key=wanted)


def test_territories_are_ordered_as_a_tree(susan: Wire) -> None:
    seen: set[int] = set()
    for entry in susan.entry("territories", count=1000)["$resources"]:
        assert entry["Terr_ParentId"] is None or entry["Terr_ParentId"] in seen
        seen.add(entry["$key"])


def test_parameters_are_named_in_any_case_and_answered_in_the_contracts(admin: Wire) -> None:
    found = urlsplit(admin.entry("company?COUNT=3&ORDERBY=comp_name")["$url"])
    assert parse_qs(found.query) == {"count": ["3"], "orderBy": ["comp_name"]}
