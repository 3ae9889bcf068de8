"""Rules of quote lines (entities.md §3.11, §6.2)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from django.db.models import Max

from entities.models import Price, Product, Quote, QuoteLine, Unit
from entities.rules.arithmetic import COMMENT, FREE_TEXT, ITEM, AmountTooLarge, Line, compute_line
from entities.rules.circumstances import RuleViolation
from entities.rules.consistency import differs
from entities.rules.documents import (
    CONVERTED,
    TOO_LARGE,
    decimal_places,
    lock_document,
    recompute_opportunity,
    recompute_quote,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entities.rules.circumstances import Circumstances

LAST_NUMBER = 2**31 - 1
DESCRIPTION_LENGTH = 255


def complete_line(line: QuoteLine, c: Circumstances) -> None:
    """Number a new line after the highest of its quote and give it the quote's currency."""
    quote = c.keyed(Quote, line.quote_id)
    line.currency_id = quote.values_list("currency_id", flat=True).first()
    if line.line_number is None:
        lines = c.rows(QuoteLine).filter(quote=line.quote_id)
        highest: int = lines.aggregate(highest=Max("line_number"))["highest"] or 0
        line.line_number = min(highest + 1, LAST_NUMBER)


def check_line(line: QuoteLine, c: Circumstances) -> Iterator[RuleViolation]:
    """A line has what its type needs, with the list price of its product; compute its amounts."""
    quote = c.keyed(Quote, line.quote_id).first()
    if quote is None:
        yield RuleViolation("This record cannot be used here.", "quote", "BadReference")
        return
    if quote.status == CONVERTED and differs(line, c):
        yield _is_converted()
        return
    if line.line_type == ITEM:
        yield from _check_item(line, quote, c)
    elif line.line_type == FREE_TEXT:
        yield from _check_free_text(line)
    elif line.line_type == COMMENT:
        yield from _check_comment(line)
    else:
        yield RuleViolation("A line is an item, free text or a comment.", "line_type")
        return
    try:
        given = Line(line.line_type, line.quantity, line.list_price, line.quoted_price, line.tax_rate)
        amounts = compute_line(given, decimal_places(quote.currency_id, c))
    except AmountTooLarge:
        yield RuleViolation(TOO_LARGE, "quantity")
        return
    for name, value in asdict(amounts).items():
        setattr(line, name, value)


def settle_line(line: QuoteLine, c: Circumstances) -> None:
    """Compute the quote and its opportunity anew, under their locks."""
    if not c.unfinished:
        _recompute(line, c)


def remove_line(line: QuoteLine, c: Circumstances) -> None:
    """Compute the quote and its opportunity without the line.

    Raises ``RuleViolation`` ``TransitionNotAllowed`` for a line of a converted quote.
    """
    quote = c.rows(Quote).filter(pk=line.quote_id, status=CONVERTED)
    if quote.exists():
        raise _is_converted()
    _recompute(line, c, without=[line.pk])


def _recompute(line: QuoteLine, c: Circumstances, *, without: Sequence[int] = ()) -> None:
    opportunity, quote = lock_document(line.quote_id, c)
    if quote is not None:
        recompute_quote(quote, c, without=without)
    if opportunity is not None:
        recompute_opportunity(opportunity, c)


def _check_item(line: QuoteLine, quote: Quote, c: Circumstances) -> Iterator[RuleViolation]:
    yield from _check_quantity(line)
    if line.product_id is None:
        yield _required("An item needs a product.", "product")
        return
    if c.changed(line, "product_id", "uom_id"):
        yield from _take_product(line, quote, c)
    if line.quoted_price is None and not _tells_list_price(c):
        yield _required("The line needs a price.", "quoted_price")


def _check_free_text(line: QuoteLine) -> Iterator[RuleViolation]:
    yield from _check_empty(line, "product", "uom")
    yield from _check_quantity(line)
    line.product_family_id = None
    if line.quoted_price is None:
        yield _required("Free text needs a price.", "quoted_price")
    if not line.description:
        yield _required("Free text needs a description.", "description")


def _check_comment(line: QuoteLine) -> Iterator[RuleViolation]:
    yield from _check_empty(line, "product", "uom", "quantity", "quoted_price")
    line.product_family_id = None
    if not line.description:
        yield _required("A comment needs a description.", "description")


def _check_quantity(line: QuoteLine) -> Iterator[RuleViolation]:
    if line.quantity is None:
        yield _required("The line needs a quantity.", "quantity")
    elif line.quantity <= 0:
        yield RuleViolation("The quantity must be greater than 0.", "quantity")


def _check_empty(line: QuoteLine, *names: str) -> Iterator[RuleViolation]:
    for name in names:
        column = f"{name}_id" if name in ("product", "uom") else name
        if getattr(line, column) is not None:
            yield RuleViolation("A line of this type leaves this empty.", name)


def _take_product(line: QuoteLine, quote: Quote, c: Circumstances) -> Iterator[RuleViolation]:
    """Take unit, family, description and list price of the product just set; they are kept afterwards.

    A name or a price that the caller cannot read is not copied to where it could be read.
    """
    before = c.before if isinstance(c.before, QuoteLine) else None
    keys = [line.product_id, before.product_id if before else None]
    products = c.rows(Product).in_bulk([key for key in keys if key is not None])
    product = products.get(line.product_id)
    if product is None:
        yield RuleViolation("This record cannot be used here.", "product", "BadReference")
        return
    line.product_family_id = product.product_family_id
    known = products.get(before.product_id) if before else None
    stale = not line.description or (known is not None and line.description == known.name)
    told = c.readable(Product, "name") or not c.readable(QuoteLine, "description")
    if stale and told and "description" not in c.given:
        line.description = product.name[:DESCRIPTION_LENGTH]
    yield from _take_unit(line, product, c)
    prices = c.rows(Price).filter(
        product=product.pk,
        pricing_list=quote.pricing_list_id,
        uom=line.uom_id,
        price_currency=quote.currency_id,
        active=True,
    )
    price = prices.order_by("pk").values_list("price", flat=True).first()
    if price is None:
        yield RuleViolation(
            "The product has no active price for the quote's price list and currency and this unit.", "product"
        )
        return
    line.list_price = price
    follows = line.quoted_price is None or (before is not None and "quoted_price" not in c.given)
    if follows and _tells_list_price(c):
        line.quoted_price = price


def _tells_list_price(c: Circumstances) -> bool:
    """Whether the price may follow the list price: the caller reads both of them or neither."""
    return c.readable(QuoteLine, "list_price") or not c.readable(QuoteLine, "quoted_price")


def _take_unit(line: QuoteLine, product: Product, c: Circumstances) -> Iterator[RuleViolation]:
    units = c.rows(Unit).filter(family=product.uom_category_id)
    other_product = c.before is not None and c.changed(line, "product_id") and "uom" not in c.given
    if line.uom_id is None or other_product:
        defaults = units.filter(default_value=True).order_by("pk")
        line.uom_id = defaults.values_list("pk", flat=True).first()
    elif not units.filter(pk=line.uom_id).exists():
        yield RuleViolation("The unit does not belong to the product.", "uom")


def _required(message: str, field: str) -> RuleViolation:
    return RuleViolation(message, field, "Required")


def _is_converted() -> RuleViolation:
    return RuleViolation("The lines of a converted quote cannot be changed.", code="TransitionNotAllowed")
