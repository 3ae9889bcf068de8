"""The formulas of lines and documents against the example of the catalogue and a slow oracle over fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entities.rules.arithmetic import (
    AmountTooLarge,
    Discount,
    Line,
    LineSums,
    compute_document,
    compute_line,
    round_half_away,
    sum_lines,
)

D = Decimal


def nearest(value: Fraction, places: int) -> Fraction:
    """Round half away from zero, by whole numbers."""
    units = floor(abs(value) * 10**places + Fraction(1, 2))
    return Fraction(units if value >= 0 else -units, 10**places)


def exact(value: Decimal | None) -> Fraction:
    assert value is not None
    return Fraction(value)


def test_the_example_of_the_catalogue_gives_exactly_its_numbers() -> None:
    first = compute_line(Line("i", D(3), D("19.99"), D("17.50")), 2)
    second = compute_line(Line("i", D(2), D(5), D(5)), 2)
    document = compute_document(sum_lines([first, second]), Discount("PC", D(10)), 2)
    assert (first.discount, second.discount) == (D("2.49"), D(0))
    assert (first.discount_sum, second.discount_sum) == (D("7.47"), D(0))
    assert (first.quoted_price_total, second.quoted_price_total) == (D("52.50"), D(10))
    assert (document.nett_amt, document.no_disc_amt) == (D("62.5"), D("69.97"))
    assert (document.discount_pc, document.discount_amt, document.gross_amt) == (D(10), D("6.25"), D("56.25"))


@pytest.mark.parametrize(
    ("value", "places", "rounded"),
    [
        ("0.005", 2, "0.01"),
        ("-0.005", 2, "-0.01"),
        ("2.5", 0, "3"),
        ("-2.5", 0, "-3"),
        ("0.0049999999999", 2, "0"),
        ("123456789012345678.1234565", 6, "123456789012345678.123457"),
    ],
)
def test_halves_round_away_from_zero(value: str, places: int, rounded: str) -> None:
    assert round_half_away(D(value), places) == D(rounded)


def test_zero_has_no_sign() -> None:
    assert str(round_half_away(D("-0.001"), 2)) == "0.00"


def test_free_text_is_its_own_list_price_and_a_comment_has_no_amounts() -> None:
    free = compute_line(Line("f", D(2), D(99), D("1.5"), D(20)), 2)
    assert (free.list_price, free.discount, free.quoted_price_total, free.tax) == (D("1.5"), D(0), D(3), D("0.6"))
    comment = compute_line(Line("c"), 2)
    assert {*vars(comment).values()} == {None}
    assert sum_lines([free, comment]).quoted_price_total == D(3)


def test_an_item_without_price_costs_its_list_price() -> None:
    line = compute_line(Line("i", D(2), D("19.99")), 2)
    assert (line.quoted_price, line.discount_rate) == (D("19.99"), D(0))


def test_a_discount_amount_is_lowered_to_the_net_amount() -> None:
    document = compute_document(LineSums(D(0), D(40)), Discount("AM", amt=D(50)), 2)
    assert (document.discount_amt, document.discount_pc, document.gross_amt) == (D(40), D(100), D(0))
    empty = compute_document(LineSums(), Discount("AM", amt=D(50)), 2)
    assert (empty.discount_amt, empty.discount_pc) == (D(0), D(0))


@pytest.mark.parametrize(
    "line",
    [
        Line("f", D(10) ** 10, None, D(10) ** 8),
        Line("i", D(1), D("0.000001"), D(10) ** 9),
    ],
)
def test_what_does_not_fit_its_column_is_refused(line: Line) -> None:
    with pytest.raises(AmountTooLarge):
        compute_line(line, 2)


def test_a_sum_that_does_not_fit_is_refused() -> None:
    with pytest.raises(AmountTooLarge):
        compute_document(LineSums(quoted_price_total=D(10) ** 18), Discount(), 2)


numbers = st.decimals(0, 10**6, places=6)
quantities = st.decimals(D("0.000001"), 10**4, places=6)
percentages = st.decimals(0, 100, places=2)
lines = st.builds(
    Line,
    st.sampled_from(["i", "i", "f", "c"]),
    quantities,
    st.one_of(st.just(D(0)), st.decimals(1, 10**6, places=6)),
    st.one_of(st.none(), numbers),
    percentages,
)
discounts = st.builds(Discount, st.sampled_from(["PC", "AM"]), percentages, numbers)


@settings(max_examples=400, deadline=None)
@given(st.lists(lines, max_size=8), discounts, st.integers(0, 6))
def test_random_documents_obey_every_formula(given_lines: list[Line], discount: Discount, places: int) -> None:
    nett = saved = tax = Fraction(0)
    amounts = [compute_line(line, places) for line in given_lines]
    for line, amount in zip(given_lines, amounts, strict=True):
        if line.type == "c":
            assert {*vars(amount).values()} == {None}
            continue
        quantity, listed = exact(line.quantity), exact(line.list_price)
        price = listed if line.quoted_price is None else exact(line.quoted_price)
        listed = price if line.type == "f" else listed
        total, off = nearest(quantity * price, places), nearest((listed - price) * quantity, places)
        rate = nearest((listed - price) / listed * 100, 2) if listed else Fraction(0)
        line_tax = nearest(total * exact(line.tax_rate) / 100, places)
        assert exact(amount.quoted_price_total) == total
        assert exact(amount.discount) == listed - price
        assert exact(amount.discount_sum) == off
        assert exact(amount.discount_rate) == rate
        assert exact(amount.tax) == line_tax
        nett, saved, tax = nett + total, saved + off, tax + line_tax
    document = compute_document(sum_lines(amounts), discount, places)
    if discount.type == "PC":
        percent, amount_off = exact(discount.pc), nearest(nett * exact(discount.pc) / 100, places)
    else:
        amount_off = min(exact(discount.amt), nett)
        percent = nearest(amount_off / nett * 100, 2) if nett else Fraction(0)
    assert exact(document.nett_amt) == nett
    assert exact(document.line_item_disc) == saved
    assert exact(document.no_disc_amt) == nett + saved
    assert exact(document.discount_amt) == amount_off
    assert exact(document.discount_pc) == percent
    assert exact(document.gross_amt) == nett - amount_off
    assert exact(document.tax) == tax
    assert 0 <= document.discount_amt <= max(document.nett_amt, D(0))
