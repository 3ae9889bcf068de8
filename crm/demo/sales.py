"""Opportunities, quotes and their lines; every amount comes from the arithmetic that the product itself uses."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING

from crm.demo.catalogue import CURRENCIES, CURRENCY, Offer, offers
from crm.demo.dice import DAY, NOW, Dice, weighted, written
from crm.demo.directory import stamps
from entities.rules.arithmetic import (
    AMOUNT,
    COMMENT,
    FREE_TEXT,
    ITEM,
    PERCENT,
    ZERO,
    Discount,
    DocumentAmounts,
    Line,
    LineAmounts,
    compute_document,
    compute_line,
    sum_lines,
)

if TYPE_CHECKING:
    from crm.demo.batch import Batch
    from crm.demo.companies import Account
    from crm.demo.load import Row

# stage, status and certainty that go together
_QUOTED = ("Quoted", "In Progress", 50)
_OPEN = (
    ("Lead", "In Progress", 10),
    ("Qualified", "In Progress", 25),
    _QUOTED,
    ("Negotiating", "In Progress", 75),
    ("Sale Agreed", "In Progress", 90),
)
_ENDED = (
    ("Sale Closed", "Won", 100),
    ("Sale Closed", "Won", 100),
    ("Deal Lost", "Lost", 0),
    ("Qualified", "Closed", 0),
)
_OFFERED = frozenset(("Quoted", "Negotiating", "Sale Agreed", "Sale Closed", "Deal Lost"))
_SUBJECTS = (
    ("{product} for {number} users", "License"),
    ("{product} roll-out in {city}", "Mix"),
    ("{product} upgrade", "License"),
    ("{product} and training", "Mix"),
    ("Process workshop in {city}", "Consulting"),
    ("Renewal for {number} seats", "License"),
    ("Support contract {year}", "Services"),
    ("Scanners for {number} desks", "Mix"),
)
_PRODUCTS = ("ExpenseCheck", "Standard", "Professional", "Enterprise")
_SOURCES = ("Tradeshow", "Customer Referral", "Web", "Telephone", "Email", "Campaign", "Partner")
_PRIORITIES = weighted({"Normal": 6, "High": 2, "Low": 2})
_SCENARIOS = ("Best", "Likely", "Worst", "")
_TIMEFRAMES = ("Immediate", "1Month", "3Months", "6Months", "12Months", "Unknown")
_LOSSES = ("Price too high.", "Budget withdrawn.", "Chose a competitor.", "Project postponed without a date.")
_NOTES = ("", "", "Wants a pilot first.", "Decision by the board.", "Reference visit agreed.", "Asked for a discount.")
_LINE_TYPES = weighted({ITEM: 16, FREE_TEXT: 3, COMMENT: 1})
_FREE = ("Travel expenses", "Express delivery", "Disposal of old equipment", "Custom report")
_COMMENTS = ("Prices are valid for the whole order only.", "Delivery in two parts.", "Installation by the customer.")
_STATUS = weighted({"Active": 8, "Inactive": 2})
_OFFERS = offers()


def add_opportunities(dice: Dice, batch: Batch, account: Account, count: int, *, quoted: bool) -> None:
    """Collect ``count`` opportunities of a company, with their quotes; ``quoted``: the first is open and has one."""
    for number in range(count):
        _add_opportunity(dice, batch, account, quoted=quoted and number == 0)


def _add_opportunity(dice: Dice, batch: Batch, account: Account, *, quoted: bool) -> None:
    key = batch.key("Opportunity")
    opened = dice.moment(account.created)
    ended = dice.chance(0.85 if NOW - opened > 200 * DAY else 0.2)
    stage, status, certainty = _QUOTED if quoted else dice.pick(_ENDED if ended else _OPEN)
    closed = None if status == "In Progress" else dice.moment(opened, min(opened + 200 * DAY, NOW))
    owned: Row = {
        "assigned_user_id": account.user,
        "team_id": account.team,
        "territory_id": account.territory,
        **stamps(account.user, opened, changed_at=closed or dice.moment(opened)),
    }
    person = dice.pick(account.people) if account.people else None
    currency = CURRENCY[account.country.currency]
    quotes: list[DocumentAmounts] = []
    offered = quoted or (stage in _OFFERED and dice.chance(0.85))
    documents = dice.pick((1, 1, 1, 2)) if offered else 0
    for _ in range(documents):
        about: Row = {"opportunity_id": key, "company_id": account.key, "contact_id": person, **owned}
        quotes.extend(_add_quote(dice, batch, account, about, dice.moment(opened, closed or NOW), currency))
    subject, kind = dice.pick(_SUBJECTS)
    product = dice.pick(_PRODUCTS)
    total = sum((quote.gross_amt for quote in quotes), ZERO)
    row: Row = {
        "description": subject.format(
            product=product, number=dice.between(2, 60) * 5, city=account.city, year=2021 + opened // (365 * DAY)
        )[:50].rstrip(),
        "primary_company_id": account.key,
        "primary_person_id": person,
        "type": kind,
        "product": product,
        "source": dice.pick(_SOURCES),
        "priority": dice.pick(_PRIORITIES),
        "scenario": dice.pick(_SCENARIOS),
        "decision_timeframe": dice.pick(_TIMEFRAMES),
        "stage": stage,
        "status": status,
        "certainty": certainty,
        "note": dice.pick(_NOTES),
        "scrm_reason_for_loss": dice.pick(_LOSSES) if status == "Lost" else "",
        "customer_ref": dice.filled("PO-#####") if status == "Won" else "",
        "opened": written(opened),
        "target_close": written(opened + dice.between(20, 180) * DAY),
        "closed": written(closed),
        "forecast": dice.between(8, 900) * 250,
        "forecast_currency_id": currency,
        "currency_id": currency if documents else None,
        "total_quotes": total,
        "total_orders": ZERO,
        "total": total,
        "no_disc_amt_sum": sum((quote.no_disc_amt for quote in quotes), ZERO),
        "scrm_is_cross_sell": dice.chance(0.1),
        **owned,
    }
    batch.add("Opportunity", row, key)


def _add_quote(
    dice: Dice, batch: Batch, account: Account, about: Row, opened: int, currency: int
) -> tuple[DocumentAmounts, ...]:
    """Collect a quote with its lines; return its amounts if the opportunity's totals count them."""
    key = batch.key("Quotes")
    price_list = 2 if dice.chance(0.15) else 1
    places = CURRENCIES[currency - 1][2]
    stamped = stamps(account.user, opened)
    lines = [
        _add_line(dice, batch, (key, number), account, (price_list, currency), places, stamped)
        for number in range(1, dice.pick((1, 2, 2, 3, 3, 4, 5)) + 1)
    ]
    sums = sum_lines(lines)
    if dice.chance(0.9):
        discount = Discount(PERCENT, pc=Decimal(dice.pick(("0", "0", "0", "2.5", "5", "10"))))
    else:
        step = 10 if places else 1000
        discount = Discount(AMOUNT, amt=Decimal(int(sums.quoted_price_total / 10) // step * step))
    amounts = compute_document(sums, discount, places)
    status, rollup = dice.pick(_STATUS), dice.chance(0.95)
    row: Row = {
        **about,
        **stamped,
        "status": status,
        "reference": f"Q-{key:06}",
        "description": dice.pick(("First offer", "Revised offer", "Offer as discussed", "Budget offer", "")),
        "opened": written(opened),
        "expiration_date": written(opened + 7 * DAY),
        "currency_id": currency,
        "pricing_list_id": price_list,
        "discount_type": discount.type,
        "rollup": rollup,
        "bill_address": account.bill_address,
        "ship_address": account.ship_address,
        **asdict(amounts),
    }
    batch.add("Quotes", row, key)
    return (amounts,) if status == "Active" and rollup else ()


def _add_line(
    dice: Dice,
    batch: Batch,
    place: tuple[int, int],
    account: Account,
    prices: tuple[int, int],
    places: int,
    stamped: Row,
) -> LineAmounts:
    kind = dice.pick(_LINE_TYPES) if place[1] > 1 else ITEM
    if kind == ITEM:
        offer = dice.pick(_OFFERS)
        line, text = _item(dice, offer, offer.prices[prices], account.country.tax, places), offer.name
        goods: Row = {"product_id": offer.product, "product_family_id": offer.family, "uom_id": offer.unit}
    elif kind == FREE_TEXT:
        price = Decimal(dice.between(5, 90) * (10 if places else 1000))
        line, text = Line(FREE_TEXT, Decimal(1), None, price, Decimal(account.country.tax)), dice.pick(_FREE)
        goods = {}
    else:
        line, text, goods = Line(COMMENT), dice.pick(_COMMENTS), {}
    amounts = compute_line(line, places)
    row: Row = {
        "quote_id": place[0],
        "line_type": kind,
        "line_number": place[1],
        "description": text,
        "quantity": line.quantity,
        "tax_rate": line.tax_rate or ZERO,
        "currency_id": prices[1],
        **goods,
        **asdict(amounts),
        **stamped,
    }
    batch.add("QuoteItems", row)
    return amounts


def _item(dice: Dice, offer: Offer, price: Decimal, tax: str, places: int) -> Line:
    quantity = Decimal(dice.between(1, 40)) if offer.whole else Decimal(dice.between(1, 32)) / 2
    quoted = price
    if dice.chance(0.35):
        factor = Decimal(dice.pick(("0.95", "0.9", "0.85", "0.8", "1.05")))
        quoted = (price * factor).quantize(Decimal(1).scaleb(-places))
    return Line(ITEM, quantity, price, quoted, Decimal(tax))
