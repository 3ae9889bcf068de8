"""Addresses: one record under every accepted spelling, 404 for garbage, 405 with what is allowed (contract.md §1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entities.registry import registry
from tests.api.wire import BASE, Wire, at, login

if TYPE_CHECKING:
    from tests.api.wire import Answer

COMPANY = 2  # one that susan and, by a grant, olivia may see


def said(answer: Answer) -> tuple[int, bytes]:
    return answer.status, answer.body


@pytest.mark.parametrize(
    "spelling",
    [
        "Company('2')",
        "Company(2)",
        'COMPANY("2")',
        "companies('2')",
        "/sdata/crmj/sagecrm2/-//company('2')/",
        "/sdata//crmj/sagecrm2//-/company('2')",
        "/sdata/crmj/sagecrm2/-/company('2')/",
        "company(%272%27)",
        "%63ompany('2')",
        "company( '2' )",
        "company(comp_companyid eq '2')",
        "company(comp_companyid eq 2 and comp_name ne null)",
    ],
)
def test_01_02_04_every_spelling_of_an_address_gives_the_same_record(susan: Wire, spelling: str) -> None:
    assert said(susan.get(spelling)) == said(susan.get("company('2')"))
    assert susan.get(spelling).json["$key"] == COMPANY


def test_02_dollar_signs_may_be_encoded(susan: Wire) -> None:
    assert said(susan.get("%24prototypes/company")) == said(susan.get("$prototypes/Company"))
    assert said(susan.get("%24PROTOTYPES/companies/")) == said(susan.get("$prototypes/Company"))


def test_02_a_plus_in_a_query_is_a_blank_and_an_encoded_one_a_plus(susan: Wire) -> None:
    assert susan.keys("company?where=comp_companyid+eq+2") == [COMPANY]
    assert susan.keys("company?where=comp_companyid%20eq%201%2B1") == [COMPANY]


@pytest.mark.parametrize(("kind", "names"), [(e.kind, (e.kind, *e.aliases)) for e in registry()])
def test_03_every_alias_resolves_and_the_answer_spells_the_catalogue_name(
    admin: Wire, kind: str, names: tuple[str, ...]
) -> None:
    for name in (*names, *map(str.upper, names), *map(str.lower, names)):
        answer = admin.get(name, count=0)
        assert answer.status == 200, name
        assert answer.json["$links"]["$self"]["$url"].endswith(f"/-/{kind}?count=0")


def test_04_a_predicate_without_a_match_is_no_record(susan: Wire) -> None:
    assert susan.get("company(comp_name eq 'no such name')").refusal == (404, "ApplicationDiagnosis", "RecordNotFound")


def test_04_a_predicate_with_two_matches_is_refused(susan: Wire) -> None:
    assert susan.get("company(comp_companyid gt 1)").refusal == (400, "BadUrlSyntax", "SelectorNotUnique")


def test_04_matches_that_the_caller_cannot_see_do_not_count(admin: Wire, susan: Wire) -> None:
    visible = set(susan.keys("company", count=1000))
    invisible = next(key for key in admin.keys("company", count=1000) if key not in visible)
    both = f"company(comp_companyid in ({COMPANY}, {invisible}))"
    assert admin.get(both).status == 400
    assert susan.get(both).json["$key"] == COMPANY


@pytest.mark.parametrize("selector", ["", "%20", "+", "%09"])
def test_a_selector_without_anything_in_it_is_refused(susan: Wire, selector: str) -> None:
    answer = susan.get(f"company({selector})")
    assert answer.status == 400
    assert answer.code in ("BadSelector", "WhereSyntax")


@pytest.mark.parametrize(
    "literal",
    ["'2x'", "''", "'0'", "0", "'-2'", "'99999999999'", "'2.0'", "'two'", '"2\'"', "'٢'", "'999999999999999999999'"],
)
def test_a_literal_that_is_no_key_is_no_record(susan: Wire, literal: str) -> None:
    assert susan.get(f"company({literal})").refusal == (404, "ApplicationDiagnosis", "RecordNotFound")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/sdata/otherj/sagecrm2/-/company", "ApplicationNotFound"),
        ("/sdata/crm/sagecrm2/-/company", "ApplicationNotFound"),
        ("/sdata/crmj/sagecrm9/-/company", "ContractNotFound"),
        ("/sdata/crmj/sagecrm2/prod/company", "DatasetNotFound"),
        ("/sdata/crmj/sagecrm2/-/nosuch", "ResourceKindNotFound"),
        ("/sdata/crmj/sagecrm2", "ResourceKindNotFound"),
        ("/sdata/crmj", "ResourceKindNotFound"),
        ("/sdata", "ResourceKindNotFound"),
        ("/sdata/", "ResourceKindNotFound"),
    ],
)
def test_05_each_wrong_part_of_an_address_has_its_own_code(susan: Wire, path: str, code: str) -> None:
    assert susan.get(path).refusal == (404, code, "UnknownPath")


GARBAGE = [
    "%7B%22a%22%7D",
    "{a}",
    "company('2'",
    "company'2')",
    "company('2')x",
    "company('2')//'",
    "company('2')/person/email",
    "company('2')/person('30')/address",
    "company('2')/nosuch",
    "company('2')/$service/close",
    "company/extra",
    "$nosuch",
    "$whoami/x",
    "$whoami('2')",
    "$prototypes(1)",
    "$prototypes('company')",
    "$prototypes/company/x",
    "$prototypes/company('2')",
    "$prototypes/nosuch",
    "foo%0Abar",
    "company%0A",
    "foo%00bar",
    "%FF%FE",
    "PhoneLin%E2%84%AA",
    "comp\u0430ny",  # a Cyrillic letter
    "company%2F%2E%2E",
    "..;/company",
    "company;x=1",
    "*",
    "a" * 5000,
    "company(" * 300,
    "company('2')/" + "/".join("ab" for _ in range(900)),
    "/sdata/crmj/sagecrm2/-/company/company/company",
]


@pytest.mark.parametrize("path", GARBAGE)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_06_garbage_is_a_404_for_every_method(susan: Wire, method: str, path: str) -> None:
    answer = susan.send(method, path, b"{}")
    assert answer.refusal == (404, "ResourceKindNotFound", "UnknownPath"), answer.body


@pytest.mark.parametrize("path", ["/sdatax/crmj/sagecrm2/-/company('2')", "/sdata-x", "/sdatacrmj", "/SDATAx/"])
def test_a_path_that_only_looks_like_the_contract_is_nothing(susan: Wire, path: str) -> None:
    answer = susan.get(path)
    assert answer.status == 404
    assert b"Trigen" not in answer.body


FORMS = [
    ("", {"GET", "HEAD"}),
    ("$whoami", {"GET", "HEAD"}),
    ("$prototypes", {"GET", "HEAD"}),
    ("$prototypes/Company", {"GET", "HEAD"}),
    ("Company", {"GET", "HEAD", "POST"}),
    ("Company('2')", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
    ("Company(comp_companyid eq 2)", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
    ("Company('2')/Person", {"GET", "HEAD", "POST"}),
    ("Company('2')/Person('2')", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
    ("Person('2')/Company", {"GET", "HEAD"}),
    ("Users", {"GET", "HEAD"}),
    ("Users('4')", {"GET", "HEAD"}),
    ("PhoneLink", {"GET", "HEAD"}),
]
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "LINK"}


@pytest.mark.parametrize(("path", "methods"), FORMS)
def test_06_every_wrong_method_is_answered_405_with_what_is_allowed(susan: Wire, path: str, methods: set[str]) -> None:
    for method in sorted(METHODS - methods):
        answer = susan.send(method, path, b"{}")
        assert answer.refusal == (405, "ApplicationDiagnosis", "MethodNotAllowed"), method
        assert set(answer.headers["Allow"].split(", ")) == methods | {"OPTIONS"}


@pytest.mark.parametrize(("path", "methods"), FORMS)
def test_06_options_says_what_is_allowed(susan: Wire, path: str, methods: set[str]) -> None:
    answer = susan.options(path)
    assert (answer.status, answer.body) == (204, b"")
    assert set(answer.headers["Allow"].split(", ")) == methods | {"OPTIONS"}


def test_06_allowed_is_what_the_caller_may_do() -> None:
    peter = login("peter")  # sees companies, changes cases, deletes his own
    assert peter.options("company").headers["Allow"] == "GET, HEAD, OPTIONS"
    assert peter.options("company('2')").headers["Allow"] == "GET, HEAD, OPTIONS"
    assert peter.options("cases").headers["Allow"] == "GET, HEAD, POST, OPTIONS"
    assert peter.post("company('2')", {}).headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "GET"])
def test_07_override_headers_have_no_effect(susan: Wire, name: str, method: str) -> None:
    before = susan.get("company('2')")
    assert susan.post("company('2')", {"comp_name": "Other"}, headers={name: method}).status == 405
    assert said(susan.get("company('2')", headers={name: method})) == said(before)
    assert said(susan.get("company('2')")) == said(before)


def test_07_an_override_parameter_is_an_unknown_one(susan: Wire) -> None:
    assert susan.get("company('2')", _method="DELETE").code == "UnknownParameter"
    assert susan.post("company", {"comp_name": "New"}, _method="DELETE").code == "UnknownParameter"


def test_an_address_says_back_what_was_typed(susan: Wire) -> None:
    answer = susan.get("NoSuchKind('1')")
    assert answer.diagnoses[0]["$message"] == "'NoSuchKind' is not an address of this service."


def test_urls_in_answers_are_absolute_and_canonical(susan: Wire) -> None:
    entry = susan.entry("companies(2)")
    assert entry["$url"] == f"http://testserver{BASE}/{at('Company', 2)}"
