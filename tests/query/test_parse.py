"""Text to tree: what the grammar accepts, what it refuses and where it says the fault is."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.query.errors import QueryError
from api.query.limits import Limits
from api.query.parse import parse_selector, parse_where
from api.query.tree import (
    And,
    Arithmetic,
    Between,
    Comparison,
    Function,
    Group,
    Like,
    Literal,
    Membership,
    Name,
    Negative,
    Not,
    Or,
)

EXAMPLES = 20_000 if os.environ.get("PARAPET_DEEP") else 200


def number(text: str, position: int) -> Literal:
    return Literal("number", text, position)


def field(name: str, position: int) -> Name:
    return Name(tuple(name.split(".")), position)


@pytest.mark.parametrize(
    "text",
    [
        "comp_name like 'A%' and comp_type eq 'customer'",
        "comp_companyid in ('43','45')",
        "comp_companyid between 43 and 50",
        "concat(pers_firstname, pers_lastname) eq 'AdaSample'",
        "comp_updateddate gt @2026-03-14@",
        "pric_productid eq 9 and pric_active eq 'Y'",
        "comp_website eq null and not (comp_status eq 'Closed')",
        "Company.Comp_Type eq 'Customer' and oppo_closed eq null",
        "not Pers_OptOut",
        "1=2",
        "'a' = 'a'",
        "left(name,1) between 'A' and 'N'",
        "$updated ge @2026-03-14T10:00:00+01:00@",
        "currentDate() gt oppo_closed",
        "comp_secterr in (-2147483640, 5)",
        "\tcomp_name\r\nEQ 'x'",
    ],
)
def test_documented_forms_are_understood(text: str) -> None:
    parse_where(text)


def test_or_binds_looser_than_and_and_chains_stay_flat() -> None:
    tree = parse_where("a = 1 or b = 2 and c = 3 or d = 4")
    assert isinstance(tree, Or)
    assert [type(part) for part in tree.operands] == [Comparison, And, Comparison]


def test_not_binds_looser_than_a_comparison_and_tighter_than_and() -> None:
    tree = parse_where("not a = 1 and b")
    assert tree == And(
        (
            Not(Comparison("eq", field("a", 5), number("1", 9), 5), 1),
            field("b", 15),
        ),
        1,
    )


def test_the_and_of_between_is_not_a_conjunction() -> None:
    tree = parse_where("a between 1 and 2 and b between 3 and 4")
    assert isinstance(tree, And)
    assert [type(part) for part in tree.operands] == [Between, Between]


def test_products_bind_tighter_than_sums_and_both_associate_to_the_left() -> None:
    assert parse_where("a - b - c mul 2") == Arithmetic(
        "-",
        Arithmetic("-", field("a", 1), field("b", 5), 1),
        Arithmetic("mul", field("c", 9), number("2", 15), 9),
        1,
    )


def test_brackets_hold_a_condition_or_a_sum() -> None:
    assert parse_where("(a + 1) mul 2 = (b)") == Comparison(
        "eq",
        Arithmetic(
            "mul",
            Group(Arithmetic("+", field("a", 2), number("1", 6), 2), 1),
            number("2", 13),
            1,
        ),
        Group(field("b", 18), 17),
        1,
    )
    assert isinstance(parse_where("((a = 1 or b))"), Group)


def test_keywords_names_and_protocol_names_ignore_case_and_names_keep_their_spelling() -> None:
    assert parse_where("$Key GE 1 AnD NOT Comp_Name LiKe 'x'") == And(
        (
            Comparison("ge", Name(("$key",), 1), number("1", 9), 1),
            Not(Like(field("Comp_Name", 19), Literal("string", "x", 34), 19), 15),
        ),
        1,
    )


def test_a_name_that_begins_like_a_keyword_is_a_name() -> None:
    assert parse_where("order_in = notes") == Comparison("eq", field("order_in", 1), field("notes", 12), 1)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("'Maxim''s'", "Maxim's"),
        ('"Maxim\'s"', "Maxim's"),
        ('"say ""x"""', 'say "x"'),
        ("''", ""),
        ("''''", "'"),
        ("'a\\%'", "a\\%"),
        ("'(and 100% é 😀)'", "(and 100% é 😀)"),
    ],
)
def test_quoted_text(written: str, meant: str) -> None:
    assert parse_where(f"a = {written}") == Comparison("eq", field("a", 1), Literal("string", meant, 5), 1)


def test_literals_keep_their_kind_and_text() -> None:
    tree = parse_where("a in ('43', 043.50, -7, true, NULL, @2026-03-14T00:00:00Z@)")
    assert tree == Membership(
        field("a", 1),
        (
            Literal("string", "43", 7),
            number("043.50", 13),
            number("-7", 21),
            Literal("boolean", "true", 25),
            Literal("null", "", 31),
            Literal("date", "2026-03-14T00:00:00Z", 37),
        ),
        1,
    )


def test_minus_before_a_number_is_part_of_it_and_otherwise_an_operation() -> None:
    assert parse_where("-5") == number("-5", 1)
    assert parse_where("- -5") == Negative(number("-5", 3), 1)
    assert parse_where("5-3") == Arithmetic("-", number("5", 1), number("3", 3), 1)
    assert parse_where("-a") == Negative(field("a", 2), 1)


def test_pairs_of_not_cancel_out() -> None:
    assert parse_where("not " * 1000 + "a") == field("a", 4001)
    assert parse_where("not " * 1001 + "a") == Not(field("a", 4005), 1)


def test_calls() -> None:
    assert parse_where("currentDate() = f(a, 1)") == Comparison(
        "eq",
        Function("currentDate", (), 1),
        Function("f", (field("a", 19), number("1", 22)), 17),
        1,
    )


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 1),
        ("  \t", 1),
        ("comp_name eq", 13),
        ("comp_name eq 'abc", 14),
        ("a = 'it''s", 5),
        ("a = @2026-03-14", 5),
        ("a = @2026-02-30@", 5),
        ("a = @2026-03-14 10:00:00@", 5),
        ("a = @yesterday@", 5),
        ("a = 1 b", 7),
        ("a = b = c", 7),
        ("a = 1 and", 10),
        ("(a = 1", 7),
        ("a = 1)", 6),
        ("()", 2),
        ("a in ()", 7),
        ("a in (b)", 7),
        ("a in 1", 6),
        ("a like b", 8),
        ("a like 1", 8),
        ("a = 1.", 5),
        ("a = .5", 5),
        ("a = 1.2.3", 5),
        ("a = 1e5", 5),
        ("a = 12b", 5),
        ("a == 1", 4),
        ("a <> 1", 3),
        ("a = 1; drop table x", 6),
        ("$uuid = 1", 1),
        ("a = $keys", 5),
        ("a. = 1", 4),
        ("and = 1", 1),
        ("a = in", 5),
        ("li\u212ae = 1", 3),  # a Kelvin sign is no k
        ("a = \u0661", 5),  # nor is an Arabic digit a digit
        ("a\u00a0= 1", 2),  # nor a no-break space a blank
        ("a = '\0'", 6),
        ("a = '\ud800'", 6),
        ("a = 1 /* x */", 7),
    ],
)
def test_a_syntax_error_names_its_position(text: str, position: int) -> None:
    with pytest.raises(QueryError) as caught:
        parse_where(text)
    error = caught.value
    assert (error.application_code, error.sdata_code) == ("WhereSyntax", "BadWhereSyntax")
    assert (error.path, error.position) == ("where", position)
    if text.strip():
        assert error.message.endswith(f"at character {position}.")
    error.message.encode()


LIMITS = Limits()


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        ("a = 1" + " " * 7_995, "a = 1" + " " * 7_996),
        ("(" * 20 + "a = 1" + ")" * 20, "(" * 21 + "a = 1" + ")" * 21),
        ("f(" * 20 + "a" + ")" * 20, "f(" * 21 + "a" + ")" * 21),
        ("not (" * 20 + "a" + ")" * 20, "not (" * 21 + "a" + ")" * 21),
        (" and ".join(["a = 1"] * 100), " and ".join(["a = 1"] * 101)),
        (" or ".join(["not a"] * 100), " or ".join(["not a"] * 101)),
        ("a in (" + ",".join(["1"] * 1_000) + ")", "a in (" + ",".join(["1"] * 1_001) + ")"),
        ("+".join(["a"] * 101), "+".join(["a"] * 102)),
        ("-" * 100 + "a", "-" * 101 + "a"),
        ("a.b.c.d = 1", "a.b.c.d.e = 1"),
    ],
    ids=["length", "brackets", "calls", "not", "tests", "bare", "in", "sums", "minus", "hops"],
)
def test_each_limit_lets_its_value_pass_and_nothing_beyond(within: str, beyond: str) -> None:
    parse_where(within)
    with pytest.raises(QueryError) as caught:
        parse_where(beyond)
    assert caught.value.application_code == "LimitExceeded"
    assert caught.value.sdata_code == "BadWhereSyntax"


def test_a_condition_of_eight_thousand_characters_works() -> None:
    parse_where("a = '" + "x" * 7_994 + "'")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 8_000,
        "(" * 100_000,
        "(" * 3_990 + "1=1" + ")" * 3_990,
        "f(" * 4_000,
        "1" + "+1" * 3_999,
        "a.a" * 2_000,
        "'" * 7_999,
        "@" * 7_999,
        "not " * 1_999,
        "a in (" + "1," * 3_990 + "1)",
    ],
)
def test_long_and_deep_texts_are_refused_without_exhausting_anything(text: str) -> None:
    with pytest.raises(QueryError):
        parse_where(text)


VOCABULARY = """
    a comp_x Company . $key $updated ( ) , + - = eq ne lt like in between and or not mul div mod
    true null 1 0.5 '' 'x' "y" @2026-03-14@ ' " @ concat( f( \0 \\ % é
"""
WORDS = st.sampled_from(VOCABULARY.split())


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.one_of(st.text(), st.lists(WORDS, max_size=30).map(" ".join)))
def test_any_text_is_a_tree_or_a_query_error(text: str) -> None:
    try:
        parse_where(text)
    except QueryError as error:
        assert error.application_code in ("WhereSyntax", "LimitExceeded")
        error.message.encode()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("'43'", ("string", "43")),
        ('"43"', ("string", "43")),
        ("43", ("number", "43")),
        ("-5", ("number", "-5")),
        (" 43 ", ("number", "43")),
    ],
)
def test_a_selector_of_one_literal_is_a_key(text: str, key: tuple[str, str]) -> None:
    node = parse_selector(text)
    assert isinstance(node, Literal)
    assert (node.kind, node.text) == key


def test_any_other_selector_is_a_condition_or_a_bad_selector() -> None:
    assert isinstance(parse_selector("comp_companyid eq '962'"), Comparison)
    for text in ("", "comp_name eq", "43 45"):
        with pytest.raises(QueryError) as caught:
            parse_selector(text)
        error = caught.value
        assert (error.application_code, error.sdata_code) == ("BadSelector", "BadUrlSyntax")
        assert error.path is None
