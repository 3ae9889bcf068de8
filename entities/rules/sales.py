"""Rules of opportunities and quotes (entities.md §3.6, §3.10, §6.2, §6.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings

from entities.models import (
    Address,
    AddressLink,
    Company,
    Opportunity,
    Person,
    Quote,
    QuoteLine,
)
from entities.rules import numbering
from entities.rules.arithmetic import AMOUNT, PERCENT, ZERO
from entities.rules.assignment import check_assignment, complete_assignment
from entities.rules.circumstances import RuleViolation
from entities.rules.consistency import (
    check_dates,
    check_dealing_dates,
    check_person,
    complete_closing,
    complete_dealing,
    differs,
)
from entities.rules.documents import (
    CONVERTED,
    has_lines,
    lock_opportunity,
    recompute_opportunity,
    recompute_quote,
)
from entities.rules.products import base_currency, default_price_list
from entities.rules.writing import change, change_all
from entities.workflow import CERTAINTY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from entities.rules.circumstances import Circumstances

ABANDONED = "Closed"
ADDRESS_LINES = ("address1", "address2", "address3", "address4", "city", "state", "post_code", "country")


def complete_opportunity(opportunity: Opportunity, c: Circumstances) -> None:
    """Fill company, assignment, opening, closing, certainty and currency; a new opportunity has no totals yet."""
    complete_dealing(opportunity, c)
    complete_closing(opportunity, c)
    if opportunity.certainty is None and "certainty" not in c.given:
        opportunity.certainty = 0 if opportunity.status == ABANDONED else CERTAINTY.get(opportunity.stage)
    opportunity.total_quotes = opportunity.total_orders = ZERO
    opportunity.total = opportunity.no_disc_amt_sum = ZERO


def check_opportunity(opportunity: Opportunity, c: Circumstances) -> Iterator[RuleViolation]:
    """Person and company agree, dates are in order, the currency is not fixed by lines."""
    yield from check_assignment(opportunity, c)
    yield from check_person(opportunity, c)
    yield from check_dealing_dates(opportunity, c)
    if opportunity.forecast_currency_id is None and (c.before is None or opportunity.forecast is not None):
        opportunity.forecast_currency_id = base_currency(c)
    if c.before is not None and c.changed(opportunity, "currency_id"):
        emptied = opportunity.currency_id is None and _quotes(opportunity.pk, c).exists()
        if emptied or has_lines(opportunity.pk, c):
            yield _currency_is_fixed()


def settle_opportunity(opportunity: Opportunity, c: Circumstances) -> None:
    """Let the quotes follow the currency and the company of their opportunity; a converted one keeps its company."""
    if c.before is None:
        return
    quotes = _quotes(opportunity.pk, c)
    if c.changed(opportunity, "currency_id") and opportunity.currency_id is not None:
        change_all(quotes.exclude(currency=opportunity.currency_id), c, currency_id=opportunity.currency_id)
    if c.changed(opportunity, "primary_company_id"):
        change_all(quotes.exclude(status=CONVERTED), c, company_id=opportunity.primary_company_id)


def complete_quote(quote: Quote, c: Circumstances) -> None:
    """Fill what a new quote has from its opportunity, company and the settings; it has no lines yet.

    What the caller cannot read of the opportunity is not copied to where it could be read.
    """
    opportunity = c.keyed(Opportunity, quote.opportunity_id).first()
    if opportunity is None:
        return
    quote.company_id = opportunity.primary_company_id
    readable = {name for name in ("primary_person", "assigned_user", "team") if c.readable(Opportunity, name)}
    if quote.contact_id is None and "contact" not in c.given and "primary_person" in readable:
        quote.contact_id = opportunity.primary_person_id
    complete_assignment(
        quote,
        c,
        user=opportunity.assigned_user_id if "assigned_user" in readable else None,
        team=opportunity.team_id if "team" in readable else None,
        territories=_territories(quote, opportunity, c),
    )
    if not quote.reference:
        quote.reference = numbering.quote_reference()
    quote.opened = c.now
    if quote.expiration_date is None and "expiration_date" not in c.given:
        quote.expiration_date = c.now + timedelta(days=getattr(settings, "QUOTE_DAYS", 7))
    if quote.currency_id is None and (currency := opportunity.currency_id or base_currency(c)):
        quote.currency_id = currency
    if quote.pricing_list_id is None and (price_list := default_price_list(c)):
        quote.pricing_list_id = price_list
    _complete_addresses(quote, c)


def check_quote(quote: Quote, c: Circumstances) -> Iterator[RuleViolation]:
    """A converted quote stays; currency and price list are fixed by lines; the assigned user can work."""
    if _stays_converted(quote, c):
        yield RuleViolation("A converted quote cannot be changed.", code="TransitionNotAllowed")
        return
    yield from check_assignment(quote, c)
    yield from check_dates(quote, c, "opened", "expiration_date")
    if c.before is None:
        yield from _check_new_quote(quote, c)
    elif c.changed(quote, "currency_id") and has_lines(quote.opportunity_id, c):
        yield _currency_is_fixed()
    other_list = c.before is not None and c.changed(quote, "pricing_list_id")
    if other_list and c.rows(QuoteLine).filter(quote=quote.pk).exists():
        yield RuleViolation("The price list is fixed once a line exists.", "pricing_list")
    quote.discount_type = quote.discount_type or PERCENT
    if quote.discount_amt is None:
        quote.discount_amt = ZERO


def settle_quote(quote: Quote, c: Circumstances) -> None:
    """Compute the quote's amounts and its opportunity's totals; let all documents follow a new currency.

    Raises ``RuleViolation`` if a discount amount just written exceeds the net amount.
    """
    opportunity = lock_opportunity(quote.opportunity_id, c)
    if not c.unfinished:
        written = quote.discount_amt or ZERO
        recompute_quote(quote, c)
        lowered = quote.discount_type == AMOUNT and quote.discount_amt != written
        if lowered and c.changed(quote, "discount_type", "discount_amt"):
            raise RuleViolation("The discount exceeds the net amount.", "discount_amt")
    if opportunity is None:
        return
    if opportunity.currency_id != quote.currency_id:
        change(opportunity, c, currency_id=quote.currency_id)
        others = _quotes(opportunity.pk, c).exclude(currency=quote.currency_id)
        change_all(others, c, currency_id=quote.currency_id)
    if not c.unfinished:
        recompute_opportunity(opportunity, c)


def _check_new_quote(quote: Quote, c: Circumstances) -> Iterator[RuleViolation]:
    opportunity = c.keyed(Opportunity, quote.opportunity_id).first()
    if opportunity is None:
        yield RuleViolation("This record cannot be used here.", "opportunity", "BadReference")
        return
    for name in ("currency", "pricing_list"):
        if getattr(quote, f"{name}_id") is None:
            yield RuleViolation("A quote needs a currency and a price list.", name, "Required")
    if opportunity.currency_id not in (None, quote.currency_id) and has_lines(opportunity.pk, c):
        yield _currency_is_fixed()


def _stays_converted(quote: Quote, c: Circumstances) -> bool:
    before = c.before
    converted = isinstance(before, Quote) and before.status == CONVERTED == quote.status
    return converted and differs(quote, c)


def _currency_is_fixed() -> RuleViolation:
    return RuleViolation("The currency of the opportunity is fixed.", "currency")


def _quotes(opportunity: int, c: Circumstances) -> QuerySet[Quote]:
    return c.rows(Quote).filter(opportunity=opportunity)


def _territories(quote: Quote, opportunity: Opportunity, c: Circumstances) -> list[int | None]:
    if quote.territory_id is not None:
        return []
    company = c.keyed(Company, quote.company_id).values_list("territory_id", flat=True)
    contact = c.keyed(Person, quote.contact_id).values_list("territory_id", flat=True)
    return [opportunity.territory_id, company.first(), contact.first()]


def _complete_addresses(quote: Quote, c: Circumstances) -> None:
    """Copy the company's addresses as text, as far as the caller sees the company and reads links and parts."""
    wanted = {"bill_address": "Billing", "ship_address": "Shipping"}
    missing = {name: kind for name, kind in wanted.items() if not getattr(quote, name) and name not in c.given}
    if not missing or quote.company_id is None or not c.visible(Company, quote.company_id):
        return
    links = c.rows(AddressLink).filter(company=quote.company_id, person=None, type__in=missing.values())
    if not all(c.readable(AddressLink, name) for name in ("address", "company", "person", "type")):
        links = links.none()
    firsts: dict[str, int] = {}
    for kind, address in links.order_by("pk").values_list("type", "address_id"):
        firsts.setdefault(kind, address)
    key = quote.company_id if c.readable(Company, "primary_address") else None
    primaries = c.keyed(Company, key).values_list("primary_address_id", flat=True)
    primary: int | None = primaries.first() if len(firsts) < len(missing) else None
    chosen = {name: firsts.get(kind, primary) for name, kind in missing.items()}
    addresses = c.rows(Address).in_bulk([key for key in set(chosen.values()) if key is not None])
    for name, found in chosen.items():
        if found in addresses:
            setattr(quote, name, _text(addresses[found], c))


def _text(address: Address, c: Circumstances) -> str:
    readable = (getattr(address, name) for name in ADDRESS_LINES if c.readable(Address, name))
    return "\n".join(part for part in readable if part)
