"""The arithmetic of quotes (entities.md §6.1, §6.2): pure functions over decimals.

It knows formulas and rounding; it must not know models, rows or who asks.
Never binary floating point.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ITEM, FREE_TEXT, COMMENT = "i", "f", "c"
PERCENT, AMOUNT = "PC", "AM"

ZERO = Decimal(0)
HUNDRED = Decimal(100)
RATE_DIGITS = 2
AMOUNT_LIMIT = Decimal(10) ** 18
RATE_LIMIT = Decimal(10) ** 10
# The product of two numeric(24,6) has 48 digits; a quotient needs as many again to be told from
# a tie.
EXACT = Context(prec=120, rounding=ROUND_HALF_UP)


class AmountTooLarge(ArithmeticError):
    """A result does not fit its column: numeric(24,6) of an amount, numeric(12,2) of a rate."""


@dataclass(frozen=True)
class Line:
    """What is given of one line; ``type`` is ``i``, ``f`` or ``c``, the tax rate is in percent."""

    type: str
    quantity: Decimal | None = None
    list_price: Decimal | None = None
    quoted_price: Decimal | None = None
    tax_rate: Decimal | None = None


@dataclass(frozen=True)
class LineAmounts:
    """The columns of a line, named like the model's attributes; all empty for a comment."""

    list_price: Decimal | None
    quoted_price: Decimal | None
    quoted_price_total: Decimal | None
    discount: Decimal | None
    discount_sum: Decimal | None
    discount_rate: Decimal | None
    tax: Decimal | None


@dataclass(frozen=True)
class LineSums:
    """The sums over the live lines of a document."""

    discount_sum: Decimal = ZERO
    quoted_price_total: Decimal = ZERO
    tax: Decimal = ZERO


@dataclass(frozen=True)
class Discount:
    """The discount of a document: the type (``PC``, ``AM``) says which of the two is given."""

    type: str = PERCENT
    pc: Decimal = ZERO
    amt: Decimal = ZERO


@dataclass(frozen=True)
class DocumentAmounts:
    """The computed columns of a document, named like the model's attributes."""

    line_item_disc: Decimal
    nett_amt: Decimal
    no_disc_amt: Decimal
    discount_pc: Decimal
    discount_amt: Decimal
    gross_amt: Decimal
    tax: Decimal


def round_half_away(value: Decimal, places: int) -> Decimal:
    """Round to ``places`` decimal places, half away from zero (entities.md §6.1); never -0."""
    return EXACT.add(value.quantize(Decimal(1).scaleb(-places), context=EXACT), ZERO)


def compute_line(line: Line, places: int) -> LineAmounts:
    """Return the amounts of ``line`` in a currency of ``places`` decimal places (entities.md §6.2).

    A quoted price that is not given is the list price; the list price of free text is its quoted
    price. Raises ``AmountTooLarge``.
    """
    if line.type == COMMENT:
        return LineAmounts(None, None, None, None, None, None, None)
    given_list, given_price = line.list_price or ZERO, line.quoted_price
    price = given_list if given_price is None else given_price
    base = price if line.type == FREE_TEXT else given_list
    quantity, tax_rate = line.quantity or ZERO, line.tax_rate or ZERO
    with localcontext(EXACT):
        discount = base - price
        total = round_half_away(quantity * price, places)
        return LineAmounts(
            list_price=_amount(base),
            quoted_price=_amount(price),
            quoted_price_total=_amount(total),
            discount=_amount(discount),
            discount_sum=_amount(round_half_away(discount * quantity, places)),
            discount_rate=_rate(_percentage(discount, base)),
            tax=_amount(round_half_away(total * tax_rate / HUNDRED, places)),
        )


def sum_lines(lines: Iterable[LineAmounts]) -> LineSums:
    """Return the sums over ``lines``; empty amounts count as 0, sums are not rounded again."""
    sums = LineSums()
    with localcontext(EXACT):
        for line in lines:
            sums = LineSums(
                sums.discount_sum + (line.discount_sum or ZERO),
                sums.quoted_price_total + (line.quoted_price_total or ZERO),
                sums.tax + (line.tax or ZERO),
            )
    return sums


def compute_document(sums: LineSums, discount: Discount, places: int) -> DocumentAmounts:
    """Return the amounts of a document from its lines' sums and its discount (entities.md §6.2).

    A discount amount above the net amount is lowered to it. Raises ``AmountTooLarge``.
    """
    with localcontext(EXACT):
        nett = sums.quoted_price_total
        if discount.type == AMOUNT:
            amt = min(discount.amt, nett)
            pc = _percentage(amt, nett)
        else:
            pc = discount.pc
            amt = round_half_away(nett * pc / HUNDRED, places)
        return DocumentAmounts(
            line_item_disc=_amount(sums.discount_sum),
            nett_amt=_amount(nett),
            no_disc_amt=_amount(sums.discount_sum + nett),
            discount_pc=pc,
            discount_amt=_amount(amt),
            gross_amt=_amount(nett - amt),
            tax=_amount(sums.tax),
        )


def _percentage(part: Decimal, whole: Decimal) -> Decimal:
    return round_half_away(part / whole * HUNDRED, RATE_DIGITS) if whole else ZERO


def _amount(value: Decimal) -> Decimal:
    if abs(value) >= AMOUNT_LIMIT:
        raise AmountTooLarge
    return value


def _rate(value: Decimal) -> Decimal:
    if abs(value) >= RATE_LIMIT:
        raise AmountTooLarge
    return value
