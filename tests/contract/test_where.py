"""Conditions over the wire: the contract's examples, limits, two-valued logic; semantics are tests/query's."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from entities.models import Company
from security.gate import system_rows
from tests.api.wire import Wire, login

if TYPE_CHECKING:
    from tests.api.wire import Answer


def matching(wire: Wire, kind: str, condition: str) -> int:
    found: int = wire.entry(kind, where=condition, count=0)["$totalResults"]
    return found


@pytest.mark.parametrize(
    "path",
    [
        "company?where=comp_name like 'A%25' and comp_type eq 'customer'&orderBy=comp_name desc",
        "company?where=comp_companyid in ('43','45')",
        "company?where=comp_companyid between 43 and 50",
        "person?where=concat(pers_firstname, pers_lastname) eq 'AdamShaw'",
        "company?where=comp_updateddate gt @2020-03-14@",
        "Pricing?where=pric_productid eq 9 and pric_active eq 'Y'",
        "company?where=comp_website ne null and not (comp_status eq 'Closed')",
        "opportunity?where=Company.Comp_Type eq 'Customer' and oppo_closed eq null",
    ],
)
def test_48_the_examples_of_the_contract_find_something(admin: Wire, path: str) -> None:
    assert admin.keys(path)


def test_50_text_is_compared_without_regard_to_case(susan: Wire) -> None:
    for key, name in ((2, "Maxim's 100% a\\b_c"), (10, "Aa"), (14, "ä")):
        assert susan.patch(f"company('{key}')", {"comp_name": name}).status in (200, 403, 404)
    assert susan.keys("company", where="comp_name eq 'maXim''s 100% A\\b_c'") == [2]
    assert susan.keys("company", where='comp_name eq "Maxim\'s 100% a\\b_c"') == [2]
    assert susan.keys("company", where="comp_name like 'MAXIM%'") == [2]
    assert susan.keys("company", where="comp_name like '%100\\% %'") == [2]
    assert susan.keys("company", where="comp_name like '%b\\_c'") == [2]
    assert matching(susan, "company", "comp_type eq 'prospect'") == matching(
        susan, "company", "comp_type eq 'PROSPECT'"
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("company", "comp_website"),
        ("company", "comp_type"),
        ("company", "comp_segmentid"),
        ("company", "comp_intlastsyncdate"),
        ("company", "comp_primarypersonid"),
        ("company", "comp_optout"),
        ("opportunity", "oppo_forecast"),
        ("opportunity", "oppo_note"),
        ("person", "pers_type"),
    ],
)
@pytest.mark.parametrize("logon", ["admin", "olivia"])
def test_51_empty_is_asked_for_in_two_ways(logon: str, kind: str, name: str) -> None:
    wire = login(logon)
    if wire.get(kind, where=f"{name} eq null").status == 400:
        assert name == "oppo_forecast"
        return
    total = wire.entry(kind, count=0)["$totalResults"]
    empty = matching(wire, kind, f"{name} eq null")
    assert matching(wire, kind, f"{name} eq ''") == empty
    assert matching(wire, kind, f"{name} ne null") == matching(wire, kind, f"{name} ne ''") == total - empty


def test_51_booleans(admin: Wire) -> None:
    for yes in ("eq true", "eq 'Y'", "ne false", "eq 'y'"):
        assert matching(admin, "company", f"comp_promote {yes}") == system_rows(Company).filter(promote=True).count()
    assert matching(admin, "company", "not comp_promote") == system_rows(Company).filter(promote=False).count()


def random_condition(source: random.Random, depth: int = 3) -> str:
    """Return a condition over companies, with empty and awkward values."""
    if depth and source.random() < 0.5:
        left, right = (random_condition(source, depth - 1) for _ in range(2))
        return source.choice((f"({left}) and ({right})", f"({left}) or ({right})", f"not ({left})"))
    text = source.choice(("comp_name", "comp_website", "comp_type", "Person.pers_lastname", "Users.user_logon"))
    number = source.choice(("comp_companyid", "comp_segmentid", "comp_primarypersonid", "length(comp_name)", "$key"))
    value = source.choice(("'a'", "''", "null", "'%'", "'Customer'", "'T'"))
    amount = source.choice(("1", "null", "-5", "'7'", "0", "30", "1 div 0"))
    operator = source.choice(("eq", "ne", "lt", "le", "gt", "ge"))
    return source.choice(
        (
            f"{text} {operator} {value}",
            f"{number} {operator} {amount}",
            f"{text} like 'a%'",
            f"{text} in ('x', null, 'Prospect')",
            f"{number} between 2 and 20",
            "comp_promote",
            "comp_promote eq comp_optout",
        )
    )


@pytest.mark.parametrize("logon", ["admin", "olivia"])
def test_49_a_condition_and_its_negation_divide_the_visible_records(logon: str) -> None:
    wire, source = login(logon), random.Random(49)
    total = wire.entry("company", count=0)["$totalResults"]
    for _ in range(25):
        condition = random_condition(source)
        assert matching(wire, "company", condition) + matching(wire, "company", f"not ({condition})") == total, (
            condition
        )


def refused(answer: Answer, code: str) -> bool:
    assert answer.refusal == (400, "BadWhereSyntax", code), answer.body
    return True


def test_52_limits(susan: Wire) -> None:
    thousand = ",".join(map(str, range(1, 1001)))
    assert susan.get("company", where=f"comp_companyid in ({thousand})").status == 200
    assert refused(susan.get("company", where=f"comp_companyid in ({thousand},1001)"), "LimitExceeded")
    for depth, served in ((20, True), (21, False)):
        answer = susan.get("company", where="(" * depth + "1=1" + ")" * depth)
        assert answer.status == 200 if served else refused(answer, "LimitExceeded")
    for tests, served in ((100, True), (101, False)):
        answer = susan.get("company", where=" or ".join(["$key=1"] * tests))
        assert answer.status == 200 if served else refused(answer, "LimitExceeded")


def test_52_a_condition_has_8000_characters(susan: Wire) -> None:
    for length, served in ((8_000, True), (8_001, False)):
        where = "comp_name eq '" + "x" * (length - 15) + "'"
        assert len(where) == length
        answer = susan.post("company/$query", {"where": where})
        assert answer.status == 200 if served else refused(answer, "LimitExceeded")


def test_52_a_predicate_has_the_limits_of_a_condition(susan: Wire) -> None:
    deep = "(" * 21 + "1=1" + ")" * 21
    assert refused(susan.get(f"company({deep})"), "LimitExceeded")
    assert "$payloadPath" not in susan.get(f"company({deep})").diagnoses[0]


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("comp_name", "TypeMismatch"),
        ("comp_name eq", "WhereSyntax"),
        ("comp_name eq 'x", "WhereSyntax"),
        ("comp_name eq 'x' and", "WhereSyntax"),
        ("comp_name == 'x'", "WhereSyntax"),
        ("comp_name eq 'x' -- y", "UnknownName"),
        ("comp_name eq 'x'; drop table x", "WhereSyntax"),
        ("comp_name eq x y", "WhereSyntax"),
        ("comp_companyid eq 'x'", "TypeMismatch"),
        ("comp_optout gt true", "TypeMismatch"),
        ("comp_optout eq 1", "TypeMismatch"),
        ("comp_updateddate eq 'yesterday'", "TypeMismatch"),
        ("comp_updateddate eq @2026-02-30@", "WhereSyntax"),
        ("comp_updateddate eq @99999-01-01@", "WhereSyntax"),
        ("nosuch(comp_name) eq 1", "UnknownName"),
        ("comp_name eq '\u0000'", "WhereSyntax"),
        ("exists(select 1)", "WhereSyntax"),
        ("comp_name in (comp_type)", "WhereSyntax"),
        ("comp_name like comp_type", "WhereSyntax"),
    ],
)
def test_what_cannot_be_understood_is_refused(susan: Wire, condition: str, code: str) -> None:
    assert refused(susan.get("company", where=condition), code)


def test_the_place_of_an_error_is_told(susan: Wire) -> None:
    (told,) = susan.get("company", where="comp_name eq 'x' and comp_nosuch eq 1").diagnoses
    assert told["$message"] == "'comp_nosuch' is not a field of Company, at character 22."
    assert told["$payloadPath"] == "where"


PIECES = ["comp_name", "comp_companyid", "eq", "and", "or", "not", "(", ")", "'x'", "1", ",", "in", "like", "between"]
PIECES += [
    "null",
    "true",
    "@2026-01-01@",
    "concat",
    "length",
    ".",
    "Person",
    "-",
    "+",
    "mul",
    "'",
    '"',
    "@",
    "$key",
    "$",
]
PIECES += [
    "\\",
    "%",
    "💥",
    "é",
    "\t",
    "1e5",
    "0x1",
    "..",
    "--",
    "/*",
    "substring",
    "999999999999999999999",
    "power",
    "=",
]


def test_52_no_text_makes_the_server_fail(susan: Wire) -> None:
    source = random.Random(52)
    for _ in range(250):
        text: str = source.choice((" ", "")).join(source.choices(PIECES, k=source.randint(1, 12)))
        answer = susan.get("company", where=text or " ")
        assert answer.status in (200, 400), text
        if answer.status == 400:
            assert answer.code in ("WhereSyntax", "UnknownName", "TypeMismatch", "LimitExceeded"), text


@pytest.mark.parametrize(
    "condition",
    [
        "1 div 0 eq null",
        "comp_companyid mul 999999999 mul 999999999 mul 999999999 mul 999999999 ge 0 or 1=1",
        "pow(10, 1000) eq null",
        "pow(-1, 0.5) eq null",
        "substring(comp_name, -5, 99999999) ne 'x'",
        "lpad('x', 99999999, 'y') eq null",
        "char(99999999) eq null",
        "char(0) eq null",
        "dateAdd(comp_createddate, 999999999) eq null",
        "year(comp_createddate) gt 0",
        "comp_companyid lt 99999999999999999999999999999999999999999999999999",
        "round(comp_companyid, 99) gt 0",
        "comp_companyid - -2147483648 gt 2147483647",
    ],
)
def test_what_cannot_be_computed_is_empty(susan: Wire, condition: str) -> None:
    assert susan.get("company", where=condition, count=1).status == 200


def test_a_condition_may_name_any_relation_three_deep(susan: Wire) -> None:
    assert susan.get("cases", where="Person.Company.Users.User_Logon eq 'susan'").status == 200
    too_deep = "Person.Company.Users.Territories.Terr_Caption eq 'x'"
    assert refused(susan.get("cases", where=too_deep), "LimitExceeded")


def test_numbers_in_quotes_and_texts_without(admin: Wire) -> None:
    everything: dict[str, Any] = {"company": "comp_companyid eq '1'", "opportunity": "oppo_opportunityid = 1"}
    for kind, condition in everything.items():
        assert admin.keys(kind, where=condition) == [1]
