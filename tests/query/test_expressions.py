"""Documented behaviour of conditions, one by one; errors of meaning; what reaches the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from api.query.errors import QueryError
from api.query.expressions import sort_key, where_expression
from api.query.parse import parse_where
from api.query.values import Clock
from tests.query import probe
from tests.query.probe import matching, probes, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.django_db
ROWS = {row["id"]: row for row in probe.rows()}
ALL = set(ROWS)


@pytest.fixture(scope="module", autouse=True)
def rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), probe.table():
        yield


TRUE = [
    "1 = 1",
    "'a' = 'A'",
    "1 eq '1'",
    "'5.0' eq 5",
    "null eq ''",
    "'' eq null",
    "1 ne null",
    "true eq 'Y'",
    "@2026-03-14@ eq '2026-03-13T18:30:00Z'",  # midnight in India
    "@2026-03-14T00:00:00@ eq '2026-03-14T00:00:00.9+05:30'",
    "2 mul 5 + 3 mul 2 eq 16",
    "2 mul (5 + 3) mul 2 eq 32",
    "10 - 3 - 2 eq 5",
    "10 div 4 eq 2.5",
    "10 div 3 eq 3.333333333333",
    "-10 div 3 eq -3.333333333333",
    "10 mod 3 eq 1",
    "-10 mod 3 eq -1",
    "0.1 + 0.2 eq 0.3",
    "1 eq 1 or 1 eq 2 and 1 eq 3",
    "1 in ('1', 2)",
    "null in ('', 2)",
    "'b' between 'A' and 'C'",
    "('a' = 'A') eq true",
    "'Maxim''s' eq \"maxim's\"",
    "'50%' like '50\\%' and not '50x' like '50\\%'",
    "'a_b' like 'a\\_b' and not 'axb' like 'a\\_b'",
    "'a\\b' like 'a\\\\b' and 'a\\b' like 'a\\b'",
    "'a\\' like 'a\\'",
    "12.50 like '12.5%'",
    "concat('John', ' ', 'Doe') eq 'John Doe'",
    "concat('a', null, 'b') eq 'ab'",
    "concat(null, '') eq null",
    "left('John', 1) eq 'J' and left('John', 9) eq 'John'",
    "right('John', 3) eq 'ohn' and right('John', 9) eq 'John'",
    "substring('John', 3, 2) eq 'hn' and substring('John', 9, 2) eq null",
    "lower('JOHN') like 'john' and ascii(lower('A')) eq 97 and ascii(upper('a')) eq 65",
    "replace('John', 'oh', 'ea') eq 'Jean'",
    "length('John') eq 4",
    "locate('oh', 'John') eq 2 and locate('x', 'John') eq 0",
    "lpad('John', 6, '*') eq '**John' and lpad('John', 2) eq 'Jo'",
    "rpad('John', 6, '*') eq 'John**' and length(rpad('John', 6)) eq 6",
    "trim('  hello  world  ') eq 'hello  world'",
    "ascii('J') eq 74 and char(74) eq 'J'",
    "abs(-3) eq 3 and sign(-3) eq -1 and sign(0) eq 0",
    "round(2.576, 2) eq 2.58 and round(2.5) eq 3 and round(-2.5) eq -3 and round(1250, -2) eq 1300",
    "trunc(2.576, 2) eq 2.57 and trunc(-2.5) eq -2",
    "floor(2.576) eq 2 and floor(-2.5) eq -3 and ceil(2.576) eq 3",
    "pow(5, 3) eq 125 and pow(2, -1) eq 0.5 and pow(4, 0.5) eq 2 and pow(0, 0) eq 1",
    "pow(10, -900) eq 0 and pow(-2, 3) eq -8",
    "currentTimestamp() eq '2026-03-14T23:30:00Z'",
    "currentDate() eq @2026-03-15@ and currentTime() eq '05:00' and currentTime() lt '05:00:01'",
    "hour(currentTime()) eq 5 and minute('05:07') eq 7 and second(currentTime()) eq 0",
    "year(@2026-03-14@) eq 2026 and month('2026-03-14') eq 3 and day(@2026-03-14T00:00:00Z@) eq 14",
    "hour(@2026-03-14T00:00:00Z@) eq 5 and minute(@2026-03-14T00:00:00Z@) eq 30",
    "millisecond(@2026-03-14@) eq 0",
    "tzHour(@2026-03-14@) eq 5 and tzMinute(@2026-03-14@) eq 30",
    "dateAdd(@2008-05-21@, 5) eq @2008-05-26@ and dateSub(@2008-05-21@, 21) eq @2008-04-30@",
    "timestampAdd(@2008-05-21T00:00:00Z@, 5000) eq @2008-05-21T00:00:05Z@",
    "timestampSub(@2008-05-21T00:00:00Z@, 86400001) lt @2008-05-20T00:00:00Z@",
    "year(@9999-12-31T23:59:59Z@) eq 10000",  # in India it is the next year already
]
EMPTY = [
    "1 div 0",
    "5 mod 0",
    "null + 1",
    "-null",
    "1" + "0" * 35 + " mul 10",
    "1" + "0" * 36 + " + 1",
    "pow(0, -1)",
    "pow(-2, 0.5)",
    "pow(10, 36)",
    "pow(9, 1001)",
    "pow(999999, 999)",
    "round(1, 13)",
    "round(1, 1.5)",
    "round(1, -37)",
    "trunc(1, 1" + "0" * 30 + ")",
    "round(9" + "9" * 35 + ", -36)",
    "length('')",
    "length(null)",
    "left('abc', -1)",
    "left('abc', 0)",
    "left('abc', 1.5)",
    "left('', 1)",
    "substring('abc', 0, 1)",
    "substring('abc', 1, -1)",
    "lpad('a', 1001)",
    "lpad('a', -1)",
    "lpad('a', 3, '')",
    "char(0)",
    "char(-1)",
    "char(55296)",
    "char(1114112)",
    "char(1" + "0" * 30 + ")",
    "replace('abc', '', 'x')",
    "replace('abc', 'b', '')",
    "locate('', 'abc')",
    "trim('   ')",
    "year(null)",
    "dateAdd(@2026-03-14@, 1.5)",
    "dateAdd(@2026-03-14@, 4000000)",
    "dateSub(@2026-03-14@, 999999)",
    "dateAdd(@2026-03-14@, 1" + "0" * 35 + ")",
    "dateAdd(null, 1)",
    "timestampAdd(@2026-03-14@, 1" + "0" * 35 + ")",
    "timestampSub(@0001-01-02T00:00:00Z@, 172800000)",
    "lpad(rpad('a', 1000), 1000, replace(rpad('', 5), 'x', 'y'))",
    "replace(" * 3 + "rpad('a', 1000, 'a')" + ", 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')" * 3,
]


@pytest.mark.parametrize("where", TRUE)
def test_true_of_every_row(where: str) -> None:
    assert matching(where) == ALL
    assert matching(f"not ({where})") == set()


@pytest.mark.parametrize("value", EMPTY)
def test_out_of_range_is_empty_and_never_an_error(value: str) -> None:
    assert matching(f"{value} eq null") == ALL
    assert matching(f"{value} ne null") == set()


def test_a_text_longer_than_the_longest_field_is_an_overflow() -> None:
    longest = f"replace(rpad('a', 1000, 'a'), 'a', '{'b' * 100}')"
    assert matching(f"length({longest}) eq 100000") == ALL
    assert matching(f"concat({longest}, 'b') eq null") == ALL
    assert matching(f"replace({longest}, 'b', 'cc') eq null") == ALL


@pytest.mark.parametrize(
    "name", ["number", "amount", "text", "memo", "moment", "codes", "other", "gone.text", "gone.flag", "gone.codes"]
)
def test_empty_values_equal_the_empty_value_and_nothing_else(name: str) -> None:
    empty = matching(f"{name} eq null")
    assert empty == matching(f"{name} eq ''") == matching(f"not {name} ne null")
    assert empty == ALL if name.startswith("gone") else empty < ALL
    assert empty
    assert matching(f"{name} ne null") == matching(f"'' ne {name}") == ALL - empty


def test_nothing_ordered_holds_of_an_empty_operand() -> None:
    for name, value in [("number", "0"), ("memo", "'a'"), ("moment", "@2026-03-14@"), ("gone.number", "number")]:
        empty = matching(f"{name} eq null")
        for operator in ("lt", "le", "gt", "ge"):
            assert not matching(f"{name} {operator} {value}") & empty
            assert not matching(f"{value} {operator} {name}") & empty
        assert not matching(f"{name} between {name} and {name}") & empty
    assert matching("text lt null or text ge '' or text between null and 'z' or text like ''") == set()
    assert matching("text like '%'") == matching("text ne null")


def test_two_empty_fields_are_equal() -> None:
    both = {key for key, row in ROWS.items() if not row["text"] and not row["memo"]}
    assert both
    assert both <= matching("text eq memo")
    assert matching("gone.number eq gone.amount") == ALL


def test_text_ignores_case_and_minds_accents_and_trailing_blanks() -> None:
    assert matching("text eq 'CUSTOMER'") == {k for k, row in ROWS.items() if row["text"] == "Customer"}
    assert matching("text eq 'é'") == {k for k, row in ROWS.items() if row["text"] == "É"}
    assert matching("text eq 'e'") == set()
    assert matching("text eq 'customer '") == {k for k, row in ROWS.items() if row["text"] == "CUSTOMER "}


def test_booleans_compare_with_yes_and_no() -> None:
    flagged = {key for key, row in ROWS.items() if row["flag"]}
    assert flagged == matching("flag") == matching("flag eq true") == matching("'y' = flag") == matching("flag ne 'N'")
    assert matching("not flag") == matching("flag eq false") == ALL - flagged
    assert matching("gone.flag or gone.flag eq false") == set()


def test_a_multi_selection_equals_each_of_its_codes() -> None:
    chosen = {key for key, row in ROWS.items() if "a" in [code.lower() for code in row["codes"] or ()]}
    assert matching("codes eq 'A'") == matching("'a' eq codes") == matching("codes in ('x', 'a')") == chosen
    assert matching("codes ne 'a'") == ALL - chosen
    assert matching("codes in (null, 'a')") == chosen | matching("codes eq null")
    assert matching("codes eq 5") == {key for key, row in ROWS.items() if row["codes"] == ["5"]}


def test_numbers_against_texts_and_patterns_are_their_decimal_text() -> None:
    assert matching("text eq 5") == {key for key, row in ROWS.items() if row["text"] == "5"}
    assert matching("text in (5, 10)") == {key for key, row in ROWS.items() if row["text"] in ("5", "10")}
    assert matching("amount like '12.5'") == matching("amount eq 12.5") != set()
    assert matching("amount like '5'") == matching("amount eq 5") != set()
    assert matching("number like '1%'") == {k for k, row in ROWS.items() if str(row["number"]).startswith("1")}


def test_numbers_beyond_the_column_compare_exactly() -> None:
    assert matching("number le 2147483647") == matching("number lt 2147483648") == matching("number ne null")
    assert matching("number eq 4294967297") == matching("number eq 1.5") == set()
    assert matching("number lt " + "9" * 7_000) == matching("number ne null")
    assert matching("number gt 0." + "0" * 6_000 + "1") == matching("number ge 1")


def test_dotted_names_stop_at_what_is_not_visible() -> None:
    seen = {k for k, row in ROWS.items() if row["other_id"] and not ROWS[row["other_id"]]["hidden"]}
    assert matching("other ne null") == matching("other.id ne null") == seen < ALL
    hidden = {k for k, row in ROWS.items() if row["other_id"] and ROWS[row["other_id"]]["hidden"]}
    assert hidden
    assert not matching("other eq $key or other ge -2147483648 or other.id ge 0") & hidden


def test_days_of_the_calendar_keep_the_wall_clock_when_summer_begins() -> None:
    clock = Clock(datetime(2026, 3, 28, 12, tzinfo=UTC), "Europe/Dublin")
    assert matching("dateAdd(@2026-03-28T12:00:00@, 1) eq @2026-03-29T12:00:00@", clock) == ALL
    assert matching("timestampAdd(@2026-03-28T12:00:00@, 86400000) eq @2026-03-29T13:00:00@", clock) == ALL
    assert matching("tzHour(@2026-03-28@) eq 0 and tzHour(@2026-03-30@) eq 1", clock) == ALL
    west = Clock(datetime(2026, 1, 1, 2, tzinfo=UTC), "America/St_Johns")
    assert matching("tzHour(currentDate()) eq -3 and tzMinute(currentDate()) eq -30", west) == ALL
    assert matching("currentDate() eq '2025-12-31' and year(currentTimestamp()) eq 2025", west) == ALL


@pytest.mark.parametrize(
    ("where", "position"),
    [
        ("text", 1),
        ("1", 1),
        ("true", 1),
        ("not 'a'", 5),
        ("(number)", 2),
        ("flag and number", 10),
        ("codes", 1),
        ("number eq 'x'", 11),
        ("number in (1, 'x')", 15),
        ("number between 1 and 'x'", 22),
        ("number eq true", 11),
        ("number eq @2026-03-14@", 11),
        ("text eq true", 9),
        ("text eq @2026-03-14@", 9),
        ("moment eq 5", 11),
        ("moment eq 'yesterday'", 11),
        ("moment eq '2026-02-30'", 11),
        ("moment eq '2026-03-14T25:00:00'", 11),
        ("moment gt '0001-01-01T00:00:00+10:00'", 11),
        ("moment eq number", 11),
        ("flag eq 1", 9),
        ("flag eq 'maybe'", 9),
        ("flag lt true", 1),
        ("flag in (true)", 1),
        ("flag like 'Y'", 1),
        ("codes lt 'a'", 1),
        ("codes like 'a'", 1),
        ("codes between 'a' and 'b'", 1),
        ("codes eq codes", 10),
        ("moment like '2026%'", 1),
        ("true like 't'", 1),
        ("'a' eq 1", 1),
        ("text + 1 eq 2", 1),
        ("1 + 'x' eq 2", 5),
        ("-flag eq 1", 2),
        ("length(flag) eq 1", 8),
        ("year(number) eq 1", 6),
        ("hour(number) eq 1", 6),
        ("hour('x') eq 1", 6),
        ("currentTime() eq '25:00'", 18),
        ("currentTime() eq moment", 18),
        ("concat(codes) eq 'a'", 8),
        ("(1=1) eq 'x'", 10),
    ],
)
def test_a_value_of_the_wrong_type_is_named_by_position(where: str, position: int) -> None:
    with pytest.raises(QueryError) as caught:
        matching(where)
    error = caught.value
    assert (error.application_code, error.sdata_code) == ("TypeMismatch", "BadWhereSyntax")
    assert (error.path, error.position) == ("where", position)
    assert error.message.endswith(f"at character {position}.")


@pytest.mark.parametrize("where", ["nosuch eq 1", "abs(nosuch) eq 1", "1 in (2) or nosuch", "other.nosuch like 'a'"])
def test_unknown_names_are_the_resolvers_answer(where: str) -> None:
    with pytest.raises(QueryError) as caught:
        matching(where)
    assert caught.value.application_code == "UnknownName"


def test_unknown_functions_and_wrong_numbers_of_arguments() -> None:
    for where, code in [
        ("nosuch(1) eq 1", "UnknownName"),
        ("pg_sleep(1) eq 1", "UnknownName"),
        ("left('a') eq 1", "WhereSyntax"),
        ("length() eq 1", "WhereSyntax"),
        ("round(1, 2, 3) eq 1", "WhereSyntax"),
        ("currentDate(1) eq 1", "WhereSyntax"),
        ("concat() eq 1", "WhereSyntax"),
        ("concat(" + ",".join(["1"] * 101) + ") eq 1", "WhereSyntax"),
    ]:
        with pytest.raises(QueryError) as caught:
            matching(where)
        assert caught.value.application_code == code, where


@pytest.mark.parametrize("text", ["x'; drop table query_probe_probe; --", "a%sb", "%(x)s", "{}", "/*", "\\", "%"])
def test_what_a_client_wrote_never_becomes_part_of_the_statement(text: str) -> None:
    def statement(written: str) -> str:
        literal = "'" + written.replace("'", "''") + "'"
        where = f"text eq {literal} or memo like {literal} or codes in ({literal}) or left({literal}, 1) ge {literal}"
        matching(where)
        return str(probes().filter(where_expression(parse_where(where), resolve)).query.sql_with_params()[0])

    assert statement(text) == statement("neutral")


def test_an_index_on_the_folded_text_serves_equality_prefix_range_and_order() -> None:
    def plan(where: str) -> str:
        condition = where_expression(parse_where(where), resolve)
        return probes().filter(condition).explain()

    with connection.cursor() as cursor:
        cursor.execute('CREATE INDEX probe_text ON query_probe_probe (lower("text") COLLATE "C", id)')
        cursor.execute("CREATE INDEX probe_number ON query_probe_probe (number)")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    conditions = ["eq 'Customer'", "like 'Cust%'", "in ('a', 'b')", "lt 'b'", "ge 'b'", "between 'a' and 'b'"]
    for condition in conditions:
        assert "Index Cond" in plan(f"text {condition}"), condition
    for condition in ("eq '5'", "in (1, '2')", "gt 7", "between 1 and 9.0"):
        assert "Index Cond" in plan(f"number {condition}"), condition
    ordered = probes().order_by(sort_key(resolve(("text",), 1)), "id")
    assert "Sort" not in ordered.explain()
    assert "Sort" not in ordered.reverse().explain()


def test_text_is_ordered_by_the_form_in_which_it_is_compared() -> None:
    found = list(probes().order_by(sort_key(resolve(("text",), 1)), "id").values_list("text", flat=True))
    assert [text.lower() for text in found] == sorted(text.lower() for text in found)


@pytest.mark.parametrize(
    "where",
    [
        "+".join(["number"] * 101) + " gt 1",
        "amount" + " div 1.01" * 100 + " gt 0",
        "-" * 100 + "number gt 0",
        "left(" * 20 + "memo" + ", 5)" * 20 + " eq 'a'",
        "pow(" * 20 + "number" + ", 2)" * 20 + " eq 1",
        "dateAdd(" * 20 + "moment" + ", 2)" * 20 + " gt @2026-03-14@",
        " and ".join(["left(memo, 5) eq replace(text, 'a', 'b')"] * 50),
        "not (" * 20 + "flag" + ")" * 20,
        "text in (" + ",".join(f"'{n}'" for n in range(1_000)) + ")",
        "codes in (" + ",".join(f"{n}" for n in range(1_000)) + ")",
        "concat(" + ",".join(["memo"] * 100) + ") eq 'a'",
    ],
)
def test_the_largest_conditions_need_neither_deep_stacks_nor_long_times(where: str) -> None:
    def below(frames: int) -> set[int]:
        return matching(where) if frames == 0 else below(frames - 1)

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '10s'")  # that of a request, contract §20
    assert below(600) <= ALL
