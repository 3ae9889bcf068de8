"""Query parameters: which are taken where, and what their values say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.query.errors import QueryError
from api.query.limits import Limits
from api.query.parameters import (
    BATCH,
    CREATE,
    ENTRY,
    EXPLAIN,
    FEED,
    QUICK_FIND,
    WRITE,
    OrderTerm,
    body_pairs,
    parse_list_query,
    read_parameters,
)
from api.query.tree import Comparison, Name


def refused(pairs: list[tuple[str, str]], allowed: frozenset[str] = FEED) -> QueryError:
    with pytest.raises(QueryError) as caught:
        parse_list_query(pairs, allowed)
    caught.value.message.encode()
    return caught.value


def test_without_parameters_the_defaults_of_the_contract_hold() -> None:
    query = parse_list_query([])
    assert (query.where, query.order_by, query.select, query.include) == (None, (), None, ())
    assert (query.count, query.start_index, query.after) == (25, 1, None)
    assert query.with_total
    assert not query.with_labels
    assert query.given == {}


def test_everything_at_once() -> None:
    query = parse_list_query(
        [
            ("WHERE", "comp_name eq 'x'"),
            ("orderby", "comp_type, Company.Comp_Name DESC"),
            ("select", "prod_code,$ETAG,Person.Pers_LastName,*"),
            ("include", "person, opportunity.person"),
            ("Count", "5"),
            ("startIndex", "26"),
            ("totals", "none"),
            ("labels", "true"),
        ]
    )
    assert isinstance(query.where, Comparison)
    assert query.order_by == (
        OrderTerm(Name(("comp_type",), 1), False),
        OrderTerm(Name(("Company", "Comp_Name"), 12), True),
    )
    assert query.select == (
        Name(("prod_code",), 1),
        Name(("$etag",), 11),
        Name(("Person", "Pers_LastName"), 17),
        Name(("*",), 38),
    )
    assert query.include == (Name(("person",), 1), Name(("opportunity", "person"), 9))
    assert (query.count, query.start_index) == (5, 26)
    assert not query.with_total
    assert query.with_labels
    assert query.given["orderBy"] == "comp_type, Company.Comp_Name DESC"


@pytest.mark.parametrize("name", ["foo", "$where", "", "SID", "query", "atomic", "wher\u0065\u0301"])
def test_a_parameter_that_the_address_does_not_take_is_an_error(name: str) -> None:
    error = refused([(name, "1")])
    assert (error.application_code, error.sdata_code) == ("UnknownParameter", "BadQueryParameter")
    assert error.path == name


def test_where_on_an_entry_is_misplaced() -> None:
    error = refused([("where", "1=1")], ENTRY)
    assert (error.application_code, error.sdata_code) == ("UnknownParameter", "BadQueryParameter")


@pytest.mark.parametrize(
    ("allowed", "taken"),
    [
        (FEED, "where orderBy startIndex count after totals select include labels"),
        (ENTRY, "select include labels returnPartial"),
        (WRITE, "select include returnPartial"),
        (CREATE, "select include returnPartial allowDuplicate"),
        (BATCH, "atomic"),
        (QUICK_FIND, "query entity startIndex count after"),
        (EXPLAIN, "action field user at"),
    ],
)
def test_each_address_takes_the_parameters_of_the_table(allowed: frozenset[str], taken: str) -> None:
    assert set(read_parameters([(name, "x") for name in taken.split()], allowed)) == set(allowed)


@pytest.mark.parametrize("pair", [("count", "COUNT"), ("where", "where"), ("_t", "_T")])
def test_a_repeated_parameter_is_an_error_whatever_its_case(pair: tuple[str, str]) -> None:
    error = refused([(pair[0], "1"), (pair[1], "1")])
    assert (error.application_code, error.sdata_code) == ("RepeatedParameter", "BadQueryParameter")


def test_parameters_without_effect_are_accepted_everywhere() -> None:
    names = ["_t", "format", "_includeContent", "includeContent", "language", "precedence"]
    assert parse_list_query([(name, "1") for name in names], BATCH).given == {}
    names = [name.upper() for name in names]
    assert parse_list_query([(name, "") for name in names]).given == {}


def test_an_empty_condition_is_an_error_and_other_empty_lists_count_as_absent() -> None:
    error = refused([("where", "")])
    assert (error.application_code, error.sdata_code) == ("WhereSyntax", "BadWhereSyntax")
    blank = [("select", ""), ("orderBy", " "), ("include", ""), ("after", ""), ("startIndex", "2")]
    query = parse_list_query(blank)
    assert query.given == {"startIndex": "2"}
    assert query.select is None


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("1", 1), ("1000", 1000), ("5000", 1000), ("9" * 7_000, 1000), ("0025", 25)],
)
def test_count_is_lowered_to_the_maximum(text: str, count: int) -> None:
    assert parse_list_query([("count", text)]).count == count


def test_another_contract_brings_its_own_page_size() -> None:
    classic = Limits(page_default=10, page_maximum=100)
    assert parse_list_query([], limits=classic).count == 10
    assert parse_list_query([("count", "500")], limits=classic).count == 100


def test_an_endless_start_index_is_an_empty_page_and_not_an_overflow() -> None:
    assert parse_list_query([("startIndex", "9" * 7_000)]).start_index == 2**31 - 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("count", value) for value in ["-1", "x", "", "1.5", "+1", " 1", "1e3", "\u0661"]),
        *(("count", value) for value in ["-000000000000001", "-" + "9" * 7_000, "--1"]),
        *(("startIndex", value) for value in ["0", "-1", "x", "", "-0"]),
        *(("totals", value) for value in ["", "yes", "exact,none"]),
        *(("labels", value) for value in ["", "1", "yes"]),
        *(("orderBy", value) for value in ["a,", ",a", "a b", "a asc desc", "a;b", "1", "*"]),
        *(("orderBy", value) for value in ["a, A desc", "'a'", "a..b", "asc.", "count(a)", "a-b"]),
        *(("select", value) for value in ["a,,b", "a b", "Person.*", "a__b.", "$", "a.$key"]),
        *(("include", value) for value in ["a,", "*", "a b"]),
        *(("after", value) for value in ["\0", "\ud800"]),
    ],
)
def test_a_value_that_is_not_understood_is_an_error(name: str, value: str) -> None:
    error = refused([(name, value)])
    assert (error.application_code, error.sdata_code) == ("BadParameterValue", "BadQueryParameter")
    assert error.path == name


def test_flags_of_writes_and_batches() -> None:
    assert parse_list_query([("atomic", "TRUE")], BATCH).atomic
    assert parse_list_query([("allowDuplicate", "true")], CREATE).allow_duplicate
    assert not parse_list_query([("allowDuplicate", "false")], CREATE).allow_duplicate
    parse_list_query([("returnPartial", "true")], WRITE)
    assert refused([("returnPartial", "maybe")], WRITE).application_code == "BadParameterValue"


@pytest.mark.parametrize(
    ("name", "within", "beyond"),
    [
        ("orderBy", ",".join(f"a{i}" for i in range(8)), ",".join(f"a{i}" for i in range(9))),
        ("orderBy", "a.b.c.d", "a.b.c.d.e"),
        ("include", ",".join(["a"] * 10), ",".join(["a"] * 11)),
        ("include", "a.b", "a.b.c"),
        ("select", "a" * 8_000, "a" * 8_001),
    ],
)
def test_list_limits(name: str, within: str, beyond: str) -> None:
    parse_list_query([(name, within)])
    error = refused([(name, beyond)])
    assert (error.application_code, error.sdata_code) == ("LimitExceeded", "BadQueryParameter")


def test_a_cursor_and_a_start_index_exclude_each_other() -> None:
    error = refused([("after", "v1.x"), ("startIndex", "1")])
    assert (error.application_code, error.sdata_code) == ("CursorInvalid", "BadQueryParameter")
    assert parse_list_query([("after", "v1.x"), ("count", "3")]).after == "v1.x"


def test_a_body_says_the_same_as_a_query_string() -> None:
    body = {
        "where": "a = 1",
        "ORDERBY": ["a desc", "b"],
        "select": "a,b",
        "include": ["person"],
        "count": 3,
        "startIndex": "2",
        "totals": None,
    }
    assert parse_list_query(body_pairs(body)) == parse_list_query(
        [
            ("where", "a = 1"),
            ("orderBy", "a desc,b"),
            ("select", "a,b"),
            ("include", "person"),
            ("count", "3"),
            ("startIndex", "2"),
        ]
    )


def test_an_empty_condition_in_a_body_is_not_dropped() -> None:
    for empty in (None, "", " "):
        with pytest.raises(QueryError):
            parse_list_query(body_pairs({"where": empty}))


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("foo", 1, "UnknownMember"),
        ("labels", "true", "UnknownMember"),
        ("where", 1, "WrongType"),
        ("where", ["a = 1"], "WrongType"),
        ("count", True, "WrongType"),
        ("count", 1.5, "WrongType"),
        ("select", [1], "WrongType"),
        ("select", {}, "WrongType"),
        ("after", 5, "WrongType"),
    ],
)
def test_a_bad_body_is_refused_by_member(member: str, value: Any, code: str) -> None:
    with pytest.raises(QueryError) as caught:
        body_pairs({member: value})
    assert caught.value.application_code == code
    assert caught.value.sdata_code == "ApplicationDiagnosis"
    assert caught.value.path == member


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*FEED, "foo", "_t"]), st.text()), max_size=4))
def test_any_parameters_are_a_query_or_a_query_error(pairs: list[tuple[str, str]]) -> None:
    try:
        query = parse_list_query(pairs)
    except QueryError as error:
        error.message.encode()
    else:
        assert 0 <= query.count <= 1000
