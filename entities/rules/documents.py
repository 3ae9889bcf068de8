"""Recomputing a quote from its lines and an opportunity from its quotes (entities.md §6.2, §6.3).

Locks are always taken in the order opportunity → quote → lines → counter; a write of a quote or a line therefore
starts with ``lock_opportunity`` or ``lock_document``, so that parallel writes wait instead of losing a sum or
waiting for each other. Row locks are ``NO KEY UPDATE``: they let others insert rows that refer to the locked one.
"""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Sum

from entities.models import Currency, Opportunity, Quote, QuoteLine
from entities.rules.arithmetic import (
    AMOUNT_LIMIT,
    ZERO,
    AmountTooLarge,
    Discount,
    DocumentAmounts,
    LineSums,
    compute_document,
)
from entities.rules.circumstances import RuleViolation
from entities.rules.writing import change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entities.rules.circumstances import Circumstances

ACTIVE, CONVERTED = "Active", "Converted"
TOO_LARGE = "The amounts are too large."


def lock_opportunity(key: int | None, c: Circumstances) -> Opportunity | None:
    """Lock and return the opportunity ``key``, None if it is gone."""
    return c.keyed(Opportunity, key).select_for_update(no_key=True).first()


def lock_document(key: int | None, c: Circumstances) -> tuple[Opportunity | None, Quote | None]:
    """Lock and return the quote ``key`` and, before it, its opportunity."""
    quotes = c.keyed(Quote, key)
    opportunities = c.rows(Opportunity).filter(pk__in=quotes.values("opportunity_id"))
    opportunity = opportunities.select_for_update(no_key=True).first()
    return opportunity, quotes.select_for_update(no_key=True).first()


def lock_for_quote(quote: Quote, c: Circumstances) -> None:
    """Lock what a write of a quote computes."""
    lock_opportunity(quote.opportunity_id, c)


def lock_for_line(line: QuoteLine, c: Circumstances) -> None:
    """Lock what a write of a line computes."""
    lock_document(line.quote_id, c)


def decimal_places(currency: int | None, c: Circumstances) -> int:
    """Return the decimal places of the currency with the key ``currency``."""
    found = c.keyed(Currency, currency).values_list("decimal_places", flat=True).first()
    return 2 if found is None else found


def amounts_of(quote: Quote, c: Circumstances, *, without: Sequence[int] = ()) -> DocumentAmounts:
    """Return the amounts of a locked quote by its live lines, the lines ``without`` not counted.

    Raises ``RuleViolation`` if they exceed their columns.
    """
    lines = c.rows(QuoteLine).filter(quote=quote.pk).exclude(pk__in=without)
    columns = {name: Sum(name, default=ZERO) for name in asdict(LineSums())}
    sums = LineSums(**lines.aggregate(**columns))
    discount = Discount(quote.discount_type, Decimal(quote.discount_pc or 0), quote.discount_amt or ZERO)
    try:
        return compute_document(sums, discount, decimal_places(quote.currency_id, c))
    except AmountTooLarge:
        raise RuleViolation(TOO_LARGE) from None


def recompute_quote(quote: Quote, c: Circumstances, *, without: Sequence[int] = ()) -> None:
    """Write the amounts of a locked quote, the lines ``without`` not counted."""
    change(quote, c, **asdict(amounts_of(quote, c, without=without)))


def recompute_opportunity(opportunity: Opportunity, c: Circumstances, *, without: Sequence[int] = ()) -> None:
    """Write the totals of a locked opportunity, the quotes ``without`` not counted.

    All its quotes count, whether the caller sees them or not. Raises ``RuleViolation`` if a total is too large.
    """
    quotes = c.rows(Quote).filter(opportunity=opportunity.pk, status=ACTIVE, rollup=True).exclude(pk__in=without)
    sums: dict[str, Any] = quotes.aggregate(
        quotes=Sum("gross_amt", default=ZERO), undiscounted=Sum("no_disc_amt", default=ZERO)
    )
    total = sums["quotes"] + (opportunity.total_orders or ZERO)
    if max(total, sums["undiscounted"], key=abs) >= AMOUNT_LIMIT:
        raise RuleViolation(TOO_LARGE)
    change(
        opportunity,
        c,
        total_quotes=sums["quotes"],
        total_orders=opportunity.total_orders or ZERO,
        total=total,
        no_disc_amt_sum=sums["undiscounted"],
    )


def has_lines(opportunity: int | None, c: Circumstances) -> bool:
    """Whether any quote of the opportunity has a line: then its currency is fixed."""
    quotes = c.rows(Quote).filter(opportunity=opportunity)
    return c.rows(QuoteLine).filter(quote__in=quotes).exists()
